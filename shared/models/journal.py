"""A run's journal as it is stored: what the run has done outside the sandbox, so that it can continue after it stopped.

The journal is a text of lines, each a record in JSON (`shared.services.agents.journal`). It is only ever appended to:
each commit stores the next piece of the text as a segment, in a document of its own, together with what the run's owner
may see of it.
"""

from datetime import datetime

from pydantic import TypeAdapter

from shared.models.agent_run import Step
from shared.models.part import parts_before
from shared.models.wire import SnakeModel

MAX_SEGMENT_BYTES = 700_000
"""The maximum size of a segment's text. Firestore limits a document to 1,048,576 bytes."""


class LogLine(SnakeModel):
    """A line that the run printed. `at`: when, on the run's own clock."""

    at: datetime
    text: str


steps_of: TypeAdapter[list[Step]] = TypeAdapter(list[Step])
lines_of: TypeAdapter[list[LogLine]] = TypeAdapter(list[LogLine])


class Segment(SnakeModel):
    """A piece of the journal. `n`: its number, which grows, also from one attempt to the next.

    `steps`: the steps that have begun or ended. A step with the same `call` as an earlier one replaces it. `logs`: the
    lines printed since the segment before.
    """

    n: int
    attempt: int
    text: str
    steps: list[Step] = []
    logs: list[LogLine] = []


def first_segment(attempt: int) -> int:
    """Returns the number of the first segment that this attempt writes."""
    return parts_before(attempt) + 1
