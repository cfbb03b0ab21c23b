"""Arranges a conversation in the order that a model accepts, or explains why that is not possible.

For all models, empty messages within the conversation are omitted, and an empty last message is refused. No text is
added or changed, except for white space at the end of an answer that the caller began, and for a blank result of a
function, which Bedrock would refuse.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from shared.llm.catalog.errors import InvalidMessages
from shared.llm.catalog.route import ModelRoute
from shared.llm.catalog.tool_messages import check_tool_messages, to_sent_calls
from shared.models.chat import ImagePart, Message, TextPart, images_of, text_of
from shared.models.conversation import ConversationMessage

_SEPARATOR = "\n\n"
_EMPTY_JSON = '""'
VISION = "vision"
"""The ability of models that accept images."""


def check_messages(route: ModelRoute, messages: Sequence[Message | ConversationMessage]) -> list[dict[str, Any]]:
    """Returns the messages to send, in the form of OpenAI's chat interface. Raises `InvalidMessages`."""
    rules = route.conversation
    kept = [message for message in messages if not _is_blank(message)]
    if not messages or _is_blank(messages[-1]):
        raise InvalidMessages("The last message has no text. Add some, or omit the message.")
    _check_images(route, kept)
    system = [message for message in kept if message.role == "system"]
    turns = [message for message in kept if message.role != "system"]
    if rules.needs_turns and not turns:
        raise InvalidMessages(f"{route.name} needs a user message in addition to system messages.")
    if rules.starts_with_user and turns and turns[0].role != "user":
        raise InvalidMessages(f"For {route.name}, the first message must be the user's, not the assistant's.")
    if rules.ends_with_user and turns and turns[-1].role == "assistant":
        raise InvalidMessages(
            f"For {route.name}, the last message must be the user's: the model cannot continue an answer."
        )
    ordered = [*system, *turns] if rules.system_first else kept
    check_tool_messages(ordered)
    sent = [_to_sent(message, route) for message in ordered]
    if rules.alternates:
        sent = [*_join(sent)]
    if rules.trims_answer and sent[-1]["role"] == "assistant":
        sent[-1]["content"] = sent[-1]["content"].rstrip()
    return sent


def _is_blank(message: Message | ConversationMessage) -> bool:
    """Whether a message has neither text nor an image, and is not part of a function's call."""
    is_part_of_call = isinstance(message, ConversationMessage) and (message.role == "tool" or message.tool_calls)
    return not is_part_of_call and not images_of([message.content]) and not text_of(message.content).strip()


def _check_images(route: ModelRoute, messages: Iterable[Message | ConversationMessage]) -> None:
    with_images = [message for message in messages if images_of([message.content])]
    if not with_images:
        return
    if VISION not in route.info.abilities:
        raise InvalidMessages(
            f"{route.name} accepts no images. Send text only, or choose a model with the ability {VISION!r}: "
            "GET /providers lists them."
        )
    if any(message.role != "user" for message in with_images):
        raise InvalidMessages("Only messages of the user may have images.")


def _to_sent(message: Message | ConversationMessage, route: ModelRoute) -> dict[str, Any]:
    content = message.content
    sent: dict[str, Any] = {
        "role": message.role,
        "content": content
        if isinstance(content, str)
        else [_to_sent_part(part, route) for part in _drop_empty(content)],
    }
    if isinstance(message, ConversationMessage):
        if message.tool_calls:
            sent["tool_calls"] = to_sent_calls(message.tool_calls)
            sent["content"] = sent["content"] or None
        if message.role == "tool":
            sent["tool_call_id"] = message.tool_call_id
            if not route.functions.blank_results and not text_of(content).strip():
                sent["content"] = _EMPTY_JSON
    return sent


def _drop_empty(parts: Iterable[TextPart | ImagePart]) -> list[TextPart | ImagePart]:
    """Returns the parts other than blank texts, which some providers refuse."""
    return [part for part in parts if isinstance(part, ImagePart) or part.text.strip()]


def _to_sent_part(part: TextPart | ImagePart, route: ModelRoute) -> dict[str, Any]:
    sent = part.model_dump(exclude_none=True)
    detail = route.image and route.image.detail
    if detail is not None and isinstance(part, ImagePart) and part.image_url.detail in (None, "auto"):
        sent["image_url"]["detail"] = detail
    return sent


def _join(messages: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for role, group in groupby(messages, key=lambda message: message["role"]):
        contents = [message["content"] for message in group]
        yield {"role": role, "content": _join_contents(contents)}


def _join_contents(contents: list[Any]) -> Any:
    if all(isinstance(content, str) for content in contents):
        return _SEPARATOR.join(contents)
    return [
        part
        for content in contents
        for part in ([{"type": "text", "text": content}] if isinstance(content, str) else content)
    ]
