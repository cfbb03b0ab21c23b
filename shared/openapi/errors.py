"""Errors in a text that should be an API description. Their messages are for the person who chose it."""

from shared.openapi.limits import MAX_DEPTH


class NotASpec(ValueError):
    """The text is not a readable API description.

    `message` describes the text, and may quote a few words of it on one line.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def too_deep() -> NotASpec:
    """The error for a text with more than `MAX_DEPTH` levels, whether it is JSON or YAML."""
    return NotASpec(f"This is nested too deep: more than {MAX_DEPTH} levels.")
