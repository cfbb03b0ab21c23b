"""Shortens descriptions and schemas for a prompt."""


def shorten(text: str, max_characters: int) -> str:
    """Returns `text` on one line. If it is too long, cuts it and appends an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"
