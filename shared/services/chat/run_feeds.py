"""Feeds of runs: what a process knows of the runs that are watched, however many watch each of them.

A feed has the run's ticket and the events of its journal's segments. The segments of all attempts count, because a run
that was interrupted continues. Their numbers may have gaps, which an attempt that died has left.
"""

import asyncio
from bisect import bisect_right
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from shared.models.agent_run import Step
from shared.models.errors import Unavailable
from shared.models.events import Event, done_data, log_event, step_event
from shared.models.journal import LogLine, Segment
from shared.models.ticket import Ticket
from shared.services.chat import feeds
from shared.services.chat.run_views import NumberedSteps, RunViews
from shared.services.chat.ticket_feed import TicketFeed
from shared.store import Database

_PAGE = 300
_RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class SegmentEvents:
    """The events of the segment `n`. The last one has this number as its id."""

    n: int
    events: list[Event]

    @property
    def size(self) -> int:
        """The size of their data."""
        return sum(len(event.data) for event in self.events)


class RunFeed(TicketFeed):
    """A run, and the events of its segments with higher numbers than `base`.

    Earlier segments are read, too, because the steps are numbered in the order in which they first appear.

    `is_full`: whether the feed takes no more. Readers that have got what it has leave, and continue with another feed.
    """

    def __init__(self, views: RunViews, database: Database, ticket: Ticket, base: int) -> None:
        super().__init__(database, ticket)
        self.base = base
        self.done = b""
        """The data of `done`, when the feed is complete."""
        self._views = views
        self._watch = ExitStack()
        self._start: asyncio.Task[None] | None = None
        self._reset()

    def _reset(self) -> None:
        self.is_full = False
        self.last = 0
        """The number of the last segment that was read."""
        self._steps = NumberedSteps()
        self._segments: list[SegmentEvents] = []
        self._bytes = 0

    @property
    def size(self) -> int:
        """See `TicketFeed`."""
        return self._bytes + len(self.done)

    def cover(self, after: int) -> None:
        """See `TicketFeed`."""
        if self.ticket is None or after >= self.base:
            return
        self.base = after
        self._stop_listening()
        self._reset()
        if self.ticket.status.finished:
            self._complete(self.ticket)
        else:
            self._listen()

    def close(self) -> None:
        """See `TicketFeed`."""
        super().close()
        self._stop_listening()
        self._segments = []

    def after(self, n: int) -> list[SegmentEvents]:
        """Returns the segments after this number that have events."""
        return self._segments[bisect_right(self._segments, n, key=lambda segment: segment.n) :]

    def _take_version(self, ticket: Ticket) -> None:
        """Does nothing: no version of the ticket makes segments void."""

    def _listen(self) -> None:
        self._start = asyncio.create_task(self._begin())

    def _stop_listening(self) -> None:
        self._watch.close()
        if self._start is not None:
            self._start.cancel()

    async def _begin(self) -> None:
        """Reads what there is without the segments' text, and then listens."""
        await self._catch_up()
        self._watch.enter_context(self._database.journals.watch(self.id, self.last, self._take))

    async def _read_rest(self, ticket: Ticket) -> None:
        self._stop_listening()
        await self._catch_up()
        while True:
            try:
                self.done = done_data(await self._views.show(ticket))
                return
            except Unavailable:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _catch_up(self) -> None:
        while not self.is_full:
            try:
                async with self._database.raising_unavailable():
                    segments = await self._database.journals.read_after(self.id, self.last, _PAGE)
            except Unavailable:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            for segment in segments:
                self._take(segment)
            if len(segments) < _PAGE:
                return

    def _take(self, segment: Segment) -> None:
        if segment.n <= self.last or self.is_full:
            return
        found = _to_events(segment, self._steps.number(segment.steps))
        self.is_full = self._bytes > feeds.MAX_BYTES
        if self.is_full:
            self._watch.close()
        else:
            self.last = segment.n
            if found.events and segment.n > self.base:
                self._segments.append(found)
                self._bytes += found.size
        self._announce()


def make_run_feed(views: RunViews) -> "partial[RunFeed]":
    """Returns the function that creates feeds."""
    return partial(RunFeed, views)


def _to_events(segment: Segment, steps: list[Step]) -> SegmentEvents:
    """Returns the segment's events in the order of their times."""
    entries: list[LogLine | Step] = [*segment.logs, *steps]
    entries.sort(key=lambda entry: entry.at if isinstance(entry, LogLine) else entry.ended_at or entry.started_at)
    events = [log_event(entry) if isinstance(entry, LogLine) else step_event(entry) for entry in entries]
    if events:
        events[-1] = replace(events[-1], id=segment.n)
    return SegmentEvents(segment.n, events)
