"""Shortens descriptions and schemas that go into a prompt."""


def shorten(text: str, max_characters: int) -> str:
    """`text` in one line. What is too long ends in an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"
