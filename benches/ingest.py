#!/usr/bin/env python3
"""Times llmfin's reading of LiteLLM payload lines beside DuckDB's read_json on the same file and machine.

usage: benches/ingest.py [--lines N] [--rounds N]
Generates a seeded file of ~1.8 KB lines under target/bench, installs duckdb from PyPI into a venv there, then runs
`llmfin ingest --usage FILE` (both cubes, duplicates removed, every row checked) and DuckDB (declared columns, the
rating GROUP BY only) in turn. Seconds of the whole process on the clock, and of both cores together.
"""
import argparse, json, os, random, resource, statistics, subprocess, sys, time, venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "target" / "bench"
COMMAND = [str(ROOT / "target" / "release" / "llmfin"), "ingest", "--usage"]
BUILD = ["cargo", "build", "--release", "--quiet"]

MODELS = [("openai", "gpt-5"), ("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5-20250929"),
          ("anthropic", "claude-haiku-4-5"), ("vertex_ai", "gemini-2.5-flash"), ("bedrock", "us.amazon.nova-pro-v1:0")]

DUCKDB = r"""
import duckdb, sys
path, distinct = sys.argv[1], sys.argv[2] == "distinct"
duckdb.sql('set enable_progress_bar = false')
d = "struct(cached_tokens bigint, audio_tokens bigint, cache_creation_tokens bigint)"
u = f"struct(cache_read_input_tokens bigint, cache_creation_input_tokens bigint, prompt_tokens_details {d}, completion_tokens_details struct(reasoning_tokens bigint), service_tier varchar, inference_geo varchar)"
m = f"struct(user_api_key_alias varchar, user_api_key_team_alias varchar, usage_object {u})"
count = "count(distinct id)" if distinct else "count(*)"
rows = duckdb.sql(f'''
  select floor(startTime / 900)::bigint slot, custom_llm_provider, metadata.user_api_key_alias, model_group, model, status,
    call_type, stream, cache_hit, metadata.usage_object.service_tier, {count}, sum(prompt_tokens), sum(completion_tokens),
    sum(metadata.usage_object.prompt_tokens_details.cached_tokens),
    sum(metadata.usage_object.cache_creation_input_tokens),
    sum(metadata.usage_object.completion_tokens_details.reasoning_tokens), sum(response_cost)
  from read_json('{path}', format='newline_delimited', maximum_object_size=104857600, columns={{id:'varchar',
    call_type:'varchar', cache_hit:'boolean', stream:'boolean', status:'varchar', custom_llm_provider:'varchar',
    startTime:'double', model:'varchar', model_group:'varchar', response_cost:'decimal(24,12)', total_tokens:'bigint',
    prompt_tokens:'bigint', completion_tokens:'bigint', end_user:'varchar', request_tags:'varchar[]', metadata:'{m}'}})
  group by all''').fetchall()
print("rows", sum(r[10] for r in rows), "cells", len(rows))
"""


def line(rng, index):
    provider, model = rng.choices(MODELS, weights=[30, 25, 20, 10, 10, 5])[0]
    prompt, completion = rng.randrange(200, 20000), rng.randrange(10, 2000)
    cached = prompt // 2 if rng.random() < 0.5 else 0
    reasoning = completion // 3 if rng.random() < 0.3 else 0
    key = rng.randrange(12)
    team = key % 6  # a gateway key belongs to one team, a team has its own features
    start = 1777593600 + index * 2_678_000 / 1_000_000 + rng.random()
    return json.dumps({
        "id": f"chatcmpl-{rng.getrandbits(96):024x}", "litellm_call_id": f"{rng.getrandbits(128):032x}",
        "call_type": "acompletion", "cache_hit": None,
        "stream": rng.random() < 0.6, "status": "success", "custom_llm_provider": provider, 
        "startTime": round(start, 3), "endTime": round(start + 3, 3), "completionStartTime": round(start + 1, 3),
        "response_time": 3.0, "model": f"{provider}/{model}",
        "metadata": {
            "user_api_key_hash": f"{key:064x}", "user_api_key_alias": f"svc-{key}", "user_api_key_spend": 12.5,
            "user_api_key_team_id": f"team-{team}", 
            "user_api_key_team_alias": f"Team {team}", "user_api_key_user_id": f"u{key}@example.com",
            "spend_logs_metadata": {"cost_center": f"CC-{team}"}, "requester_ip_address": "",
            "usage_object": {
                "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
                "completion_tokens_details": {"audio_tokens": 0, "reasoning_tokens": reasoning, "text_tokens": None},
                "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": cached, "text_tokens": None},
                "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0, "service_tier": "default"},
            "used_client_oauth_token": None},
        "response_cost": round(prompt * 1.25e-6 + completion * 1e-5, 8),
        "cost_breakdown": {"input_cost": 0.001, "output_cost": 0.002, "total_cost": 0.003, "tool_usage_cost": 0.0},
        "total_tokens": prompt + completion, "prompt_tokens": prompt, "completion_tokens": completion,
        "request_tags": [f"feature:t{team}-f{rng.randrange(3)}", "env:prod", "User-Agent: OpenAI/Python 2.8.1"],
        "end_user": f"cust-{rng.randrange(40)}", "api_base": "https://api.example.com/v1", "model_group": model,
        "model_id": f"{rng.getrandbits(128):032x}", "messages": [{"role": "user", "content": "redacted-by-litellm"}],
        "model_parameters": {"temperature": 1},
        "hidden_params": {"additional_headers": {"x_ratelimit_remaining_requests": 9999}, "batch_models": None},
        "error_information": {"error_code": "", "error_class": "", "error_message": ""}})


def timed(command):
    before = time.perf_counter()
    pid = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = pid.stdout.read().strip()
    _, status, used = os.wait4(pid.pid, 0)
    if status:
        sys.exit(f"failed: {command[0]} {out}")
    return time.perf_counter() - before, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    BENCH.mkdir(parents=True, exist_ok=True)
    path = BENCH / f"payload-{args.lines}.jsonl"
    if not path.exists():
        rng, part = random.Random(20261101), path.with_suffix(".part")
        with open(part, "w") as out:
            for index in range(args.lines):
                out.write(line(rng, index) + "\n")
        part.rename(path)
    python = BENCH / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(BENCH / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb"], check=True)
    subprocess.run(BUILD, cwd=ROOT, check=True)
    duck = [str(python), "-c", DUCKDB, str(path)]
    runs = {"llmfin": COMMAND + [str(path)], "duckdb": duck + ["plain"], "duckdb, distinct ids": duck + ["distinct"]}
    times, work, memory = {name: [] for name in runs}, {name: [] for name in runs}, {}
    for _ in range(args.rounds):
        for name, command in runs.items():
            seconds, cores, peak, out = timed(command)
            times[name].append(seconds)
            work[name].append(cores)
            memory[name] = max(memory.get(name, 0), peak)
            if len(times[name]) == 1:
                print(f"{name}: {out.splitlines()[-1]}")
    print(f"{path.stat().st_size / 1e6:.0f} MB, {args.lines} lines, {os.cpu_count()} cores")
    for name in runs:
        for what, seconds in (("clock", times), ("cores", work)):
            low, middle, high = min(seconds[name]), statistics.median(seconds[name]), max(seconds[name])
            # Run by run: the machine may be slower in one round than in the next.
            ratio = statistics.median(other / own for own, other in zip(seconds["llmfin"], seconds[name]))
            print(f"{name:22} {what} {low:.2f} / {middle:.2f} / {high:.2f} s   {ratio:.2f}x")
        print(f"{name:22} peak {memory[name]:.0f} MB")


if __name__ == "__main__":
    main()
