"""Single calls from public threads, worked out by hand there and checked again: what a bill must say, what a gateway wrote instead.

Each vector is a log of a few LiteLLM or usage-table rows and a bill with one amount a day. `expected` is the finding on the bridge
from the gateway's figure to the priced one; a vector without one must be read right and say nothing.
"""

import json
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Vector:
    source: str
    provider: str
    model: str
    log: str  # text of the log, one row
    right: str
    wrong: str
    expected: str  # cause
    moves: str  # dollars of the finding: right - wrong


TABLE = "period_start,provider,served_model,request_id,input,output,output_reasoning,output_image,logged_cost\n"


def payload(provider, model, usage, cost):
    return json.dumps({
        "id": "chatcmpl-golden", "trace_id": "t", "call_type": "acompletion", "cache_hit": None, "stream": None, "status": "success", "custom_llm_provider": provider,
        "startTime": 1791540000.0, "endTime": 1791540010.0, "model": f"{provider}/{model}", "metadata": {"user_api_key_alias": "key", "usage_object": usage},
        "response_cost": cost, "total_tokens": usage["total_tokens"], "prompt_tokens": usage["prompt_tokens"], "completion_tokens": usage["completion_tokens"],
        "request_tags": [], "end_user": "", "model_group": model, "messages": None, "hidden_params": {},
    })


def claude(fresh, write, read, output):
    prompt = fresh + write + read
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output, "cache_read_input_tokens": read, "cache_creation_input_tokens": write,
            "prompt_tokens_details": {"cached_tokens": read, "cache_creation_tokens": write, "cache_creation_token_details": {"ephemeral_5m_input_tokens": write, "ephemeral_1h_input_tokens": 0}}}


def gpt(prompt, cached, output, total=None, reasoning=0):
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": total or prompt + output, "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning}}


VECTORS = (
    # 3 x 3 + 12,304 x 3.75 + 550 x 15 a million; the writes a second time as input: + 12,304 x 3.
    Vector("BerriAI/litellm#9812", "anthropic", "claude-sonnet-4-5-20250929", payload("anthropic", "claude-sonnet-4-5-20250929", claude(3, 12_304, 0, 550), 0.091311),
           "0.054399", "0.091311", "cls.cache_double", "-0.036912"),
    # (6,074 - 3,456) x 2.50 + 3,456 x 0.25 + 285 x 15; the reads in full: 6,074 x 2.50 + 285 x 15.
    Vector("BerriAI/litellm#27191", "openai", "gpt-5.4", payload("openai", "gpt-5.4", gpt(6_074, 3_456, 285), 0.01946), "0.011684", "0.01946", "cls.cache_read_as_input", "-0.007776"),
    # 4 x 0.80 + 2,455 x 0.08 + 23 x 4; the reads in full: 2,459 x 0.80 + 23 x 4.
    Vector("BerriAI/litellm#11789", "anthropic", "claude-3-5-haiku-20241022", payload("anthropic", "claude-3-5-haiku-20241022", claude(4, 0, 2_455, 23), 0.0020592),
           "0.0002916", "0.0020592", "cls.cache_read_as_input", "-0.0017676"),
    # 100 fresh, 700 written at 1.25, 200 read at 0.1: 995 input tokens' worth; with both also as input 1,895. At 3 a million, without output.
    Vector("BerriAI/litellm#31282", "anthropic", "claude-sonnet-4-5-20250929", payload("anthropic", "claude-sonnet-4-5-20250929", claude(100, 700, 200, 0), 0.005685),
           "0.002985", "0.005685", "cls.cache_double", "-0.0027"),
    # Total 83,265 of 80,657 in: 2,608 out, of which 1,842 were thought. At gpt-5.4's 2.50 and 15: the gateway priced 766.
    Vector("danny-avila/LibreChat#13014", "openai", "gpt-5.4", payload("openai", "gpt-5.4", gpt(80_657, 0, 766, 83_265, 1_842), 0.2131325), "0.2407625", "0.2131325",
           "cls.reasoning_dropped", "0.02763"),
    # 326 x 2 + 2,000 image tokens x 120 + (340 + 337) x 12; the images as text: 326 x 2 + 2,677 x 12.
    Vector("ding113/claude-code-hub#663", "google-gemini-api", "gemini-3-pro-image", TABLE + "2026-10-09T08:00:00Z,google-gemini-api,gemini-3-pro-image,req-1,326,340,337,2000,0.032776",
           "0.248776", "0.032776", "cls.modality", "0.216"),
    # Two children and a parent that repeats their sum; a table has no tree, so nothing may be said: 38,104 x 2.50 a million.
    Vector("langfuse/langfuse#14754", "openai", "gpt-5.4", TABLE + "2026-10-09T08:00:00Z,openai,gpt-5.4,child-1,20000,,,,0.05\n2026-10-09T08:00:01Z,openai,gpt-5.4,child-2,18104,,,,0.04526\n"
           "2026-10-09T08:00:02Z,openai,gpt-5.4,parent,38104,,,,0.09526", "0.09526", "0.19052", "", "0"),
)
FOCUS_HEADER = "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceProviderName,ServiceCategory,ServiceName,x_ModelId\n"
# langwatch/langwatch#6977: the cost API says "41280.000000", which are cents.
CENTS = json.dumps({"data": [{"starting_at": "2026-10-09T00:00:00Z", "ending_at": "2026-10-10T00:00:00Z", "results": [
    {"currency": "USD", "amount": "41280.000000", "workspace_id": None, "description": "Claude Sonnet 5 Usage - Output Tokens", "cost_type": "tokens", "context_window": "0-200k",
     "model": "claude-sonnet-5", "service_tier": "standard", "token_type": "output_tokens", "inference_geo": "global"}]}], "has_more": False, "next_page": None})
