"""Runs the real LiteLLM against the local provider and keeps what its `generic_api` callback posts, unchanged.

python litellm_logs.py OUT    writes OUT/<scenario>.jsonl: `{"id": "chatcmpl-…", "trace_id": …, "response_cost": …}`
"""

import asyncio
import json
import os
import sys
from pathlib import Path

os.environ.update(
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    LITELLM_LOCAL_POLICY_TEMPLATES="True",
    LITELLM_LOCAL_BLOG_POSTS="True",
    LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS="True",
    LITELLM_LOG="CRITICAL",
    LITELLM_MODE="PRODUCTION",
    OPENAI_API_KEY="sk-none",
    ANTHROPIC_API_KEY="sk-none",
)

import litellm
from litellm.caching.caching import Cache
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger

from provider import Provider
from scenarios import SCENARIOS


async def call(name, scenario, url):
    """Makes the scenario's calls and consumes every stream; a scripted failure is no error here."""
    model, extra, kind = scenario["model"], dict(scenario["extra"]), scenario["call"]
    base = url if model.startswith("anthropic/") else f"{url}/v1"
    messages = [{"role": "user", "content": name}]
    common = {
        "model": model,
        "api_base": base,
        "max_retries": 0,
        "metadata": {"user_api_key_alias": name, "tags": [f"feature:{name}"]},
    }
    streaming = kind.endswith("stream")
    try:
        if kind in ("chat", "stream"):
            answer = await litellm.acompletion(messages=messages, stream=streaming, **common, **extra)
        elif kind == "chat-twice":
            for _ in range(2):
                answer = await litellm.acompletion(messages=messages, **common, **extra)
                # The answer is stored after the call returns.
                await asyncio.sleep(0.5)
        elif kind == "embedding":
            answer = await litellm.aembedding(input=[name], **common, **extra)
        elif kind.startswith("responses"):
            answer = await litellm.aresponses(input=messages, stream=streaming, **common, **extra)
        elif kind.startswith("messages"):
            answer = await litellm.anthropic.messages.acreate(
                messages=messages, max_tokens=64, stream=streaming, **common, **extra
            )
        elif kind == "router":
            common = {key: common[key] for key in ("model", "metadata")}
            deployments = [("smart", "openai/gpt-5.5", f"{url}/v1"), ("careful", "anthropic/claude-sonnet-5", url)]
            router = litellm.Router(
                model_list=[
                    {
                        "model_name": alias,
                        "litellm_params": {"model": model, "api_base": base, "api_key": "sk-none", "max_retries": 0},
                    }
                    for alias, model, base in deployments
                ],
                retry_after=0,
                disable_cooldowns=True,
                **extra,
            )
            answer = await router.acompletion(messages=messages, **common)
        if streaming:
            async for _ in answer:
                pass
    except (litellm.APIError, litellm.RateLimitError, litellm.InternalServerError) as error:
        if not any("error" in answer for answer in scenario["answers"]):
            raise error


async def record(out):
    provider = Provider(SCENARIOS)
    litellm.cache = Cache(type="local", mode="default_off")
    logger = GenericAPILogger(endpoint=f"{provider.url}/log", log_format="ndjson")
    litellm.callbacks = [logger]
    litellm.suppress_debug_info = True
    for name, scenario in SCENARIOS.items():
        provider.logs.clear()
        await call(name, scenario, provider.url)
        # Callbacks run behind the call: wait for the rows that must come, and a little for rows that must not.
        for _ in range(100):
            if len(logger.log_queue) >= len(scenario["records"]):
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        await logger.async_send_batch()
        rows = b"\n".join(provider.logs).decode()
        (out / f"{name}.jsonl").write_text(rows + "\n")
        assert all(json.loads(row) for row in rows.splitlines())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(record(folder))
