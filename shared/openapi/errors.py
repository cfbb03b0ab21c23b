"""Errors in text that should be an API description. Their messages are for the user who supplied it."""

from shared.openapi.limits import MAX_DEPTH


class NotASpec(ValueError):
    """The text is not a readable API description.

    `message` describes the text, and may quote a few words of it. It is one line long.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def too_deep() -> NotASpec:
    """Returns the error for JSON or YAML with more than `MAX_DEPTH` levels."""
    return NotASpec(f"This is nested too deeply: it has more than {MAX_DEPTH} levels.")
