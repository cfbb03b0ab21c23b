"""Translates the input of a response into the messages that are stored with its ticket, and back."""

from collections.abc import Sequence
from typing import Any, cast

from shared.models.chat import ImagePart
from shared.models.conversation import ConversationMessage
from shared.models.openai_api.errors import InvalidRequest, UnsupportedParameter
from shared.models.openai_api.ids import item_id

_ROLES = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant"}
_DETAILS = {"original": "high"}
"""The details of images that chat completions do not have."""
_ITEM_HINT = " Items are messages, calls of functions, and their outputs."


def read_items(items: str | Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the messages in the form of `ConversationMessage`. Raises `InvalidRequest`.

    Calls of functions join the assistant's message before them. A model's thoughts are omitted, because providers take
    back only their own, in forms that differ.
    """
    if isinstance(items, str):
        return [{"role": "user", "content": items}]
    messages: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        _read_item(item, f"input[{index}]", messages)
    if not messages:
        raise InvalidRequest("The input has no message.", "input")
    return messages


def _read_item(item: dict[str, Any], place: str, messages: list[dict[str, Any]]) -> None:
    kind = item.get("type") or "message"
    match kind:
        case "message":
            messages.append(_read_message(item, place))
        case "function_call":
            call = {"id": item.get("call_id"), "name": item.get("name"), "arguments": item.get("arguments")}
            if not messages or messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": ""})
            messages[-1].setdefault("tool_calls", []).append(call)
        case "function_call_output":
            content = _read_content(item.get("output"), f"{place}.output")
            messages.append({"role": "tool", "content": content, "tool_call_id": item.get("call_id")})
        case "reasoning":
            pass
        case _:
            raise UnsupportedParameter(f"{place}.type", f" The type is {str(kind)[:50]!r}.{_ITEM_HINT}")


def _read_message(item: dict[str, Any], place: str) -> dict[str, Any]:
    role = item.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise InvalidRequest(f"The role of {place} must be one of {', '.join(_ROLES)}.", f"{place}.role")
    return {"role": _ROLES[role], "content": _read_content(item.get("content"), f"{place}.content")}


def _read_content(content: Any, place: str) -> Any:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequest(f"{place} must be a string or a list of parts.", place)
    parts = cast("list[Any]", content)
    return [_read_part(part, f"{place}[{index}]") for index, part in enumerate(parts)]


def _read_part(part: Any, place: str) -> dict[str, Any]:
    if not isinstance(part, dict):
        raise InvalidRequest(f"{place} must be an object.", place)
    fields = cast("dict[str, Any]", part)
    match fields.get("type"):
        case "input_text" | "output_text" | "text":
            return {"type": "text", "text": fields.get("text")}
        case "refusal":
            return {"type": "text", "text": fields.get("refusal")}
        case "input_image" if fields.get("file_id") is None:
            detail = _DETAILS.get(str(fields.get("detail")), fields.get("detail"))
            return {
                "type": "image_url",
                "image_url": {"url": fields.get("image_url")} | ({} if detail is None else {"detail": detail}),
            }
        case "input_image":
            raise UnsupportedParameter(f"{place}.file_id", " Send the image itself or its address as image_url.")
        case kind:
            raise UnsupportedParameter(f"{place}.type", f" Parts of the type {str(kind)[:50]!r} cannot be sent.")


def show_items(messages: Sequence[ConversationMessage], ticket_id: str) -> list[dict[str, Any]]:
    """Returns the messages as the items of a response's input. Their ids are made from their positions."""
    items: list[dict[str, Any]] = []

    def add(prefix: str, item: dict[str, Any]) -> None:
        id_ = f"{item_id(prefix, ticket_id)}_in{len(items) + 1}"
        items.append({"id": id_, "status": "completed", **item})

    for message in messages:
        if message.role == "tool":
            output = message.content if isinstance(message.content, str) else _show_content(message)
            add("fco", {"type": "function_call_output", "call_id": message.tool_call_id, "output": output})
            continue
        if message.content or not message.tool_calls:
            add("msg", {"type": "message", "role": message.role, "content": _show_content(message)})
        for call in message.tool_calls:
            call_item = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            add("fc", call_item)
    return items


def _show_content(message: ConversationMessage) -> list[dict[str, Any]]:
    kind = "output_text" if message.role == "assistant" else "input_text"
    extra = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
    if isinstance(message.content, str):
        return [{"type": kind, "text": message.content, **extra}]
    return [
        {"type": "input_image", "image_url": part.image_url.url, "detail": part.image_url.detail or "auto"}
        if isinstance(part, ImagePart)
        else {"type": kind, "text": part.text, **extra}
        for part in message.content
    ]
