"""Reads results: the text, the thoughts, the calls of functions, the sources, and why the answer ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from shared.models.catalog import GOFANNON
from shared.models.chat import ChatResult, Usage
from shared.models.openai_api.errors import AnswerFailed, InvalidRequest
from shared.models.openai_api.ids import call_id
from shared.models.ticket import Ticket

_TOO_LONG = "This is too long for "
"""The beginning of the error of a ticket whose prompt is longer than its model reads (`shared.llm.diagnosis`)."""
_INVALID_INPUT = "The agent does not accept this input: "
"""The beginning of the error of a run whose input does not match the agent's schema (`shared.services.chat`)."""
CANCELLED_MESSAGE = "The request was cancelled. What it had used until then was charged."


@dataclass(frozen=True)
class Call:
    """A call of a function that is left to the caller. `arguments`: JSON, as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Result:
    """A result as the endpoints show it. `stop`: None for a usual end, or the reason.

    The thoughts of an agent's result are its own data, so they are not shown here.
    """

    content: str = ""
    reasoning: str = ""
    calls: Sequence[Call] = ()
    refusal: str = ""
    citations: Sequence[dict[str, Any]] = ()
    stop: str | None = None
    usage: Usage = field(default_factory=Usage)

    @property
    def finish_reason(self) -> str:
        """The `finish_reason` of a chat completion."""
        if self.stop in ("length", "content_filter"):
            return self.stop
        return "tool_calls" if self.calls else "stop"

    def split(self, said: int = 0) -> tuple[str, str]:
        """Returns the answer's text, and what the model said instead of an answer.

        `said`: how many characters have been shown as text, which cannot be taken back.
        """
        if self.stop != "refusal" or said or self.refusal:
            return self.content, self.refusal
        return "", self.content

    @property
    def incomplete_reason(self) -> str | None:
        """Why a response is incomplete, None if it is complete."""
        return {"length": "max_output_tokens", "content_filter": "content_filter"}.get(self.stop or "")


def read_result(ticket: Ticket) -> Result:
    """Returns the ticket's result, which is empty if there is none."""
    result = ticket.result
    if result is None:
        return Result()
    if ticket.provider == GOFANNON:
        return Result(content=result.content, usage=result.usage)
    thoughts = cast("dict[str, Any]", result.thoughts) if isinstance(result.thoughts, dict) else {}
    return Result(
        content=result.content,
        reasoning=str(thoughts.get("reasoning") or ""),
        calls=read_calls(thoughts.get("tool_calls") or [], ticket.id),
        refusal=str(thoughts.get("refusal") or ""),
        citations=_read_citations(result, thoughts),
        stop=thoughts.get("finish_reason"),
        usage=result.usage,
    )


def read_calls(calls: Sequence[dict[str, Any]], ticket_id: str, before: int = 0) -> list[Call]:
    """Returns calls in OpenAI's form. `before`: how many calls came before them.

    A call without an id gets one that is the same whenever it is shown.
    """
    found: list[Call] = []
    for number, call in enumerate(calls, start=before):
        function: dict[str, Any] = call.get("function") or {}
        id_ = call.get("id") or call_id(ticket_id, number)
        found.append(Call(str(id_), str(function.get("name") or ""), str(function.get("arguments") or "{}")))
    return found


def _read_citations(result: ChatResult, thoughts: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the citations of pages. One without a range belongs to the whole text."""
    return [
        {
            "type": "url_citation",
            "url": citation["url"],
            "title": citation.get("title") or citation["url"],
            "start_index": citation.get("start_index", 0),
            "end_index": citation.get("end_index", len(result.content)),
        }
        for citation in thoughts.get("citations") or []
        if citation.get("url")
    ]


def error_of(ticket: Ticket) -> AnswerFailed | InvalidRequest:
    """Returns the error of a ticket that has ended without an answer."""
    if ticket.error is None:
        return InvalidRequest(CANCELLED_MESSAGE, code="cancelled")
    if ticket.error.startswith(_TOO_LONG):
        return InvalidRequest(ticket.error, "messages", "context_length_exceeded")
    if ticket.error.startswith(_INVALID_INPUT):
        return InvalidRequest(f"{ticket.error} The fields of its input are those of 'agent_input'.", "agent_input")
    return AnswerFailed(ticket.error)
