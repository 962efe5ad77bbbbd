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
NOT_IN_BOOK: set[str] = set()
