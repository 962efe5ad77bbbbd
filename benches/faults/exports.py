"""Real shapes of bills: the same lines as files, as providers write them."""

import json
from collections import defaultdict
from pathlib import Path

from . import billing, logs, money, prices
from .logs import csv_text
from .world import MONTH, Line, add_days, instant

# Grains: Q meter and quantity, A meter amounts, MD one amount per model and day, MM per model and month, T one total.
SHAPES = {
    "openai": {
        "Q": ("openai-costs-api", "openai-focus"),
        "A": ("openai-cost-csv",),
        "MD": ("mapped-md", "focus-md"),
        "MM": ("mapped-mm",),
        "T": ("mapped-t",),
    },
    "anthropic": {
        "Q": ("anthropic-cost-and-tokens",),
        "A": ("anthropic-cost-csv", "anthropic-cost-report"),
        "MD": ("mapped-md", "focus-md"),
        "MM": ("mapped-mm",),
        "T": ("mapped-t",),
    },
    "google-vertex": {"Q": ("focus-q",), "A": ("focus-a",), "MD": ("focus-md", "mapped-md"), "MM": ("mapped-mm",), "T": ("mapped-t",)},
    "mistral": {"Q": ("focus-q",), "A": ("focus-a",), "MD": ("focus-md", "mapped-md"), "MM": ("mapped-mm",), "T": ("mapped-t",)},
}
NAMES = {"openai": "OpenAI", "anthropic": "Anthropic", "google-vertex": "Google", "mistral": "Mistral"}
OPENAI_METER = {
    "input": "input",
    "cache_read": "cached input",
    "cache_write": "cache writes",
    "cache_write_12h": "cache writes",
    "output": "output",
}
OPENAI_CHANNEL = {"standard": "", "flex": "flex | ", "batch": "batch api | ", "priority": "priority | "}
ANTHROPIC_METER = {
    "input": "input_no_cache",
    "cache_read": "input_cache_read",
    "cache_write": "input_cache_write_5m",
    "cache_write_1h": "input_cache_write_1h",
    "output": "output",
}
ANTHROPIC_API_METER = {
    "input": "uncached_input_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation.ephemeral_5m_input_tokens",
    "cache_write_1h": "cache_creation.ephemeral_1h_input_tokens",
    "output": "output_tokens",
}
FOCUS_METER = {
    "input": "input",
    "cache_read": "cache_read",
    "cache_write": "cache_write.5m",
    "cache_write_1h": "cache_write.1h",
    "cache_write_12h": "cache_write.12h",
    "output": "output",
    "web_search": "web_search",
}


def focus_meter(provider, meter):
    """The SKU meter as a FOCUS export names it; OpenAI's cache writes live for thirty minutes."""
    return "cache_write.30m" if provider == "openai" and meter == "cache_write" else FOCUS_METER[meter]


def merge(lines, *fields):
    """Lines that agree in `fields`, added up: (values, count, amount), in the order of the values."""
    sums = {}
    for line in lines:
        key = tuple(getattr(line, name) for name in fields)
        entry = sums.setdefault(key, [0, 0])
        entry[0] += line.count
        entry[1] += line.amount
    return [
        (key, count, amount)
        for key, (count, amount) in sorted(sums.items(), key=lambda item: tuple("" if v is None else str(v) for v in item[0]))
    ]


def bucket(day):
    return instant(day), instant(add_days(day, 1))


def openai_item(model, meter, tier, long, text):
    if model is None:
        return text
    if meter == "web_search":
        return "web search tool calls"
    return f"{OPENAI_CHANNEL[tier]}{prices.MODELS[model].snapshot}, {OPENAI_METER[meter]}{', long context' if long else ''}"


def by_item(lines):
    """Lines as OpenAI prints them: two meters under one name are one line."""
    printed = [Line(**{**vars(line), "text": openai_item(line.model, line.meter, line.tier, line.long, line.text)}) for line in lines]
    return [((day, project, text), count, amount) for (day, project, text), count, amount in merge(printed, "day", "project", "text")]


def openai_costs_api(world, lines):
    days = defaultdict(list)
    for (day, project, item), count, amount in by_item(lines):
        days[day].append(
            {
                "object": "organization.costs.result",
                "amount": {"value": money.text(amount), "currency": "usd"},
                "quantity": float(count) if count else None,
                "line_item": item,
                "project_id": project or None,
                "organization_id": "org-bench",
                "user_id": None,
                "api_key_id": None,
            }
        )
    data = [
        {"object": "bucket", "start_time": bucket(day)[0], "end_time": bucket(day)[1], "results": days.get(day, [])}
        for day in bill_days(world, lines)
    ]
    return {"costs.json": json.dumps({"object": "page", "data": data, "has_more": False, "next_page": None}, indent=1)}


def bill_days(world, lines):
    known = {line.day for line in lines} | set(world.days())
    return sorted(known)


