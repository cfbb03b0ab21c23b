"""The messages that the interpreter may send to the host. No other shape is accepted, as the sender may be hostile.

A message is a short line of JSON, and a text, which is not read before it is known what it is for.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.models.wire import JsonObject

MAX_BYTES = 4 * 2**20
"""Of one message: more than the longest arguments of a call."""
_MAX_LINE_BYTES = 500
_MAX_FAILURE_CHARACTERS = 400_000
_MAX_VALUES = 100_000
"""Of a call's arguments: reading more would block the event loop."""


class NoMessage(Exception):
    """The message has none of the shapes."""


class TooManyValues(Exception):
    """The arguments hold too many values to be read."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Ready(_Message):
    """The guest waits for a program, in this version of the protocol."""

    kind: Literal["ready"]
    version: Literal[1]


class Print(_Message):
    """The text is what is printed."""

    kind: Literal["print"]


class Dropped(_Message):
    """How many bytes were printed beyond the limit."""

    kind: Literal["dropped"]
    bytes: int = Field(ge=0, lt=2**53)


class Call(_Message):
    """The text is the arguments, a JSON object. `number` comes back with the answer."""

    kind: Literal["call"]
    number: int = Field(ge=1, lt=2**53)
    function: Literal["call_model", "http", "call_tool", "list_tools", "call_agent"]


class Wait(_Message):
    """The guest waits until a call is answered, or so many seconds have passed; None: without end."""

    kind: Literal["wait"]
    seconds: Annotated[float, Field(ge=0)] | None


class Done(_Message):
    """The text is the result as JSON; empty for code that was only loaded."""

    kind: Literal["done"]


class Failed(_Message):
    """The code ended with an exception. The text is a `Fault`."""

    kind: Literal["failed"]


class _Exception(_Message):
    """`frames`: the agent's lines, and the functions they are in."""

    model_config = ConfigDict(strict=False)

    type: str = Field(max_length=200)
    message: str = Field(max_length=5000)
    frames: list[tuple[Annotated[int, Field(ge=0, lt=10**7)], Annotated[str, Field(max_length=200)]]] = Field(
        max_length=50, fail_fast=True
    )


class Cause(_Exception):
    """An exception before the last. `direct`: the next one was raised `from` it, not only while it was handled."""

    direct: bool


class Fault(_Exception):
    """The exception that ended the run. `notes`: what Python prints below it. `causes`: its causes, oldest first."""

    notes: str = Field(default="", max_length=5000)
    causes: list[Cause] = Field(default=[], max_length=10)


Said = Ready | Print | Dropped | Call | Wait | Done | Failed
_said: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="kind")])


def message(data: bytes) -> tuple[Said, str]:
    """Parses a message: its shape, and its text. Raises `NoMessage`."""
    line, _, text = data.partition(b"\n")
    if len(line) > _MAX_LINE_BYTES:
        raise NoMessage
    try:
        return _said.validate_json(line), text.decode()
    except ValueError as error:  # of either
        raise NoMessage from error


def fault(text: str) -> Fault:
    """Parses the text of `Failed`. Raises `NoMessage`."""
    if len(text) > _MAX_FAILURE_CHARACTERS:
        raise NoMessage
    try:
        return Fault.model_validate_json(text)
    except ValidationError as error:
        raise NoMessage from error


def values_in(text: str) -> int:
    """An upper bound of the number of JSON values in the text."""
    return sum(text.count(sign) for sign in "[{,")


def arguments(text: str) -> JsonObject:
    """Parses the arguments of a call. Raises `NoMessage` and `TooManyValues`."""
    if values_in(text) > _MAX_VALUES:
        raise TooManyValues
    try:
        read = from_json(text)
    except ValueError as error:
        raise NoMessage from error
    if not isinstance(read, dict):
        raise NoMessage
    return read