CENTS_LOG = "period_start,provider,served_model,requests,prompt_tokens_from,output,logged_cost\n2026-10-09T08:00:00Z,anthropic,claude-sonnet-5,9000,1,41280000,412.80\n"


def write(vector, folder):
    """The arguments that make the tool read a vector."""
    log = "golden.jsonl" if vector.log.startswith("{") else "golden.csv"
    (folder / log).write_text(vector.log + "\n")
    bill = f"{vector.right},USD,Usage,2026-10-09T00:00:00Z,2026-10-10T00:00:00Z,{vector.provider},AI and Machine Learning,API,{vector.model}\n"
    (folder / "focus.csv").write_text(FOCUS_HEADER + bill)
    return ["reconcile", "--month", "2026-10", "--usage", log, "--invoice", f"{vector.provider}=focus.csv", "-O", "json", "-q"]


def verdict(vector, document):
    """Empty where the document says what the thread worked out; else what it says."""
    totals = document["totals"]
    said = [(finding["cause"], finding["amount"]) for finding in document["findings"] if finding["cause"] not in ("round.line", "round.float")]
    problems = []
    for name, value in (("logged", vector.wrong), ("priced", vector.right if vector.expected else vector.wrong), ("billed", vector.right)):
        if Decimal(totals[name]) != Decimal(value):
            problems.append(f"{name} {totals[name]} instead of {value}")
    if [(cause, Decimal(amount)) for cause, amount in said] != ([(vector.expected, Decimal(vector.moves))] if vector.expected else []):
        problems.append(f"said {said} instead of {vector.expected} {vector.moves}")
    return problems


def cents(folder):
    (folder / "usage.csv").write_text(CENTS_LOG)
    (folder / "cost_report.json").write_text(CENTS)
    return ["reconcile", "--month", "2026-10", "--usage", "usage.csv", "--invoice", "anthropic=cost_report.json", "-O", "json", "-q"]


def cents_verdict(document):
    totals = document["totals"]
    good = Decimal(totals["billed"]) == Decimal("412.80") and not document["findings"] and Decimal(totals["unexplained_gross"]) == 0
    return [] if good else [f"billed {totals['billed']}, {len(document['findings'])} findings"]