def openai_cost_csv(world, lines):
    header = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,project_name,organization_id,organization_name".split(
        ","
    )
    rows = []
    for (day, project, item), _, amount in by_item(lines):
        start, end = bucket(day)
        rows.append(
            [
                start,
                end,
                f"{day}T00:00:00+00:00",
                f"{add_days(day, 1)}T00:00:00+00:00",
                money.text(amount),
                "usd",
                item,
                project,
                project.removeprefix("proj_"),
                "org-bench",
                "Bench",
            ]
        )
    return {"cost.csv": csv_text(header, rows)}


def anthropic_cost_csv(world, lines):
    header = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,speed,api_key_id,api_key_status".split(
        ","
    )
    rows = []
    fields = ("day", "project", "key", "model", "meter", "tier", "region", "long", "text")
    for (day, project, key, model, meter, tier, region, long, text), _, amount in merge(lines, *fields):
        cents = two_places(amount)
        if model is None or meter == "web_search":
            rows.append(
                [day, "--", project or "Default", key, "--", "--", "--", cents, cents, meter or text, "--", "--", f"apikey_{key}", "active"]
            )
            continue
        geo = {"geo:us": "us"}.get(region, "global") if prices.MODELS[model].regional else "not_available"
        if "region" in world.hide.get("anthropic", ()):
            geo = "not_available"
        rows.append(
            [
                day,
                prices.MODELS[model].display,
                project or "Default",
                key,
                "batch" if tier == "batch" else "message",
                "> 200k" if long else "≤ 200k",
                ANTHROPIC_METER[meter],
                cents,
                cents,
                "token",
                geo,
                "",
                f"apikey_{key}",
                "active",
            ]
        )
    return {"claude_api_cost.csv": csv_text(header, rows, bom=True)}


def two_places(amount):
    whole = money.to_cent(amount) // money.CENT
    sign = "-" if whole < 0 else ""
    return f"{sign}{abs(whole) // 100}.{abs(whole) % 100:02d}"


