"""Turns what is said into the events of a response's stream.

The same parts become the same events with the same numbers whenever the stream is read again, so a client that was
disconnected continues after the last number that it has.
"""

from collections.abc import Sequence
from typing import Any

from shared.models.chat import TicketStatus
from shared.models.conversation import CompletionRequest
from shared.models.openai_api.ids import item_id
from shared.models.part import Delta, PartKind
from shared.models.ticket import Ticket
from shared.services.openai_api.responses import (
    call_item,
    message_item,
    reasoning_item,
    refusal_part,
    show_response,
    show_start,
    text_part,
)
from shared.services.openai_api.results import Call, read_calls, read_result

EVENTS_PER_PART = 1_000
"""More events than a part becomes. The numbers of an attempt's events are higher than those of the attempt before."""
Event = dict[str, Any]


class EventWriter:
    """Writes the events of one stream."""

    def __init__(self, ticket: Ticket, request: CompletionRequest) -> None:
        self._ticket = ticket
        self._request = request
        self._number = self._before = -1
        self._output: list[dict[str, Any]] = []
        self._counts = {"rs": 0, "msg": 0, "fc": 0}
        self._open: PartKind | None = None
        self._id = ""
        self._text = ""
        self.characters = 0
        """How many characters of content have been said."""

    @property
    def has_said(self) -> bool:
        """Whether the client has anything that cannot be taken back."""
        return bool(self._output) or self._open is not None

    def begin(self) -> list[Event]:
        """Returns the events before the answer."""
        kinds = (
            ["created", "queued", "in_progress"] if self._request.echo.get("background") else ["created", "in_progress"]
        )
        status = "queued" if "queued" in kinds else "in_progress"
        events = [
            self._event(
                f"response.{kind}",
                response=show_start(self._ticket, self._request, "in_progress" if kind == "in_progress" else status),
            )
            for kind in kinds
        ]
        self._before = self._number
        return events

    def is_lost(self, after: int) -> bool:
        """Whether a client that has the events up to this number has some of an answer that was begun again since."""
        return self._before < after <= self._number

    def has_begun_before(self, number: int) -> bool:
        """Whether an event with this number belongs to the answer itself."""
        return number > self._before

    def start_at(self, base: int) -> None:
        """Numbers the events of an answer whose parts begin after this number. A later attempt has a higher one.

        Has no effect on an answer that has begun.
        """
        if not self.has_said:
            self._number = self._before + base * EVENTS_PER_PART

    def say(self, delta: Delta) -> list[Event]:
        """Returns the events of the next piece."""
        if delta.kind is PartKind.TOOL:
            return self._call(read_calls(delta.tool_calls, self._ticket.id, self._counts["fc"]))
        events = [] if self._open is delta.kind else [*self._close(), *self._open_item(delta.kind)]
        self._text += delta.text
        if delta.kind is PartKind.REASONING:
            where = {"item_id": self._id, "output_index": len(self._output), "summary_index": 0}
            return [*events, self._event("response.reasoning_summary_text.delta", **where, delta=delta.text)]
        self.characters += len(delta.text)
        return [*events, self._event("response.output_text.delta", **self._place(), delta=delta.text, logprobs=[])]

    def end(self, ticket: Ticket) -> list[Event]:
        """Returns the events that end the stream, with what has not been said of a complete answer."""
        result = read_result(ticket)
        text, refusal = result.split(self.characters)
        events: list[Event] = []
        if ticket.error is None and (rest := text[self.characters :]):
            events += self.say(Delta(PartKind.CONTENT, rest))
        is_whole = ticket.status is TicketStatus.COMPLETED and result.incomplete_reason is None
        status = "completed" if is_whole else "incomplete"
        if ticket.error is None and refusal:
            events += self._refuse(refusal, result.citations, status)
        else:
            events += self._close(result.citations, status)
        if ticket.error is None and (missing := result.calls[self._counts["fc"] :]):
            events += self._call(missing)
        response = show_response(ticket, self._request, self._output)
        kind = response["status"] if response["status"] in ("completed", "incomplete") else "failed"
        return [*events, self._event(f"response.{kind}", response=response)]

    def fail(self, code: str | None, message: str) -> list[Event]:
        """Returns the event that ends a stream whose answer the client cannot get here."""
        return [self._event("error", code=code, message=message, param=None)]

    def _open_item(self, kind: PartKind) -> list[Event]:
        self._open, self._text = kind, ""
        if kind is PartKind.REASONING:
            self._id = self._next_id("rs")
            return [
                self._event(
                    "response.output_item.added", output_index=len(self._output), item=reasoning_item(self._id, None)
                ),
                self._event(
                    "response.reasoning_summary_part.added",
                    item_id=self._id,
                    output_index=len(self._output),
                    summary_index=0,
                    part={"type": "summary_text", "text": ""},
                ),
            ]
        self._id = self._next_id("msg")
        item = message_item(self._id, None, "in_progress")
        return [
            self._event("response.output_item.added", output_index=len(self._output), item=item),
            self._event("response.content_part.added", **self._place(), part=text_part("")),
        ]

    def _close(self, annotations: Sequence[dict[str, Any]] = (), status: str = "completed") -> list[Event]:
        """Returns the events that end the open item, if there is one."""
        kind, self._open = self._open, None
        index = len(self._output)
        if kind is None:
            return []
        if kind is PartKind.REASONING:
            item = reasoning_item(self._id, self._text)
            where = {"item_id": self._id, "output_index": index, "summary_index": 0}
            part = {"type": "summary_text", "text": self._text}
            events = [
                self._event("response.reasoning_summary_text.done", **where, text=self._text),
                self._event("response.reasoning_summary_part.done", **where, part=part),
            ]
        else:
            item = message_item(self._id, self._text, status, annotations)
            events = self._end_text(annotations)
        self._output.append(item)
        return [*events, self._event("response.output_item.done", output_index=index, item=item)]

    def _end_text(self, annotations: Sequence[dict[str, Any]]) -> list[Event]:
        """Returns the events that end the text of the open message."""
        events = [
            self._event(
                "response.output_text.annotation.added", **self._place(), annotation_index=number, annotation=annotation
            )
            for number, annotation in enumerate(annotations)
        ]
        return [
            *events,
            self._event("response.output_text.done", **self._place(), text=self._text, logprobs=[]),
            self._event("response.content_part.done", **self._place(), part=text_part(self._text, annotations)),
        ]

    def _refuse(self, refusal: str, annotations: Sequence[dict[str, Any]], status: str) -> list[Event]:
        """Returns the events of what the model said instead of an answer, or after its text."""
        if self._open is PartKind.CONTENT:
            events = self._end_text(annotations)
            item = message_item(self._id, self._text, status, annotations)
        else:
            events = self._close()
            self._id = self._next_id("msg")
            item = message_item(self._id, None, status)
            begun = message_item(self._id, None, "in_progress")
            events.append(self._event("response.output_item.added", output_index=len(self._output), item=begun))
        self._open = None
        where, part = self._place(len(item["content"])), refusal_part(refusal)
        item["content"].append(part)
        events += [
            self._event("response.content_part.added", **where, part=refusal_part("")),
            self._event("response.refusal.delta", **where, delta=refusal),
            self._event("response.refusal.done", **where, refusal=refusal),
            self._event("response.content_part.done", **where, part=part),
            self._event("response.output_item.done", output_index=len(self._output), item=item),
        ]
        self._output.append(item)
        return events

    def _call(self, calls: Sequence[Call]) -> list[Event]:
        events = self._close()
        for call in calls:
            id_, index = self._next_id("fc"), len(self._output)
            where = {"item_id": id_, "output_index": index}
            item = call_item(id_, call, "completed")
            events += [
                self._event(
                    "response.output_item.added", output_index=index, item=call_item(id_, call, "in_progress", "")
                ),
                self._event("response.function_call_arguments.delta", **where, delta=call.arguments),
                self._event("response.function_call_arguments.done", **where, name=call.name, arguments=call.arguments),
                self._event("response.output_item.done", output_index=index, item=item),
            ]
            self._output.append(item)
        return events

    def _place(self, content_index: int = 0) -> dict[str, Any]:
        return {"item_id": self._id, "output_index": len(self._output), "content_index": content_index}

    def _next_id(self, kind: str) -> str:
        number = self._counts[kind]
        self._counts[kind] += 1
        return item_id(kind, self._ticket.id, number)

    def _event(self, kind: str, **fields: Any) -> Event:
        self._number += 1
        return {"type": kind, "sequence_number": self._number, **fields}
