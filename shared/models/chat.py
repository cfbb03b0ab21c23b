"""Chats on the wire: the request, its ticket, and the result."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, ConfigDict, FailFast, Field, TypeAdapter
from pydantic.json_schema import SkipJsonSchema

from shared.models.errors import BadRequest
from shared.models.wire import CamelModel, JsonObject, OptionalJsonObject, SnakeModel, empty_for_null, with_example


class TextPart(CamelModel):
    """A part of a message's text."""

    type: Literal["text"]
    text: str


def _join_text_parts(content: Any) -> Any:
    """Joins the texts of a list of parts without changing them. Other content is returned for validation.

    Raises `BadRequest` for a part that is not text, because it is well formed but not supported.
    """
    if not isinstance(content, list):
        return content
    parts = cast("list[Any]", content)
    kinds = [cast("dict[str, Any]", part).get("type") for part in parts if isinstance(part, dict)]
    if any(kind in _NOT_TEXT for kind in kinds):
        raise BadRequest("A message's content must be text: images, sound and files cannot be sent.")
    return "".join(part.text for part in _parts.validate_python(parts))


_NOT_TEXT = ("image_url", "image", "input_image", "input_audio", "audio", "video_url", "file", "input_file", "document")
_parts = TypeAdapter(Annotated[list[TextPart], FailFast()])


class Message(CamelModel):
    """One message of the conversation. The texts of a list of parts are joined without separators."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[str, BeforeValidator(_join_text_parts, json_schema_input_type=str | list[TextPart])]


class ChatRequest(CamelModel):
    """The request body of `POST /chat`. The model's catalog entry lists its `parameters` and `built_in_tools`.

    With `stream` the worker reads the model's answer as a stream, so that the connection of a long answer does not time
    out. The caller polls the ticket in either case.
    """

    model_config = with_example(
        provider="local",
        model="smollm2-135m-instruct",
        messages=[{"role": "user", "content": "What is the capital of Germany?"}],
        parameters={"temperature": 0},
    )

    messages: Annotated[list[Message], FailFast(), Field(min_length=1)]
    provider: str = Field(min_length=1)
    model: str = Field(min_length=1)
    parameters: OptionalJsonObject = {}
    built_in_tools: Annotated[list[str], FailFast(), BeforeValidator(empty_for_null(list))] = []
    stream: bool = False


class RunInput(SnakeModel):
    """The input of an agent's run, as it is stored with the run's ticket."""

    model_config = ConfigDict(extra="forbid")

    input: JsonObject


StoredInput = ChatRequest | RunInput
"""What is stored with a ticket: a chat's messages, or a run's input."""
stored_input: TypeAdapter[StoredInput] = TypeAdapter(StoredInput)


class Usage(SnakeModel):
    """Tokens, as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    estimated: SkipJsonSchema[bool] = Field(default=False, exclude=True)
    """Whether the tokens are estimated from bytes because the provider reported none. Not on the wire."""
    unpriced: SkipJsonSchema[bool] = Field(default=False, exclude=True)
    """Whether the cost is unknown because neither the catalog nor the provider states it. Not on the wire."""


class ChatResult(SnakeModel):
    """A model's answer.

    `thoughts`: reasoning, tool calls and thinking blocks, or None. `model`: "provider/model". `cost`: US dollars.
    """

    content: str
    thoughts: Any = None
    model: str
    usage: Usage = Usage()
    cost: float = 0.0


class TicketStatus(StrEnum):
    """The state of a ticket. `completed`, `failed` and `cancelled` are final.

    `waiting`: an agent's run sleeps, or waits for the answer to a question. As a chat, such a run is `processing`.
    """

    PENDING = "pending"
    PROCESSING = "processing"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether the ticket has ended, with or without a result."""
        return self in (TicketStatus.COMPLETED, TicketStatus.FAILED, TicketStatus.CANCELLED)


class Accepted(SnakeModel):
    """The response of `POST /chat`."""

    model_config = with_example(ticket_id="0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10", status="pending")

    ticket_id: str
    status: TicketStatus


class ChatResponse(SnakeModel):
    """A ticket, as `GET /chat/{ticket_id}` and `GET /chat` return it.

    `error` is a sentence for the user if the chat failed, else None.
    """

    model_config = with_example(
        ticket_id="0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10",
        status="completed",
        result={
            "content": "The capital of Germany is Berlin.",
            "thoughts": None,
            "model": "local/smollm2-135m-instruct",
            "usage": {"prompt_tokens": 37, "completion_tokens": 8, "total_tokens": 45},
            "cost": 0.0,
        },
        error=None,
        created_at="2026-11-24T06:00:00.120000Z",
        updated_at="2026-11-24T06:00:01.480000Z",
        completed_at="2026-11-24T06:00:01.480000Z",
    )

    ticket_id: str
    status: TicketStatus
    result: ChatResult | None = None
    error: str | None = None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None
