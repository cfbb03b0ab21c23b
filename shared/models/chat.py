"""Chats on the wire: the messages, the request, its ticket, and the result."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, ConfigDict, FailFast, Field, TypeAdapter, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticKnownError

from shared.models.errors import BadRequest, TooLarge
from shared.models.images import check_image_url, check_sizes, size_of
from shared.models.wire import (
    CamelModel,
    JsonObject,
    OptionalJsonObject,
    SnakeModel,
    empty_for_null,
    with_example,
)


class TextPart(CamelModel):
    """A part of a message's text."""

    type: Literal["text"]
    text: str


class ImageUrl(SnakeModel):
    """An image: a `data:` URL with the image itself, or the https URL that it is fetched from.

    `detail`: how closely OpenAI's models look at it. Other models ignore it.
    """

    url: Annotated[str, AfterValidator(check_image_url)]
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(SnakeModel):
    """An image in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Content = str | list[TextPart | ImagePart]
"""A message's content: text or, if it has images, parts."""
_OTHER_KINDS = ("image", "input_image", "input_audio", "audio", "video_url", "file", "input_file", "document")
"""The kinds of parts that other APIs have."""
_parts: TypeAdapter[list[TextPart | ImagePart]] = TypeAdapter(
    Annotated[list[Annotated[TextPart | ImagePart, Field(discriminator="type")]], FailFast()]
)


def _read_content(content: Any) -> Any:
    """Returns a list of parts as text if it has no images: their texts, joined without separators.

    Raises `BadRequest` for a part of a kind that is well formed, but not supported.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise PydanticKnownError("string_type")  # the union's own error would have the name of a type in its location
    for part in cast("list[Any]", content):
        kind = cast("dict[str, Any]", part).get("type") if isinstance(part, dict) else None
        if kind in _OTHER_KINDS:
            raise BadRequest(
                f"Parts of the type {kind} cannot be sent. A message's content is text, or parts of the types text and "
                "image_url."
            )
    parts = _parts.validate_python(content)
    return parts if any(isinstance(part, ImagePart) for part in parts) else text_of(parts)


MessageContent = Annotated[
    Content, BeforeValidator(_read_content, json_schema_input_type=str | list[TextPart | ImagePart])
]
"""The type of the field `content`."""


class Message(CamelModel):
    """One message of the conversation. The texts of a list of parts without images are joined without separators."""

    role: Literal["user", "assistant", "system"]
    content: MessageContent


def text_of(content: Content | Sequence[TextPart | ImagePart]) -> str:
    """Returns the text of a message's content, without its images. The parts are joined without separators."""
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content if isinstance(part, TextPart))


def images_of(contents: Iterable[Content]) -> list[ImageUrl]:
    """Returns the images in the contents of messages, in their order."""
    return [
        part.image_url
        for content in contents
        if not isinstance(content, str)
        for part in content
        if isinstance(part, ImagePart)
    ]


MAX_ITEMS = 40_000
"""The maximum number of a request's messages and their parts. Validating one takes some microseconds, and the text of
so many exceeds what can be stored."""


def refuse_too_many(messages: Any) -> Any:
    """Raises `TooLarge` for messages with so many parts that validating them would take long."""
    if isinstance(messages, list):
        contents = [cast("dict[str, Any]", each).get("content") for each in messages if isinstance(each, dict)]
        lengths = [len(cast("list[Any]", content)) for content in contents if isinstance(content, list)]
        if (count := len(messages) + sum(lengths)) > MAX_ITEMS:
            raise TooLarge(f"The request has {count} messages and parts; the limit is {MAX_ITEMS}. Send fewer.")
    return messages


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

    messages: Annotated[list[Message], FailFast(), Field(min_length=1), BeforeValidator(refuse_too_many)]
    provider: str = Field(min_length=1)
    model: str = Field(min_length=1)
    parameters: OptionalJsonObject = {}
    built_in_tools: Annotated[list[str], FailFast(), BeforeValidator(empty_for_null(list))] = []
    stream: bool = False

    @model_validator(mode="after")
    def _check_images(self) -> Self:
        check_sizes([size_of(image.url) for image in images_of(message.content for message in self.messages)])
        return self


class RunInput(SnakeModel):
    """The input of an agent's run, as it is stored with the run's ticket."""

    model_config = ConfigDict(extra="forbid")

    input: JsonObject


class Usage(SnakeModel):
    """Tokens, as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    estimated: SkipJsonSchema[bool] = Field(default=False, exclude=True)
    """Whether the tokens are estimated from bytes because the provider reported none. Not on the wire."""
    unpriced: SkipJsonSchema[bool] = Field(default=False, exclude=True)
    """Whether the cost is unknown because neither the catalog nor the provider states it. Not on the wire."""
    cached: SkipJsonSchema[int] = Field(default=0, exclude=True)
    """Prompt tokens that the provider read from its cache, 0 if it does not say. Stored, but not on the wire."""
    cache_write: SkipJsonSchema[int] = Field(default=0, exclude=True)
    """Prompt tokens that the provider wrote to its cache. See `cached`."""
    reasoning: SkipJsonSchema[int] = Field(default=0, exclude=True)
    """Completion tokens of the model's thoughts. See `cached`."""

    @property
    def details(self) -> dict[str, int]:
        """The fields that `cached` refers to, without those that are 0."""
        counts = {"cached": self.cached, "cache_write": self.cache_write, "reasoning": self.reasoning}
        return {name: count for name, count in counts.items() if count}


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
