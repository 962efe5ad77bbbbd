"""Reviewed differences between LiteLLM's prices and the book: (model pattern, shape) and whose they are.

A difference that is not here fails the check, and so does an entry that no longer differs.
"""

DIFFERENCES = {
    ("gpt-5.4*", "long priority"): (
        "LiteLLM: its map has no long-context price at this tier and takes the short one; the book has the row, from a "
        "list that LiteLLM's history does not carry"
    ),
    ("gpt-5.5*", "long priority"): (
        "LiteLLM: the same fallback; no list states a price, so the book has none and llmfin reports the usage"
    ),
}

# Models of LiteLLM's map that llmfin reports as `unknown-model` with what the bill charged.
NOT_IN_BOOK = set(
    """
    chat-latest claude-mythos-5 claude-mythos-5-1 claude-mythos-preview daybreak-blue-latest daybreak-red-latest
    gpt-3.5-turbo-16k gpt-4-1106-preview gpt-4o-audio-preview-2025-06-03 gpt-4o-mini-search-preview
    gpt-4o-mini-search-preview-2025-03-11 gpt-4o-search-preview gpt-4o-search-preview-2025-03-11 gpt-5-chat
    gpt-5-chat-latest gpt-5-search-api gpt-5-search-api-2025-10-14 gpt-5.1-chat-latest gpt-5.1-codex-max
    gpt-5.2-chat-latest gpt-5.3-chat-latest gpt-5.5-cyber gpt-5.5-cyber-preview gpt-5.6-cyber gpt-6-astra-law
    gpt-6-rosalind gpt-audio gpt-audio-1.5 gpt-audio-2025-08-28 gpt-audio-mini gpt-audio-mini-2025-10-06
    gpt-audio-mini-2025-12-15 gpt-daybreak-blue-latest gpt-daybreak-red-latest gpt-rosalind-discovery
    gpt-rosalind-research
    """.split()
)
