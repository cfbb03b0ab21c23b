"""Shows tickets as chat completions: as a whole, and as the chunks of a stream."""

from collections.abc import Sequence
from typing import Any

from shared.models.chat import TicketStatus, Usage
from shared.models.openai_api.ids import completion_id
from shared.models.part import Delta, PartKind
from shared.models.ticket import Ticket
from shared.services.openai_api.results import Call, Result, error_of, read_calls, read_result


def show_completion(ticket: Ticket) -> dict[str, Any]:
    """Returns the completion. Raises the ticket's error if it has no result."""
    if ticket.status is not TicketStatus.COMPLETED:
        raise error_of(ticket)
    result = read_result(ticket)
    choice = {"index": 0, "message": _show_message(result), "logprobs": None, "finish_reason": result.finish_reason}
    return {**_describe(ticket, "chat.completion"), "choices": [choice], "usage": _show_usage(result.usage)}


def _show_message(result: Result) -> dict[str, Any]:
    text, refusal = result.split()
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if not text and (refusal or result.calls) else text,
        "refusal": refusal or None,
        "annotations": [_nest(citation) for citation in result.citations],
    }
    if result.reasoning:
        message["reasoning_content"] = result.reasoning
    if result.calls:
        message["tool_calls"] = [_show_call(call) for call in result.calls]
    return message


def _show_call(call: Call) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _nest(citation: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in citation.items() if name != "type"}
    return {"type": "url_citation", "url_citation": fields}


def _describe(ticket: Ticket, kind: str) -> dict[str, Any]:
    return {
        "id": completion_id(ticket.id),
        "object": kind,
        "created": int(ticket.created_at.timestamp()),
        "model": f"{ticket.provider}/{ticket.model}",
        "service_tier": "default",
    }


def _show_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


class ChunkWriter:
    """Turns what is said into chunks. `include_usage`: whether a last chunk has the usage, and all others null."""

    def __init__(self, ticket: Ticket, *, include_usage: bool) -> None:
        self._head = _describe(ticket, "chat.completion.chunk")
        self._ticket_id = ticket.id
        self._include_usage = include_usage
        self._calls = 0
        self._characters = 0

    @property
    def has_said(self) -> bool:
        """Whether the client has anything that cannot be taken back."""
        return bool(self._characters or self._calls)

    def begin(self) -> list[dict[str, Any]]:
        """Returns the first chunk."""
        return [self._chunk({"role": "assistant", "content": "", "refusal": None})]

    def say(self, delta: Delta) -> list[dict[str, Any]]:
        """Returns the next chunk. Thoughts are `reasoning_content`."""
        match delta.kind:
            case PartKind.TOOL:
                return [self._chunk({"tool_calls": self._show_calls(delta.tool_calls)})]
            case PartKind.REASONING:
                return [self._chunk({"reasoning_content": delta.text})]
            case PartKind.CONTENT:
                self._characters += len(delta.text)
                return [self._chunk({"content": delta.text})]

    def end(self, ticket: Ticket) -> list[dict[str, Any]]:
        """Returns the last chunks of an answer that is complete, with what has not been said of it."""
        result = read_result(ticket)
        chunks: list[dict[str, Any]] = []
        text, refusal = result.split(self._characters)
        if rest := text[self._characters :]:
            chunks += self.say(Delta(PartKind.CONTENT, rest))
        if refusal:
            chunks.append(self._chunk({"refusal": refusal}))
        if missing := result.calls[self._calls :]:
            chunks += self.say(Delta(PartKind.TOOL, tool_calls=[_show_call(call) for call in missing]))
        chunks.append(self._chunk({}, result.finish_reason))
        if self._include_usage:
            chunks.append({**self._head, "choices": [], "usage": _show_usage(result.usage)})
        return chunks

    def _show_calls(self, calls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        shown = [
            {"index": index, **_show_call(call)}
            for index, call in enumerate(read_calls(calls, self._ticket_id, self._calls), start=self._calls)
        ]
        self._calls += len(shown)
        return shown

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return {**self._head, "choices": [choice], **usage}
