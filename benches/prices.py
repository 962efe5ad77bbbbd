#!/usr/bin/env python3
"""Times llmfin's pricing of single requests beside LiteLLM's per-call calculator, in one run on one machine.

usage: benches/prices.py [--requests N] [--litellm N] [--rounds N]
Generates N distinct requests (seeded) under target/bench: models that both price the same, instants of October 2026,
cached and uncached prompts, batches. llmfin prices all of them, name by name and meter by meter; LiteLLM's
`cost_per_token` prices the first ones, called as its proxy calls it. Sums of the same requests are compared.
LiteLLM is the one that tests/conformance/requirements.txt pins, in the venv of tests/conformance/run.
"""
import argparse, csv, os, random, statistics, subprocess, sys, time, venv
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "target" / "bench"
VENV = ROOT / "target" / "conformance" / "venv"
PINS = ROOT / "tests" / "conformance" / "requirements.txt"
MODELS = [("gpt-5", "openai"), ("gpt-5-mini", "openai"), ("gpt-4.1-mini", "openai"), ("gpt-5.6-luna", "openai"),
          ("claude-sonnet-4-5", "anthropic"), ("claude-haiku-4-5-20251001", "anthropic"), ("claude-opus-4-6", "anthropic")]

LITELLM = r"""
import csv, itertools, sys, time
from litellm import cost_per_token
from litellm.types.utils import Usage, PromptTokensDetailsWrapper
rows = list(itertools.islice(csv.DictReader(open(sys.argv[1])), int(sys.argv[2])))
calls = []
for row in rows:
    plain, cached, output = int(row["input"]), int(row["cache_read"]), int(row["output"])
    usage = Usage(prompt_tokens=plain + cached, completion_tokens=output, total_tokens=plain + cached + output,
                  prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=cached), cache_read_input_tokens=cached)
    calls.append((row["model"], row["seller"], plain + cached, output, usage))
total, start = 0.0, time.perf_counter()
for model, seller, prompt, output, usage in calls:
    a, b = cost_per_token(model=model, custom_llm_provider=seller, prompt_tokens=prompt, completion_tokens=output,
                          usage_object=usage)
    total += a + b
print("price_ns", int((time.perf_counter() - start) * 1e9)); print("total", repr(total))
"""


def requests(path, count):
    rng, part = random.Random(20261103), path.with_suffix(".part")
    with open(part, "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["model", "seller", "at", "tier", "input", "cache_read", "output"])
        for _ in range(count):
            model, seller = rng.choice(MODELS)
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1790812800 + rng.randrange(31 * 86400)))
            plain = rng.randrange(1, 100_000)
            rows.writerow([model, seller, at, "standard", plain, rng.choice([0, rng.randrange(1, 90_000)]), rng.randrange(1, 4000)])
    part.rename(path)


def answers(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"})
    return dict(line.split(" ", 1) for line in out.stdout.splitlines() if line.count(" ") == 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--litellm", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    BENCH.mkdir(parents=True, exist_ok=True)
    path, head = BENCH / f"requests-{args.requests}.csv", BENCH / f"requests-first-{args.litellm}.csv"
    if not path.exists():
        requests(path, args.requests)
    with open(path) as whole, open(head, "w") as part:
        part.writelines(line for line, _ in zip(whole, range(args.litellm + 1)))
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", PINS], check=True)
    subprocess.run(["cargo", "build", "--release", "--quiet", "--examples", "--bins"], cwd=ROOT, check=True)
    ours, program = ROOT / "target/release/examples/price_requests", ROOT / "target/release/llmfin"
    each, theirs, loads, whole = [], [], [], []
    for _ in range(args.rounds):
        said = answers([ours, path])
        each.append(int(said["price_ns"]) / int(said["requests"]))
        loads.append(int(said["load_ms"]))
        if said["unpriced"] != "0":
            sys.exit(f"{said['unpriced']} requests have no price")
        start = time.perf_counter()
        with open(os.devnull, "w") as nowhere:
            subprocess.run([program, "pricebook", "price", "--file", path, "-q"], check=True, stdout=nowhere)
        whole.append(time.perf_counter() - start)
        other = answers([python, "-c", LITELLM, path, str(args.litellm)])
        theirs.append(int(other["price_ns"]) / args.litellm)
    first = Decimal(answers([ours, head])["total"])
    apart = abs(first - Decimal(other["total"]))
    middle = statistics.median
    print(f"{args.requests} requests, LiteLLM the first {args.litellm}, {args.rounds} rounds, {os.cpu_count()} cores")
    print(f"sum of the first {args.litellm}: llmfin {first} USD, LiteLLM {other['total']} USD, apart {apart:.10f}")
    print(f"llmfin    {min(each):.0f} / {middle(each):.0f} / {max(each):.0f} ns a request")
    print(f"LiteLLM   {min(theirs):.0f} / {middle(theirs):.0f} / {max(theirs):.0f} ns a request")
    print(f"ratio     {middle(b / a for a, b in zip(each, theirs)):.0f}x, median of rounds")
    print(f"book      loaded in {min(loads)} / {middle(loads)} / {max(loads)} ms")
    print(f"file      priced to CSV in {min(whole):.2f} / {middle(whole):.2f} / {max(whole):.2f} s, whole process")


if __name__ == "__main__":
    main()
