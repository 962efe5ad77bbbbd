"""Real shapes of logs: the usage table of a warehouse and LiteLLM's logging payloads, one JSON object a line."""

import csv
import io
import json

from . import gateway, money, prices
from .world import day_of

USAGE_HEADER = (
    "period_start,provider,served_model,requested_model,key,service_tier,region,prompt_tokens_from,outcome,call_type,count_source,request_id,requests,"
    "input,cache_read,cache_write_5m,cache_write_30m,cache_write_1h,cache_write_12h,output,output_reasoning,web_search,logged_cost"
).split(",")
LITELLM_PROVIDER = {"openai": "openai", "anthropic": "anthropic", "google-vertex": "vertex_ai", "mistral": "mistral"}
API_BASE = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "google-vertex": "",
    "mistral": "https://api.mistral.ai/v1",
}


def csv_text(header, rows, bom=False):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return ("\ufeff" if bom else "") + out.getvalue()


def of(world):
    """(file name, text)"""
    if world.log_shape == "litellm":
        return "litellm.jsonl", "".join(payload(call) + "\n" for call in world.calls if call.log is not None)
    return "usage.csv", usage_table(world)


def usage_table(world):
    rows = []
    for call in world.calls:
        if call.log is None:
            continue
        view, counts = call.log, call.log.counts
        band = prices.MODELS[view.model].band
        default_write = "cache_write_30m" if call.provider == "openai" else "cache_write_5m"
        output = counts.get("output", 0)
        reasoning = min(call.reasoning, output)
        row = {
            "period_start": stamp(call.at),
            "provider": call.provider,
            "served_model": view.model,
            "requested_model": call.alias,
            "key": call.key,
            "service_tier": view.tier,
            "region": view.region,
            "outcome": call.outcome,
            "call_type": call.kind,
            "request_id": call.request_id or "",
            "requests": call.requests,
            "input": counts.get("input", ""),
            "cache_read": counts.get("cache_read", ""),
            default_write: counts.get("cache_write", ""),
            "cache_write_1h": counts.get("cache_write_1h", ""),
            "cache_write_12h": counts.get("cache_write_12h", ""),
            "output": output - reasoning or "",
            "output_reasoning": reasoning or "",
            "web_search": counts.get("web_search", ""),
            "logged_cost": money.text(gateway.cost(call)),
        }
        if world.log_shape == "usage-table":
            row["prompt_tokens_from"] = band + 1 if view.long and band else 1
        row.update(call.extra)
        rows.append([row.get(name, "") for name in USAGE_HEADER])
    return csv_text(USAGE_HEADER, rows)


def stamp(at):
    rest = at % 86_400
    return f"{day_of(at)}T{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}Z"


def payload(call):
    view, counts = call.log, call.log.counts
    anthropic = call.provider == "anthropic"
    written = sum(counts.get(meter, 0) for meter in ("cache_write", "cache_write_1h", "cache_write_12h"))
    read, output = counts.get("cache_read", 0), counts.get("output", 0)
    prompt = counts.get("input", 0) + read + written
    hidden = call.extra.get("hidden_reasoning", 0)
    total, failed = prompt + output + hidden, call.outcome == "failed_with_usage"
    details = {"audio_tokens": None if anthropic else 0, "cached_tokens": read}
    if written:
        details["cache_creation_tokens"] = written
        details["cache_creation_token_details"] = {
            "ephemeral_5m_input_tokens": counts.get("cache_write", 0) if anthropic else None,
            "ephemeral_30m_input_tokens": None if anthropic else counts.get("cache_write", 0),
            "ephemeral_1h_input_tokens": counts.get("cache_write_1h", 0) if anthropic else None,
            "ephemeral_12h_input_tokens": counts.get("cache_write_12h") or None,
        }
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": total,
        "prompt_tokens_details": details,
        "completion_tokens_details": {"reasoning_tokens": min(call.reasoning, output + hidden)},
    }
    if anthropic:
        usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"] = written, read
    if view.tier != "standard":
        usage["service_tier"] = view.tier
    if view.region == "geo:us":
        usage["inference_geo"] = "us"
    if counts.get("web_search"):
        usage["server_tool_use"] = {"web_search_requests": counts["web_search"]}
    empty = call.outcome == "stream_without_usage"
    cost = float(money.text(gateway.cost(call)))
    name = LITELLM_PROVIDER[call.provider]
    row = {
        "id": call.request_id,
        "trace_id": f"trace-{call.request_id}",
        "call_type": "aretrieve_batch" if call.kind == "batch" else "acompletion",
        "cache_hit": True if call.outcome == "cache_hit" else None,
        "stream": True if empty else None,
        "status": "failure" if failed else "success",
        "custom_llm_provider": name,
        "startTime": float(call.at),
        "endTime": call.at + 12.5,
        "model": f"{name}/{view.model}",
        "metadata": {
            "user_api_key_hash": f"hash-{call.key}",
            "user_api_key_alias": call.key,
            "user_api_key_team_alias": call.key.removeprefix("key-"),
            "used_client_oauth_token": True if call.outcome == "other_payer" else None,
            "usage_object": {} if empty else usage,
        },
        "response_cost": 0.0 if empty else cost,
        "cost_breakdown": None,
        "total_tokens": 0 if empty else total,
        "prompt_tokens": 0 if empty else prompt,
        "completion_tokens": 0 if empty else output,
        "request_tags": [],
        "end_user": "",
        "api_base": API_BASE[call.provider],
        "model_group": call.alias,
        "messages": None,
        "hidden_params": {},
        "error_information": {"error_code": "500", "error_class": "APIError", "llm_provider": name} if failed else None,
    }
    return json.dumps(row)
