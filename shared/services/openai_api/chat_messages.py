"""Translates the messages of a chat completion into those that are stored with its ticket."""

from collections.abc import Sequence
from typing import Any, cast

from shared.models.openai_api.chat_request import ChatMessage
from shared.models.openai_api.errors import InvalidRequest, UnsupportedParameter

_ACCEPTED_PARTS = ("text", "image_url", "refusal")


def read_messages(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Returns the messages in the form of `ConversationMessage`. Raises `InvalidRequest`.

    The role `developer` is `system`. What a model had refused to say is content like any other.
    """
    return [_read_message(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _read_message(message: ChatMessage, place: str) -> dict[str, Any]:
    role = "system" if message.role == "developer" else message.role
    result: dict[str, Any] = {"role": role, "content": _read_content(message, place)}
    if message.tool_calls:
        result["tool_calls"] = [
            {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        result["tool_call_id"] = message.tool_call_id
    return result


def _read_content(message: ChatMessage, place: str) -> Any:
    if not isinstance(message.content, list):
        if message.content is None and message.role != "assistant":
            raise InvalidRequest(f"The content of {place} is missing.", f"{place}.content")
        return message.content or message.refusal or ""
    return [_read_part(part, f"{place}.content[{index}]") for index, part in enumerate(message.content)]


def _read_part(part: dict[str, Any], place: str) -> dict[str, Any]:
    kind = part.get("type")
    if kind not in _ACCEPTED_PARTS:
        raise UnsupportedParameter(f"{place}.type", f" Parts of the type {str(kind)[:50]!r} cannot be sent.")
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal")}
    image = part.get("image_url")
    if isinstance(image, dict) and cast("dict[str, Any]", image).keys() - {"url", "detail"}:
        raise UnsupportedParameter(f"{place}.image_url")
    return {name: value for name, value in part.items() if name in ("type", "text", "image_url")}
