"""The book as LiteLLM's price map: LiteLLM's calculator on the exported map charges what llmfin charges on the book.

The map is written by `llmfin pricebook export litellm`, replaces LiteLLM's own, and every entry is asked for every shape it
states.
"""

import json
from collections import Counter
from datetime import datetime, timezone

from common import WORK, check, done, llmfin
from priced import CLOSE, PROVIDERS, SHAPES, Case, by_litellm, by_llmfin, litellm, litellm_states, place

# Noon, and no prices by the hour: what LiteLLM charges off the peak depends on the clock of the machine.
DAY = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
# LiteLLM's calculators of these sellers leave a price of the map unused; Claude 2 it sends to its text-completion provider,
# of which it finds no batch price.
TEXT_COMPLETION = {"claude-2"}
IGNORED = {("fireworks", "priority"), ("perplexity", "cached"), ("perplexity", "long")}

WORK.mkdir(parents=True, exist_ok=True)
written = WORK / "map.json"
llmfin("-q", "pricebook", "export", "litellm", "--at", f"{DAY:%Y-%m-%d}", "-o", written)
exported = json.loads(written.read_text())
for name, entry in exported.items():
    # What a model can take is no price, and not in the map; LiteLLM asks for it nowhere in a price.
    entry["max_input_tokens"] = 1_000_000
litellm.model_cost.clear()
litellm.model_cost.update(exported)
litellm.add_known_models(exported)

cases, theirs = [], []
for name, entry in sorted(exported.items()):
    provider = entry["litellm_provider"]
    provider = "bedrock" if provider == "bedrock_converse" else provider
    seller, _, prefixes = PROVIDERS[provider]
    bare = next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)
    model, region = place(seller, bare)
    for shape in SHAPES if model and seller != "deepseek" else ():
        if litellm_states(entry, shape) and (seller, shape) not in IGNORED and name not in TEXT_COMPLETION:
            cases.append(Case(seller, model, region, DAY, shape, name))
            theirs.append(by_litellm(name, provider, shape))
problems, sellers = [], Counter()
for case, their, ours in zip(cases, theirs, by_llmfin(cases)):
    if isinstance(ours, str) and "no longer sold" in ours and case.shape == "long":
        # The export lists these: no entry can say that a prompt of this size is refused.
        sellers["no longer sold"] += 1
    elif isinstance(ours, str) or abs(their - ours) > CLOSE:
        problems.append(f"{case}: LiteLLM on the exported map {their.normalize()}, llmfin {ours}")
    else:
        sellers[case.seller] += 1
check("exported price map", problems, f"{len(exported)} entries, {len(cases) - len(problems) - sellers['no longer sold']} prices equal to 1e-9 in LiteLLM's calculator")
print("        " + ", ".join(f"{seller} {count}" for seller, count in sorted(sellers.items())))
done()
