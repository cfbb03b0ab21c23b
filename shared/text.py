"""Text for people, kept to a length."""


def shorten(text: str, limit: int) -> str:
    """`text` cut to at most `limit` characters; a final "…", which counts, shows that there was more.

    `limit` must be at least 1.
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
