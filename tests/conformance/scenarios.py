"""What is asked, what the provider serves, and what llmfin has to count for it, worked out by hand.

`answers` are served in turn; `records` are the rows that must come out: outcome, meters, and what else is named.
The provider's counters follow its own convention: OpenAI's prompt contains the cache, Anthropic's input does not.
"""

OPENAI_SMALL = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
OPENAI_FULL = {
    "prompt_tokens": 24788,
    "completion_tokens": 845,
    "total_tokens": 25633,
    "prompt_tokens_details": {"cached_tokens": 18432, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 320,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
# 24,788 - 18,432 = 6,356 uncached; 845 - 320 = 525 visible.
OPENAI_FULL_METERS = {"input": 6356, "cache_read": 18432, "output": 525, "output_reasoning": 320}
CLAUDE_SMALL = {"input_tokens": 120, "output_tokens": 30, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
CLAUDE_FULL = {
    "input_tokens": 212,
    "cache_read_input_tokens": 18432,
    "cache_creation_input_tokens": 6144,
    "cache_creation": {"ephemeral_5m_input_tokens": 4096, "ephemeral_1h_input_tokens": 2048},
    "output_tokens": 845,
    "service_tier": "standard",
}
CLAUDE_FULL_METERS = {
    "input": 212,
    "cache_read": 18432,
    "cache_write_5m": 4096,
    "cache_write_1h": 2048,
    "output": 845,
}
RESPONSES_FULL = {
    "input_tokens": 24788,
    "input_tokens_details": {"cached_tokens": 18432},
    "output_tokens": 845,
    "output_tokens_details": {"reasoning_tokens": 320},
    "total_tokens": 25633,
}
SMALL = {"input": 120, "output": 30}


def scenario(call, model, answers, records, **extra):
    answers = answers if isinstance(answers, list) else [answers]
    return {"call": call, "model": model, "answers": answers, "records": records, "extra": extra}


def success(meters, **more):
    return {"outcome": "success", "meters": meters, **more}


FAILED = {"outcome": "failed", "meters": {}}

SCENARIOS = {
    # OpenAI, chat completions.
    "openai-plain": scenario("chat", "openai/gpt-5-mini", {"usage": OPENAI_SMALL}, [success(SMALL)]),
    "openai-cached-reasoning": scenario(
        "chat", "openai/gpt-5.5", {"usage": OPENAI_FULL}, [success(OPENAI_FULL_METERS)]
    ),
    "openai-snapshot": scenario(
        "chat",
        "openai/gpt-5-mini",
        {"usage": OPENAI_SMALL, "model": "gpt-5-mini-2025-08-07"},
        [success(SMALL, served_model="gpt-5-mini")],
    ),
    # Chat completions never say the lifetime of a cache write; the responses API does.
    "openai-cache-write": scenario(
        "chat",
        "openai/gpt-5.6-sol",
        {
            "usage": {
                "prompt_tokens": 9000,
                "completion_tokens": 100,
                "total_tokens": 9100,
                "prompt_tokens_details": {"cached_tokens": 2000, "cache_write_tokens": 6000},
            }
        },
        [success({"input": 1000, "cache_read": 2000, "cache_write_other": 6000, "output": 100})],
    ),
    "openai-audio": scenario(
        "chat",
        "openai/gpt-4o-audio-preview",
        {
            "usage": {
                "prompt_tokens": 500,
                "completion_tokens": 200,
                "total_tokens": 700,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 400, "text_tokens": 100},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 150, "text_tokens": 50},
            }
        },
        [success({"input": 100, "input_audio": 400, "output": 50, "output_audio": 150})],
    ),
    "openai-flex": scenario(
        "chat",
        "openai/gpt-5.5",
        {"usage": OPENAI_FULL, "extra": {"service_tier": "flex"}},
        [success(OPENAI_FULL_METERS, service_tier="flex")],
        service_tier="flex",
    ),
    "openai-priority": scenario(
        "chat",
        "openai/gpt-5.5",
        {"usage": OPENAI_SMALL, "extra": {"service_tier": "priority"}},
        [success(SMALL, service_tier="priority")],
        service_tier="priority",
    ),
    # Priority was asked for, the provider served the standard tier and bills it.
    "openai-downgraded": scenario(
        "chat",
        "openai/gpt-5.5",
        {"usage": OPENAI_SMALL, "extra": {"service_tier": "default"}},
        [success(SMALL, service_tier="standard")],
        service_tier="priority",
    ),
    "openai-stream": scenario(
        "stream",
        "openai/gpt-5.5",
        {"usage": OPENAI_FULL},
        [success(OPENAI_FULL_METERS, stream="true")],
        stream_options={"include_usage": True},
    ),
    # Nobody asked for usage in the stream, or the provider sends none: LiteLLM then counts with a tokenizer of its
    # own, without cache and reasoning, and no field of the row says so. What it counted is all there is to read.
    "openai-stream-not-asked": scenario(
        "stream", "openai/gpt-5.5", {"usage": OPENAI_FULL}, [{"outcome": "success", "meters": "own-count"}]
    ),
    "openai-stream-without-usage": scenario(
        "stream", "openai/gpt-5.5", {"usage": None}, [{"outcome": "success", "meters": "own-count"}]
    ),
    "openai-429": scenario("chat", "openai/gpt-5-mini", {"error": 429}, [FAILED]),
    "openai-500": scenario("chat", "openai/gpt-5-mini", {"error": 500}, [FAILED]),
    "openai-cache-hit": scenario(
        "chat-twice",
        "openai/gpt-5-mini",
        {"usage": OPENAI_SMALL},
        [success(SMALL), {"outcome": "cache_hit", "meters": SMALL}],
        cache={"use-cache": True},
    ),
    "openai-embedding": scenario(
        "embedding",
        "openai/text-embedding-3-small",
        {"usage": {"prompt_tokens": 77, "total_tokens": 77}},
        [success({"input": 77}, call_type="embedding")],
    ),
    # OpenAI, responses.
    "openai-responses": scenario(
        "responses", "openai/gpt-5.5", {"usage": RESPONSES_FULL}, [success(OPENAI_FULL_METERS)]
    ),
    "openai-responses-flex": scenario(
        "responses",
        "openai/gpt-5.5",
        {"usage": RESPONSES_FULL, "extra": {"service_tier": "flex"}},
        [success(OPENAI_FULL_METERS, service_tier="flex")],
        service_tier="flex",
    ),
    "openai-responses-write-lifetimes": scenario(
        "responses",
        "openai/gpt-5.6-sol",
        {
            "usage": {
                "input_tokens": 9000,
                "input_tokens_details": {
                    "cached_tokens": 2000,
                    "cache_write_tokens": 6000,
                    "cache_write_tokens_details": {"ttl_30m_tokens": 4000, "ttl_12h_tokens": 2000},
                },
                "output_tokens": 100,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 9100,
            }
        },
        [success({"input": 1000, "cache_read": 2000, "cache_write_30m": 4000, "cache_write_12h": 2000, "output": 100})],
    ),
    "openai-responses-stream": scenario(
        "responses-stream", "openai/gpt-5.5", {"usage": RESPONSES_FULL}, [success(OPENAI_FULL_METERS)]
    ),
    # Anthropic, through the translation to chat completions.
    "claude-plain": scenario("chat", "anthropic/claude-sonnet-5", {"usage": CLAUDE_SMALL}, [success(SMALL)]),
    "claude-cached": scenario(
        "chat", "anthropic/claude-sonnet-5", {"usage": CLAUDE_FULL}, [success(CLAUDE_FULL_METERS)]
    ),
    "claude-write-without-lifetime": scenario(
        "chat",
        "anthropic/claude-sonnet-5",
        {"usage": {key: CLAUDE_FULL[key] for key in CLAUDE_FULL if key != "cache_creation"}},
        [success({"input": 212, "cache_read": 18432, "cache_write_other": 6144, "output": 845})],
    ),
    "claude-us": scenario(
        "chat",
        "anthropic/claude-opus-4-8",
        {"usage": {**CLAUDE_FULL, "inference_geo": "us"}},
        [success(CLAUDE_FULL_METERS, region="geo:us")],
    ),
    "claude-fast": scenario(
        "chat",
        "anthropic/claude-opus-4-8",
        {"usage": {**CLAUDE_SMALL, "speed": "fast"}},
        [success(SMALL, service_tier="fast")],
    ),
    "claude-search": scenario(
        "chat",
        "anthropic/claude-sonnet-5",
        {"usage": {**CLAUDE_SMALL, "server_tool_use": {"web_search_requests": 3}}},
        [success({**SMALL, "web_search": 3})],
    ),
    "claude-stream": scenario(
        "stream", "anthropic/claude-sonnet-5", {"usage": CLAUDE_FULL}, [success(CLAUDE_FULL_METERS, stream="true")]
    ),
    "claude-us-stream": scenario(
        "stream",
        "anthropic/claude-opus-4-8",
        {"usage": {**CLAUDE_FULL, "inference_geo": "us"}},
        [success(CLAUDE_FULL_METERS, region="geo:us")],
    ),
    "claude-fast-stream": scenario(
        "stream",
        "anthropic/claude-opus-4-8",
        {"usage": {**CLAUDE_SMALL, "speed": "fast"}},
        [success(SMALL, service_tier="fast")],
    ),
    "claude-529": scenario("chat", "anthropic/claude-sonnet-5", {"error": 529}, [FAILED]),
    # Anthropic's own messages route.
    "claude-messages": scenario(
        "messages", "anthropic/claude-sonnet-5", {"usage": CLAUDE_FULL}, [success(CLAUDE_FULL_METERS)]
    ),
    "claude-messages-stream": scenario(
        "messages-stream", "anthropic/claude-sonnet-5", {"usage": CLAUDE_FULL}, [success(CLAUDE_FULL_METERS)]
    ),
    # A router: an alias of the gateway's own, and a retry after a refused attempt.
    "router-alias": scenario(
        "router",
        "smart",
        {"usage": OPENAI_FULL},
        [success(OPENAI_FULL_METERS, served_model="gpt-5.5", routed_model="smart")],
    ),
    "router-retry": scenario(
        "router", "smart", [{"error": 429}, {"usage": OPENAI_SMALL}], [FAILED, success(SMALL)], num_retries=1
    ),
    # The first deployment is down, the second answers: the row that counts names the one that served.
    "router-fallback": scenario(
        "router",
        "smart",
        [{"error": 500}, {"usage": CLAUDE_SMALL}],
        [FAILED, success(SMALL, provider="anthropic", served_model="claude-sonnet-5")],
        fallbacks=[{"smart": ["careful"]}],
        num_retries=0,
    ),
}
