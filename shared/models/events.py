"""The events of a ticket that is watched: what a client receives while the answer is being given."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from shared.models.agent_run import Run, Step
from shared.models.chat import ChatResponse, TicketStatus
from shared.models.journal import LogLine
from shared.models.part import Part
from shared.models.wire import SnakeModel, with_example

MAX_CURSOR = 2**53 - 1
"""The highest number that every JSON parser reads exactly."""
_LINE_ENDS = re.compile(b"\xc2\x85|\xe2\x80[\xa8\xa9]")
"""U+0085, U+2028 and U+2029, which JSON leaves as they are, and which some clients mistake for the end of a line."""


class EventName(StrEnum):
    """The kinds of events."""

    DELTA = "delta"
    TOOL = "tool"
    STATUS = "status"
    STEP = "step"
    LOG = "log"
    DONE = "done"


class DeltaEvent(SnakeModel):
    """The data of `delta`: the next piece of the answer's `content`, or of its `reasoning`."""

    model_config = with_example(content="The capital of ")

    content: str | None = None
    reasoning: str | None = None


class ToolEvent(SnakeModel):
    """The data of `tool`: calls that are left to the caller, in the format of OpenAI's chat API."""

    tool_calls: list[dict[str, Any]]


class StatusEvent(SnakeModel):
    """The data of `status`. With `restart`, all earlier deltas are void, because the answer begins again."""

    model_config = with_example(status="processing", attempt=1)

    status: TicketStatus
    attempt: int
    restart: bool | None = None


@dataclass(frozen=True)
class Event:
    """An event. `id`: the cursor with which a client continues after it, None if the cursor stays as it is.

    `data`: JSON on one line, in UTF-8. `is_news`: whether it reports anything but the state in which the client found
    the ticket.
    """

    id: int | None
    name: EventName
    data: bytes
    is_news: bool = True


def part_event(part: Part) -> Event:
    """Returns the event of a part."""
    if part.tool_calls is not None:
        return Event(part.n, EventName.TOOL, _write(ToolEvent(tool_calls=part.tool_calls)))
    return Event(part.n, EventName.DELTA, _write(DeltaEvent(content=part.content, reasoning=part.reasoning)))


def delta_event(id_: int, content: str) -> Event:
    """Returns an event with a piece of the content."""
    return Event(id_, EventName.DELTA, _write(DeltaEvent(content=content)))


def status_event(id_: int | None, status: StatusEvent, *, is_news: bool) -> Event:
    """Returns an event that reports the ticket's status."""
    return Event(id_, EventName.STATUS, _write(status), is_news)


def step_event(step: Step) -> Event:
    """Returns the event of a run's step."""
    return Event(None, EventName.STEP, _write(step))


def log_event(line: LogLine) -> Event:
    """Returns the event of a line that a run has printed."""
    return Event(None, EventName.LOG, _write(line))


def done_event(id_: int, data: bytes) -> Event:
    """Returns the last event. `data`: see `done_data`."""
    return Event(id_, EventName.DONE, data)


def done_data(response: ChatResponse | Run) -> bytes:
    """Returns the data of the last event."""
    return to_line(response)


def to_line(data: Any) -> bytes:
    """Returns any data as JSON on one line, also for clients that know more line ends than there are in JSON."""
    return _escape(to_json(data))


def _write(data: BaseModel) -> bytes:
    return _escape(to_json(data, exclude_none=True))


def _escape(text: bytes) -> bytes:
    return _LINE_ENDS.sub(lambda match: b"\\u%04x" % ord(match[0].decode()), text)
