"""The messages that the interpreter may send to the host. All others are refused, as the sender may be hostile.

A message is a short line of JSON, followed by a text. The text is parsed only after the line has been validated.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.models.wire import JsonObject

MAX_BYTES = 4 * 2**20
"""The maximum size of one message, which is more than the longest arguments of a call need."""
_MAX_LINE_BYTES = 500
_MAX_FAILURE_CHARACTERS = 400_000
_MAX_VALUES = 100_000
"""The maximum number of values in a call's arguments. Parsing more would block the event loop for too long."""


class InvalidMessage(Exception):
    """A message has none of the accepted shapes."""


class TooManyValues(Exception):
    """A call's arguments contain too many values to be parsed."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ReadyMessage(_Message):
    """The guest waits for a program, and uses this version of the protocol."""

    kind: Literal["ready"]
    version: Literal[1]


class PrintMessage(_Message):
    """The code has printed the text."""

    kind: Literal["print"]


class DroppedMessage(_Message):
    """Reports the number of bytes that were printed beyond the limit."""

    kind: Literal["dropped"]
    bytes: int = Field(ge=0, lt=2**53)


class CallMessage(_Message):
    """Calls a host function. The text contains the arguments as a JSON object. The answer repeats the `number`.

    `line`: the line of the code that makes the call, 0 if it is not known.
    """

    kind: Literal["call"]
    number: int = Field(ge=1, lt=2**53)
    function: Literal["call_model", "http", "call_tool", "list_tools", "call_agent", "ask"]
    line: int = Field(default=0, ge=0, lt=2**31)


class CancelMessage(_Message):
    """Withdraws a call, which gets no answer."""

    kind: Literal["cancel"]
    number: int = Field(ge=1, lt=2**53)


class WaitMessage(_Message):
    """The guest waits until a call is answered or `seconds` have passed. None means that there is no time limit."""

    kind: Literal["wait"]
    seconds: Annotated[float, Field(ge=0)] | None


class DoneMessage(_Message):
    """The run has ended. The text is the result as JSON; it is empty for code that was only loaded."""

    kind: Literal["done"]


class FailedMessage(_Message):
    """The code ended with an exception. The text is a `Fault`."""

    kind: Literal["failed"]


class _Exception(_Message):
    """An exception. `frames`: the agent's line numbers, each with the name of the function that contains the line."""

    model_config = ConfigDict(strict=False)

    type: str = Field(max_length=200)
    message: str = Field(max_length=5000)
    frames: list[tuple[Annotated[int, Field(ge=0, lt=10**7)], Annotated[str, Field(max_length=200)]]] = Field(
        max_length=50, fail_fast=True
    )


class Cause(_Exception):
    """An earlier exception. `direct`: whether the next one was raised `from` it, and not only while handling it."""

    direct: bool


class Fault(_Exception):
    """The exception that ended the run. `notes`: the lines that Python prints below it. `causes`: oldest first."""

    notes: str = Field(default="", max_length=5000)
    causes: list[Cause] = Field(default=[], max_length=10)


GuestMessage = (
    ReadyMessage
    | PrintMessage
    | DroppedMessage
    | CallMessage
    | CancelMessage
    | WaitMessage
    | DoneMessage
    | FailedMessage
)
_guest_message: TypeAdapter[GuestMessage] = TypeAdapter(Annotated[GuestMessage, Field(discriminator="kind")])


def parse_message(data: bytes) -> tuple[GuestMessage, str]:
    """Splits a message into its line, which is validated, and its text. Raises `InvalidMessage`."""
    line, _, text = data.partition(b"\n")
    if len(line) > _MAX_LINE_BYTES:
        raise InvalidMessage
    try:
        return _guest_message.validate_json(line), text.decode()
    except ValueError as error:  # from either call
        raise InvalidMessage from error


def parse_fault(text: str) -> Fault:
    """Parses the text of a `FailedMessage`. Raises `InvalidMessage`."""
    if len(text) > _MAX_FAILURE_CHARACTERS:
        raise InvalidMessage
    try:
        return Fault.model_validate_json(text)
    except ValidationError as error:
        raise InvalidMessage from error


def count_values(text: str) -> int:
    """Returns an upper bound for the number of JSON values in the text."""
    return sum(text.count(sign) for sign in "[{,")


def parse_arguments(text: str) -> JsonObject:
    """Parses the arguments of a call. Raises `InvalidMessage` and `TooManyValues`."""
    if count_values(text) > _MAX_VALUES:
        raise TooManyValues
    try:
        parsed = from_json(text)
    except ValueError as error:
        raise InvalidMessage from error
    if not isinstance(parsed, dict):
        raise InvalidMessage
    return parsed
