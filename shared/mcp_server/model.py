"""What the protocol's server needs of the service: tools, and calls of tools, which have ids and survive requests."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from shared.models.wire import JsonObject

Report = Callable[[str], Awaitable[None]]
"""Tells the client what a call does, in one line."""


@dataclass(frozen=True)
class Tool:
    """A tool. The schemas are JSON Schema for objects. `output_schema`: None if any result is possible."""

    name: str
    title: str
    description: str
    input_schema: JsonObject
    output_schema: JsonObject | None


@dataclass(frozen=True)
class ToolPage:
    """Some tools. `next_cursor`: leads to the next ones, None at the end."""

    tools: list[Tool]
    next_cursor: str | None


class CallState(StrEnum):
    """How far a call is. `failed` calls have a text for the client, too."""

    WORKING = "working"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Asked:
    """A question that a call asks a person. `key` is unique in the call. The answer is one of `choices`, or fits
    `schema`."""

    key: str
    text: str
    choices: list[str] | None
    schema: JsonObject | None


@dataclass(frozen=True)
class Call:
    """A call as it is now. `cursor`: what has been reported of it.

    `note`: its state in a sentence. `text`, `structured`: its result, or why it failed. `questions`: the open ones.
    """

    id: str
    state: CallState
    created_at: datetime
    updated_at: datetime
    note: str
    cursor: int = 0
    questions: list[Asked] = field(default_factory=list[Asked])
    text: str = ""
    structured: JsonObject | None = None


class ToolHost(Protocol):
    """The tools of one caller. Calls are durable: any instance can look them up, also long after their request."""

    def reserve(self) -> AbstractContextManager[None]:
        """Counts a request that waits for a call during the block. Raises `TooManyRequests`."""
        ...

    async def list_tools(self, cursor: str | None) -> ToolPage:
        """Lists tools, sorted by name. Raises `BadRequest` for an invalid cursor."""
        ...

    async def start(self, name: str, arguments: JsonObject) -> str:
        """Starts a call, and returns its id once it can no longer be lost. Raises `NotFound` for an unknown tool,
        `InvalidInput`, and other service errors if it has not started."""
        ...

    async def look_up(self, call_id: str) -> Call:
        """Returns the call. Raises `NotFound` for an unknown call and for another caller's."""
        ...

    async def wait(self, call_id: str, cursor: int, seconds: float, report: Report) -> Call:
        """Returns the call when it has ended or asks something, or as it is after `seconds`.

        Reports what it does after the cursor. Raises `NotFound`.
        """
        ...

    async def answer(self, call_id: str, answers: Mapping[str, JsonValue]) -> None:
        """Answers questions by their keys, all at once, because the call then continues.

        Ignores answers to questions that are not open, or not any more. Raises `NotFound` and, after the other answers
        have been stored, `InvalidInput` for those that do not fit.
        """
        ...

    async def cancel(self, call_id: str) -> None:
        """Cancels the call, if it has not ended. Raises `NotFound`."""
        ...
