"""Shortens descriptions and schemas for a prompt."""


def shorten(text: str, max_characters: int) -> str:
    """Returns `text` on one line. A text that is too long is cut and ends in an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"
