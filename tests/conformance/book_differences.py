"""Reviewed differences between three price books: (list, seller, name@day, shape), patterns, and who is right and why.

The verdict comes first: `book`, `list`, or `open` where no page of the seller decides it; the book's row is then marked
`estimated`. A difference that is not here fails the check, and so does an entry that no longer differs. Where a whole family
differs by one factor, RATIOS says which (list for one of the book's): another factor fails too.
"""

from decimal import Decimal

GENAI, LITELLM, BOTH = "genai-prices", "LiteLLM", "*"

DIFFERENCES = {
    # Amazon Bedrock
    (LITELLM, "aws-bedrock", "*claude-3-5-sonnet-*", "*"): (
        "book: AWS doubled the price on 2025-12-01 (Public Extended Access, price page); LiteLLM has the first one"
    ),
    (GENAI, "aws-bedrock", "*claude-3-5-sonnet-*", "*"): "book: the same Extended Access, which genai-prices lacks too",
    (LITELLM, "aws-bedrock", "anthropic.*", "*"): (
        "book: from Claude 4.5 on, a region costs 10 percent more than the global profile (AWS price page); LiteLLM has "
        "the global price under the id without a prefix"
    ),
    (LITELLM, "aws-bedrock", "amazon.nova-2-lite-*", "*"): (
        "open: an id without a prefix; the book takes the geography's price, marked unverified, LiteLLM the global one"
    ),
    (LITELLM, "aws-bedrock", "claude-sonnet-4-5-*", "*"): "book: the same id once more, without `anthropic.`",
    (LITELLM, "aws-bedrock", "openai.gpt-6-*", "*"): "book: the same 10 percent, for OpenAI's models from GPT-5.6 on",
    (GENAI, "aws-bedrock", "genai-prices:openai.gpt-5.4*", "long"): (
        "list: above 272,000 tokens the book has the one list that names a price, LiteLLM; genai-prices has no tier there"
    ),
    (GENAI, "aws-bedrock", "genai-prices:openai.gpt-5.5*", "long"): "list: likewise",
    (GENAI, "aws-bedrock", "*claude-sonnet-4-5-*", "long"): "book: above 200,000 tokens; genai-prices has no tier there",
    (GENAI, "aws-bedrock", "genai-prices:regional.openai.gpt-5.6-*@2026-07-30", "long"): (
        "book: long prompts were announced on 2026-08-03; genai-prices dates them with the price cut"
    ),
    # Azure OpenAI
    (LITELLM, "azure-openai", "azure/ada@*", "*"): "book: the global meter is 0.10; LiteLLM has the regional one, 10 percent more",
    (LITELLM, "azure-openai", "azure/text-embedding-*", "*"): "book: likewise, global 0.02, 0.13 and 0.10",
    (LITELLM, "azure-openai", "azure/gpt-4-turbo*", "*"): "book: likewise, global 10/30",
    (GENAI, "azure-openai", "azure/gpt-audio*", "audio"): (
        "book: Azure's meter; genai-prices takes OpenAI's model for one that it does not list under Azure"
    ),
    # Fireworks
    (LITELLM, "fireworks", "*deepseek-v4-pro@*", "*"): "open: LiteLLM 1.2/1.2 against 1.74/3.48 of models.dev and genai-prices",
    (LITELLM, "fireworks", "*", "priority"): (
        "book: LiteLLM's map states the priority price, and its calculator for this seller charges the standard one"
    ),
    (GENAI, "fireworks", "genai-prices:gpt-oss-120b@2026-10-19", "*"): (
        "list: cache read 0.015 from 2026-10-19; the book has it from the next list that it read, 2026-11-20"
    ),
    (GENAI, "fireworks", "genai-prices:kimi-k3-us@2026-09-01", "*"): (
        "list: 4.50 from 2026-09-01; the book has it from the next list that it read, 2026-11-20"
    ),
    # Google
    (LITELLM, "google-vertex", "vertex_ai/claude-opus-5-5*", "batch*"): "book: half of 4/20; LiteLLM kept half of Opus 5's 5/25",
    (BOTH, "google-gemini-api", "gemini/gemini-3.5-flash@*", "*"): (
        "book: since 2026-10-08 the id is served by Gemini 3.6 Flash at its price (change log); both lists have the old one"
    ),
    # Groq
    (GENAI, "groq", "*gpt-oss-safeguard-20b@*", "*"): "open: cache read 0.037 of LiteLLM against 0.0375; one rounds",
    # Mistral
    (LITELLM, "mistral", "mistral/mistral-large-4*", "*"): "book: 0.70/2.10 since 2026-10-29; LiteLLM has the price of 2026-10-20",
    (LITELLM, "mistral", "mistral/open-mistral-nemo@*", "*"): "book: 0.15 since 2024-09; LiteLLM has the launch price",
    (GENAI, "mistral", "mistral/magistral-*", "*"): "open: LiteLLM 1.5/7.5 and 0.15/0.60 against 2/5 and 0.5/1.5",
    (GENAI, "mistral", "mistral/mistral-large-latest@*", "*"): "book: Large 3 at 0.50/1.50 since 2025-12-02; genai-prices has Large 2",
    (GENAI, "mistral", "mistral/mistral-medium@*", "*"): "open: LiteLLM moved the alias on 2026-11-20; genai-prices did not",
    # OpenAI
    (GENAI, "openai", "genai-prices:gpt-4o-mini-tts@*", "*"): "book: text 10, speech 12; genai-prices has one price for output",
    (GENAI, "openai", "genai-prices:o3@2025-06-09", "*"): "book: cached 2.50 until the cut; genai-prices has 0.50 before it",
    (GENAI, "openai", "gpt-5.6-cyber@*", "long"): "book: above 272,000 tokens, as LiteLLM; genai-prices has no tier there",
    # OpenRouter
    (GENAI, "openrouter", "genai-prices:anthropic/claude-sonnet-4.5@*", "long"): (
        "open: genai-prices has the tier above 200,000 tokens; Anthropic ended it on 2026-04-30"
    ),
    (GENAI, "openrouter", "*", "*"): (
        "list: OpenRouter shows the cheapest provider behind a model, which moves by the day; genai-prices read the page "
        "on more days than the book has rows for"
    ),
    # Perplexity
    (LITELLM, "perplexity", "perplexity/*", "cached"): (
        "book: LiteLLM's map states a cache price, and its calculator for this seller charges cached tokens as input"
    ),
    (GENAI, "perplexity", "*perplexity/sonar@*", "*"): "open: 0.25/2.50 in the agent API against 1/1 of Sonar itself",
    # Together
    (LITELLM, "together", "together_ai/Qwen/Qwen3.*", "*"): "open: LiteLLM against genai-prices, whose price the book has",
    (LITELLM, "together", "together_ai/meta-llama/Llama-3.3-70B-*", "*"): "open: LiteLLM 1.04 against 0.88 of two lists",
    # xAI
    (GENAI, "xai", "*grok-3*", "*"): "book: retired on 2026-05-15, served by Grok 4.3 at its price; genai-prices has the old one",
    (GENAI, "xai", "*grok-4-*", "*"): "book: likewise",
    (GENAI, "xai", "xai/grok-code-fast*", "*"): "book: likewise, served by its successor",
}

TENTH = Decimal(10) / 11
RATIOS = {
    (LITELLM, "aws-bedrock", "*claude-3-5-sonnet-*", "*"): Decimal("0.5"),
    (GENAI, "aws-bedrock", "*claude-3-5-sonnet-*", "*"): Decimal("0.5"),
    (LITELLM, "aws-bedrock", "anthropic.*", "*"): TENTH,
    (LITELLM, "aws-bedrock", "amazon.nova-2-lite-*", "*"): TENTH,
    (LITELLM, "aws-bedrock", "claude-sonnet-4-5-*", "*"): TENTH,
    (LITELLM, "aws-bedrock", "openai.gpt-6-*", "*"): TENTH,
    (LITELLM, "azure-openai", "azure/ada@*", "*"): Decimal("1.1"),
    (LITELLM, "azure-openai", "azure/text-embedding-*", "*"): Decimal("1.1"),
    (LITELLM, "azure-openai", "azure/gpt-4-turbo*", "*"): Decimal("1.1"),
}
