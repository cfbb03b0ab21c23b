"""Shows tickets as responses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.models.chat import TicketStatus, Usage
from shared.models.conversation import CompletionRequest
from shared.models.openai_api.ids import item_id, response_id
from shared.models.ticket import Ticket
from shared.services.openai_api.results import Call, Result, error_of, read_result
from shared.services.openai_api.tools import show_choice, show_tools

_REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "reasoning": None,
    "safety_identifier": None,
    "store": True,
    "temperature": None,
    "text": None,
    "top_p": None,
}
"""What a response repeats of its request, with the values if the request does not have it."""


def show_response(ticket: Ticket, request: CompletionRequest, output: Sequence[Any] | None = None) -> dict[str, Any]:
    """Returns the response. `output`: its items, if they are known better than from the ticket's result."""
    result = read_result(ticket)
    status = _find_status(ticket, request, result)
    incomplete = result.incomplete_reason if status == "incomplete" else None
    if output is None:
        output = show_output(ticket.id, result, is_complete=status == "completed")
    return {
        **_describe(ticket, request),
        "status": status,
        "completed_at": _to_seconds(ticket.completed_at) if status == "completed" else None,
        "error": _show_error(ticket),
        "incomplete_details": None if incomplete is None else {"reason": incomplete},
        "output": list(output),
        **({} if ticket.result is None else {"usage": _show_usage(result.usage)}),
    }


def show_start(ticket: Ticket, request: CompletionRequest, status: str) -> dict[str, Any]:
    """Returns the response as it is before anything has been said."""
    return {
        **_describe(ticket, request),
        "status": status,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "output": [],
    }


def _describe(ticket: Ticket, request: CompletionRequest) -> dict[str, Any]:
    return {
        "id": response_id(ticket.id),
        "object": "response",
        "created_at": _to_seconds(ticket.created_at),
        "background": bool(request.echo.get("background")),
        "model": f"{ticket.provider}/{ticket.model}",
        **{name: request.echo.get(name, default) for name, default in _REPEATED.items()},
        **({"user": request.echo["user"]} if "user" in request.echo else {}),
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "service_tier": "default",
        "tool_choice": show_choice(request.tool_choice),
        "tools": show_tools(request.functions, request.built_in_tools),
        "top_logprobs": 0,
        "truncation": "disabled",
    }


def _find_status(ticket: Ticket, request: CompletionRequest, result: Result) -> str:
    match ticket.status:
        case TicketStatus.COMPLETED:
            return "incomplete" if result.incomplete_reason else "completed"
        case TicketStatus.FAILED:
            return "failed"
        case TicketStatus.CANCELLED:
            return "cancelled"
        case TicketStatus.PENDING if ticket.attempts == 0 and request.echo.get("background"):
            return "queued"
        case _:
            return "in_progress"


def _show_error(ticket: Ticket) -> dict[str, Any] | None:
    """Returns the error in one of the codes that OpenAI's clients know."""
    if ticket.status is not TicketStatus.FAILED:
        return None
    error = error_of(ticket)
    code = "invalid_prompt" if error.code == "context_length_exceeded" else "server_error"
    return {"code": code, "message": error.message}


def show_output(ticket_id: str, result: Result, *, is_complete: bool) -> list[dict[str, Any]]:
    """Returns the items of an answer: the model's thoughts, its message, and its calls of functions."""
    status = "completed" if is_complete else "incomplete"
    items: list[dict[str, Any]] = []
    if result.reasoning:
        items.append(reasoning_item(item_id("rs", ticket_id), result.reasoning))
    if any(result.split()):
        items.append(_message_of(ticket_id, result, status))
    items += [
        call_item(item_id("fc", ticket_id, number), call, "completed") for number, call in enumerate(result.calls)
    ]
    return items


def _message_of(ticket_id: str, result: Result, status: str) -> dict[str, Any]:
    text, refusal = result.split()
    item = message_item(item_id("msg", ticket_id), text or None, status, result.citations)
    if refusal:
        item["content"].append(refusal_part(refusal))
    return item


def reasoning_item(id_: str, text: str | None) -> dict[str, Any]:
    """Returns the item with a model's thoughts, None before there are any."""
    summary = [] if text is None else [{"type": "summary_text", "text": text}]
    return {"id": id_, "type": "reasoning", "summary": summary}


def message_item(id_: str, text: str | None, status: str, annotations: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Returns the item with the answer's text, None before there is any."""
    content = [] if text is None else [text_part(text, annotations)]
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(text: str, annotations: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Returns the part of a message with its text."""
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def refusal_part(text: str) -> dict[str, Any]:
    """Returns the part of a message with what the model says instead of an answer."""
    return {"type": "refusal", "refusal": text}


def call_item(id_: str, call: Call, status: str, arguments: str | None = None) -> dict[str, Any]:
    """Returns the item with a call of a function. `arguments` replaces those of the call."""
    return {
        "id": id_,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments if arguments is None else arguments,
    }


def _show_usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_tokens,
    }


def _to_seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
