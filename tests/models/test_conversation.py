"""Messages with parts, and what is stored with a ticket."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.models.chat import MAX_ITEMS, ChatRequest, ImagePart, Message, RunInput, TextPart, images_of, text_of
from shared.models.conversation import CompletionRequest, ConversationMessage
from shared.models.errors import BadRequest, TooLarge
from shared.models.images import MAX_IMAGES
from shared.models.stored_input import stored_input
from tests.images import PNG, data_url, image_part

TEXT = {"type": "text", "text": "What is this?"}
ROUTE: dict[str, Any] = {"provider": "openai", "model": "gpt-4.1-mini"}


def test_parts_of_text_become_a_string() -> None:
    """The texts of a message without images are joined."""
    message = Message.model_validate({"role": "user", "content": [TEXT, {"type": "text", "text": " Say!"}]})
    assert message.content == "What is this? Say!"


def test_images_are_kept_among_the_texts() -> None:
    """A message with images has its parts in their order, and they survive being written and read."""
    content = [TEXT, image_part(detail="low"), TEXT]
    message = Message.model_validate({"role": "user", "content": content})
    assert [type(part) for part in message.content] == [TextPart, ImagePart, TextPart]
    assert text_of(message.content) == "What is this?What is this?"
    assert [(image.url, image.detail) for image in images_of([message.content, "text"])] == [(data_url(PNG), "low")]
    assert message.model_dump(mode="json", by_alias=True, exclude_none=True)["content"] == content
    assert Message.model_validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize("kind", ["input_audio", "file", "image", "input_image", "video_url", "document"])
def test_a_part_of_another_kind_is_named_in_the_error(kind: str) -> None:
    """The error names the kind that cannot be sent, and those that can."""
    with pytest.raises(BadRequest, match=f"type {kind} .*text and image_url"):
        Message.model_validate({"role": "user", "content": [TEXT, {"type": kind}]})


def test_the_images_of_all_messages_count_together() -> None:
    """The limit applies to the request, not to each message."""
    message = {"role": "user", "content": [image_part("https://example.com/a.png")] * (MAX_IMAGES // 2)}
    ChatRequest.model_validate({**ROUTE, "messages": [message] * 2})
    with pytest.raises(BadRequest, match="images"):
        ChatRequest.model_validate({**ROUTE, "messages": [message] * 3})


REQUESTS = [
    ChatRequest.model_validate({**ROUTE, "messages": [{"role": "user", "content": [TEXT, image_part()]}]}),
    CompletionRequest.model_validate({**ROUTE, "messages": [{"role": "user", "content": "hi"}]}),
    CompletionRequest.model_validate(
        {
            **ROUTE,
            "messages": [
                {"role": "user", "content": [image_part()]},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "f", "arguments": "{}"}]},
                {"role": "tool", "tool_call_id": "c", "content": "5"},
            ],
            "functions": [{"name": "f", "parameters": {"type": "object"}, "strict": True}],
            "tool_choice": "function:f",
            "parallel_tool_calls": False,
            "echo": {"metadata": {"a": "b"}},
        }
    ),
    RunInput(input={"messages": [], "functions": []}),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_each_kind_of_stored_input_is_told_apart(request_: Any) -> None:
    """What is read is what was stored, of the same kind."""
    read = stored_input.validate_json(request_.model_dump_json())
    assert type(read) is type(request_)
    assert read == request_


def test_a_message_that_only_calls_functions_has_an_empty_text() -> None:
    """OpenAI's clients send null as the content of such a message."""
    assert ConversationMessage.model_validate({"role": "assistant", "content": None}).content == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"functions": [{"name": "a b"}]},
        {"functions": [{"name": ""}]},
        {"functions": [{"name": "f"}] * 129},
        {"tool_choice": "sometimes"},
        {"tool_choice": "function:"},
    ],
)
def test_malformed_functions_and_choices_are_invalid(fields: Any) -> None:
    """Names have the form that all providers accept."""
    with pytest.raises(ValidationError):
        CompletionRequest.model_validate({**ROUTE, "messages": [{"role": "user", "content": "hi"}], **fields})


@pytest.mark.parametrize("model", [ChatRequest, CompletionRequest])
@pytest.mark.parametrize("count", [0, 1])
def test_the_number_of_parts_is_limited(model: type[ChatRequest], count: int) -> None:
    """A request that would take long to validate is refused at once, whether it has many messages or many parts."""
    many = [{"type": "text", "text": "a"}] * (MAX_ITEMS - 1)
    message = {"role": "user", "content": many}
    body = {"messages": [message, *[{"role": "user", "content": "b"}] * count], **ROUTE}
    if count:
        with pytest.raises(TooLarge, match=f"the limit is {MAX_ITEMS}"):
            model.model_validate(body)
    else:
        assert model.model_validate(body).messages[0].content == "a" * (MAX_ITEMS - 1)
