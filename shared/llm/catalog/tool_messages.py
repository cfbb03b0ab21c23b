"""The calls of functions in a conversation: each call of the model has exactly one result, directly after it."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from shared.llm.catalog.errors import InvalidMessages, quote
from shared.models.chat import Message
from shared.models.conversation import ConversationMessage, ToolCall


def check_tool_messages(messages: Sequence[Message | ConversationMessage]) -> None:
    """Checks the order of calls and their results. Raises `InvalidMessages`."""
    open_calls: list[str] = []
    for message in messages:
        if isinstance(message, ConversationMessage) and message.role == "tool":
            if message.tool_call_id not in open_calls:
                raise InvalidMessages(
                    f"The tool message for {quote(str(message.tool_call_id))} answers no call of the assistant's "
                    "message before it. Each tool message needs the tool_call_id of such a call."
                )
            open_calls.remove(message.tool_call_id)
            continue
        _refuse_open(open_calls)
        if isinstance(message, ConversationMessage) and message.tool_calls:
            open_calls = _read_calls(message)
    _refuse_open(open_calls)


def to_sent_calls(calls: Iterable[ToolCall]) -> list[dict[str, Any]]:
    """Returns the calls in the form of OpenAI's chat interface."""
    return [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
        for call in calls
    ]


def _refuse_open(calls: Sequence[str]) -> None:
    if calls:
        raise InvalidMessages(
            f"The call {quote(calls[0])} has no result. Each of an assistant's tool_calls must be followed by a tool "
            "message with its id, before any other message."
        )


def _read_calls(message: ConversationMessage) -> list[str]:
    """Returns the ids of the message's calls. Raises `InvalidMessages`."""
    if message.role != "assistant":
        raise InvalidMessages("Only messages of the assistant may have tool_calls.")
    ids = [call.id for call in message.tool_calls]
    if len({*ids}) < len(ids):
        raise InvalidMessages("Two tool_calls of a message have the same id.")
    for call in message.tool_calls:
        if call.arguments and not _is_object(call.arguments):
            raise InvalidMessages(f"The arguments of the call {quote(call.id)} are not a JSON object.")
    return ids


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