def anthropic_cost_report(world, lines):
    days = defaultdict(list)
    fields = ("day", "project", "model", "meter", "tier", "region", "long", "text")
    for (day, project, model, meter, tier, region, long, text), _, amount in merge(lines, *fields):
        entry = {
            "currency": "USD",
            "amount": money.text(amount * 100),
            "workspace_id": project or None,
            "description": text or None,
            "cost_type": "tokens",
            "context_window": None,
            "model": None,
            "service_tier": None,
            "token_type": None,
            "inference_geo": None,
        }
        if meter == "web_search":
            entry |= {"cost_type": "web_search", "description": "Web Search Usage"}
        elif model is None:
            # A charge of no known kind says so itself: any of the documented kinds would be a cause that is there.
            entry |= {"cost_type": meter or text.lower().replace(" ", "_")}
        else:
            geo = {"geo:us": "us"}.get(region, "global") if prices.MODELS[model].regional else "not_available"
            entry |= {
                "model": model,
                "context_window": "200k-1M" if long else "0-200k",
                "service_tier": tier,
                "token_type": ANTHROPIC_API_METER[meter],
                "inference_geo": geo,
                "description": f"{prices.MODELS[model].display} Usage",
            }
        days[day].append(entry)
    data = [
        {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{add_days(day, 1)}T00:00:00Z", "results": days.get(day, [])}
        for day in bill_days(world, lines)
    ]
    return {"cost_report.json": json.dumps({"data": data, "has_more": False, "next_page": None}, indent=1)}


def anthropic_tokens(world, lines):
    header = (
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
        "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count,inference_geo,speed"
    ).split(",")
    groups = defaultdict(lambda: defaultdict(int))
    for line in lines:
        if line.model is not None:
            groups[line.day, line.model, line.key, line.project, line.tier, line.long, line.region][line.meter] += line.count
    rows = []
    for (day, model, key, project, tier, long, region), counts in sorted(groups.items()):
        geo = {"geo:us": "us"}.get(region, "global") if prices.MODELS[model].regional else "not_available"
        rows.append(
            [
                day,
                model,
                key,
                project or "Default",
                tier,
                "> 200k" if long else "≤ 200k",
                counts["input"],
                counts["cache_write"],
                counts["cache_write_1h"],
                counts["cache_read"],
                counts["output"],
                counts["web_search"],
                geo,
                "",
            ]
        )
    return {"claude_api_tokens.csv": csv_text(header, rows)}


def focus(world, lines, provider, meters, quantities):
    header = (
        "BilledCost,BillingCurrency,ChargeCategory,ChargeClass,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,InvoiceId,"
        "ServiceProviderName,ServiceCategory,ServiceName,SkuMeter,SubAccountId,x_ModelId"
    ).split(",")
    rows = []
    fields = ("day", "project", "model", "meter", "category", "text") if meters else ("day", "model", "category", "text")
    for key, count, amount in merge(lines, *fields):
        values = dict(zip(fields, key))
        model, meter = values["model"], values.get("meter")
        shown = meter if meter and model else None
        rows.append(
            [
                money.text(amount),
                "USD",
                values["category"],
                "",
                values["text"] or f"{model} {meter or 'usage'}",
                f"{values['day']}T00:00:00Z",
                f"{add_days(values['day'], 1)}T00:00:00Z",
                count if quantities and shown else "",
                ("Requests" if shown == "web_search" else "Tokens") if quantities and shown else "",
                "INV-1",
                NAMES[provider],
                "AI and Machine Learning",
                f"{NAMES[provider]} API",
                focus_meter(provider, shown) if shown else "",
                values.get("project", ""),
                model or "",
            ]
        )
    return {"focus.csv": csv_text(header, rows)}


def mapped(world, lines, grain):
    """A table typed or exported by hand: model and day, model and month, or one total."""
    fields = {"MD": ("day", "model", "category", "text"), "MM": ("model", "category", "text"), "T": ("category", "text")}[grain]
    header = {"MD": ["Day", "Model", "Type", "Text", "Amount"], "MM": ["Model", "Type", "Text", "Amount"], "T": ["Type", "Text", "Amount"]}[
        grain
    ]
    rows = [[*("" if value is None else value for value in key), money.text(amount)] for key, _, amount in merge(lines, *fields)]
    return {"bill.csv": csv_text(header, rows)}


def mapping(provider, grain):
    columns = {
        "MD": '{ date = "Day", model = "Model", category = "Type", text = "Text", amount = "Amount" }',
        "MM": '{ model = "Model", category = "Type", text = "Text", amount = "Amount" }',
        "T": '{ category = "Type", text = "Text", amount = "Amount" }',
    }[grain]
    period = "" if grain == "MD" else 'period = ["2026-10-01", "2026-10-31"]\n'
    return f'[invoice.mapping]\ndocument = "cost"\nprovider = "{provider}"\ncurrency = "USD"\n{period}columns = {columns}\n'


def bill_files(world, provider, lines, shape):
    """(files, mapping text or empty, name of the file that is a usage report or None)."""
    if shape == "openai-costs-api":
        return openai_costs_api(world, lines), "", None
    if shape == "openai-cost-csv":
        return openai_cost_csv(world, lines), "", None
    if shape == "anthropic-cost-csv":
        return anthropic_cost_csv(world, lines), "", None
    if shape == "anthropic-cost-report":
        return anthropic_cost_report(world, lines), "", None
    if shape == "anthropic-cost-and-tokens":
        return {**anthropic_cost_csv(world, lines), **anthropic_tokens(world, lines)}, "", "claude_api_tokens.csv"
    if shape in ("focus-q", "openai-focus"):
        return focus(world, lines, provider, True, True), "", None
    if shape == "focus-a":
        return focus(world, lines, provider, True, False), "", None
    if shape == "focus-md":
        return focus(world, lines, provider, False, False), "", None
    grain = shape.removeprefix("mapped-").upper()
    return mapped(world, lines, grain), mapping(provider, grain), None


def twice(text, needles):
    """A table in which every row with all of these texts stands twice."""
    if not needles:
        return text
    return "".join(row * (2 if all(needle in row for needle in needles) else 1) for row in text.splitlines(keepends=True))


def write(world, folder):
    """All files of a world; returns the arguments that make the tool read them."""
    folder = Path(folder)
    (folder / "logs").mkdir(parents=True)
    (folder / "bills").mkdir()
    name, text = logs.of(world)
    (folder / "logs" / name).write_text(text)
    every = billing.lines(world)
    for edit in world.printing:
        every = edit(every)
    books = [
        '[book]\nname = "Bench"\ncurrency = "USD"\ntimezone = "UTC"\n',
        '[[source]]\nname = "gateway"\nfiles = ["logs/**"]\nrole = "primary"\n',
    ]
    arguments, needs_books = ["--usage", f"logs/{name}"], False
    for provider in world.providers:
        lines = [line for line in every if line.provider == provider]
        files, mapped_by, report = bill_files(world, provider, lines, world.bill_shape[provider])
        for name, text in files.items():
            text = twice(text, world.repeated) if name != report else text
            path = f"bills/{provider}-{name}"
            (folder / path).write_text(text)
            kind = "usage" if name == report else "cost"
            books.append(f'[[invoice]]\nprovider = "{provider}"\nkind = "{kind}"\nfiles = ["{path}"]\n{mapped_by}')
            arguments += ["--invoice", f"{provider}={path}"]
        needs_books |= bool(mapped_by)
    if needs_books or world.hide.get("books"):
        (folder / "llmfin.toml").write_text("\n".join(books))
        arguments = []
    if world.contract:
        (folder / "contract.toml").write_text(world.contract)
        arguments += ["--contract", "contract.toml"]
    return ["reconcile", "--month", MONTH, *arguments, "-O", "json", "-q"]
