"""Shortens text for display."""


def shorten(text: str, limit: int) -> str:
    """Cuts `text` to at most `limit` characters, including a final "…" if it is cut.

    `limit` must be at least 1.
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
