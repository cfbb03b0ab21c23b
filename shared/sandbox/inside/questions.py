"""`ask`, with which agent code asks a person and waits for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from shared.sandbox.inside.arguments import check_optional_object, check_string, check_timeout
from shared.sandbox.inside.calls import CallFailed

if TYPE_CHECKING:
    from pydantic import JsonValue

MAX_CHOICES = 100


class Ask(Protocol):
    """Asks a question, and returns the answer. `choices`, `schema`: what the answer may be. `timeout`: in seconds."""

    async def __call__(
        self, question: str, choices: list[str] | None, schema: dict[str, Any] | None, timeout: float | None
    ) -> JsonValue: ...


class Questions:
    """The function `ask` of agent code."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def ask(self, question: Any, choices: Any = None, schema: Any = None, timeout: Any = None) -> Any:
        """Returns the answer: one of `choices`, or a value that fits `schema`. Raises `TimeoutError`."""
        return await self._ask(
            check_string("question", question),
            check_choices(choices),
            check_optional_object("schema", schema),
            check_timeout(timeout),
        )


def check_choices(value: Any) -> list[str] | None:
    """Checks the choices, which may be None."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_CHOICES:  # pyright: ignore[reportUnknownArgumentType]
        raise CallFailed(f"choices must be a list of 1 to {MAX_CHOICES} strings.", ValueError)
    return [check_string("choices", choice) for choice in value]  # pyright: ignore[reportUnknownVariableType]
