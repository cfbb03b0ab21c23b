"""What the interpreter says to the host: JSON, by these shapes and no others, as whoever wrote it may be hostile."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.models.wire import JsonObject

MAX_BYTES = 4 * 2**20
"""Of one message: more than the longest arguments of a call."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Begun(_Message):
    """The program has arrived. An interpreter that ends before has done nothing of it."""

    kind: Literal["begun"]


class Print(_Message):
    kind: Literal["print"]
    text: str


class Dropped(_Message):
    """How much was printed beyond what a run may."""

    kind: Literal["dropped"]
    bytes: int = Field(ge=0, lt=2**53)


class Call(_Message):
    """`number` comes back with the answer."""

    kind: Literal["call"]
    number: int = Field(ge=1, lt=2**53)
    ability: Literal["call_model", "http", "call_tool", "list_tools", "call_agent"]
    arguments: JsonObject


class Wait(_Message):
    """Nothing is to be computed until a call is answered, or so many seconds have passed."""

    kind: Literal["wait"]
    seconds: Annotated[float, Field(ge=0, strict=False)] | None


class Done(_Message):
    """`text`: the result as JSON; empty for code that was only loaded."""

    kind: Literal["done"]
    text: str


class Failed(_Message):
    """An exception that nobody caught. `frames`: the agent's lines, and the functions they are in."""

    kind: Literal["failed"]
    type: str = Field(max_length=200)
    message: str = Field(max_length=5000)
    frames: list[Annotated[tuple[int, str], Field(strict=False)]] = Field(max_length=50)


Message = Begun | Print | Dropped | Call | Wait | Done | Failed
message: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])
