"""Feeds what LiteLLM really logged to llmfin and compares every row with what the provider served."""

import json
from decimal import Decimal
from importlib.metadata import version

from common import METERS, WORK, check, done, llmfin, table, twelve
from scenarios import SCENARIOS

LOGS = WORK / "logs"


def wanted(scenario, payloads):
    """The rows that must come out, each with the cost of its own payload."""
    rows = []
    for record, payload in zip(scenario["records"], payloads, strict=True):
        provider, model = scenario["model"].split("/") if "/" in scenario["model"] else ("openai", "gpt-5.5")
        meters = record["meters"]
        if meters == "own-count":
            meters = {"input": int(payload["prompt_tokens"]), "output": int(payload["completion_tokens"])}
        named = {"provider": provider, "served_model": model, "service_tier": "standard", "requests": "1"}
        named |= {key: value for key, value in record.items() if key != "meters"}
        named |= {meter: str(meters.get(meter, 0)) for meter in METERS}
        cost = payload["response_cost"]
        named["logged_cost"] = "" if cost is None else twelve(cost)
        rows.append(named)
    return rows


def ingested(name, source):
    out = WORK / f"{name}.csv"
    llmfin("-q", "ingest", "--usage", source, "-o", out)
    rows = table(out)
    for row in rows:
        for meter in METERS:
            row[meter] = row[meter] or "0"
        row["logged_cost"] = row["logged_cost"] and twelve(row["logged_cost"])
        row["service_tier"] = row["service_tier"] or "standard"
    return rows


def compare(name, scenario):
    text = (LOGS / f"{name}.jsonl").read_text()
    payloads = [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines()]
    try:
        expected = wanted(scenario, payloads)
    except ValueError:
        return [f"{name}: LiteLLM wrote {len(payloads)} rows, {len(scenario['records'])} were expected"]
    rows = ingested(name, LOGS / f"{name}.jsonl")
    if len(rows) != len(expected):
        return [f"{name}: llmfin counted {len(rows)} rows, {len(expected)} were expected"]
    rows.sort(key=lambda row: row["outcome"])
    expected.sort(key=lambda row: row["outcome"])
    return [
        f"{name}: {field} is {row[field]}, served was {value}"
        for row, want in zip(rows, expected)
        for field, value in want.items()
        if row[field] != value
    ]


def sums(rows):
    total = {meter: sum(int(row[meter]) for row in rows) for meter in METERS}
    return total | {"logged_cost": sum(Decimal(row["logged_cost"] or 0) for row in rows)}


def multiset(rows):
    """Rows without their order, which follows the order of the files."""
    return sorted(sorted((key, str(value)) for key, value in row.items()) for row in rows)


def layouts():
    """The same payloads as lines, as `generic_api`'s default array, and as one object a file, as S3 keeps them."""
    lines = [line for name in SCENARIOS for line in (LOGS / f"{name}.jsonl").read_text().splitlines()]
    (WORK / "array.json").write_text("[" + ", ".join(lines) + "]")
    objects = WORK / "objects"
    objects.mkdir(exist_ok=True)
    for old in objects.iterdir():
        old.unlink()
    for number, line in enumerate(lines):
        (objects / f"{number:03}.json").write_text(line)
    read = {name: ingested(name, source) for name, source in
            {"all-lines": LOGS, "all-array": WORK / "array.json", "all-objects": objects}.items()}
    problems = [f"{name} differs from all-lines" for name, rows in read.items() if multiset(rows) != multiset(read["all-lines"])]
    return problems, len(lines), sums(read["all-lines"])


LOGS.mkdir(parents=True, exist_ok=True)
for name, scenario in SCENARIOS.items():
    check(f"log {name}", compare(name, scenario))
problems, lines, total = layouts()
tokens = sum(total[meter] for meter in METERS if meter != "web_search")
check(
    "log layouts",
    problems,
    f"LiteLLM {version('litellm')}, {lines} rows as lines, array and objects: {tokens} tokens, ${total['logged_cost']}",
)
done()
