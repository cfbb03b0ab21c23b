"""Follows a ticket: turns what its feed has into the events of one reader, from the reader's cursor on.

A reader first gets the ticket's status, then an event for each part, and `done` at the end. The contents that it gets,
joined, are the content of the result. If they cannot be, because the parts have expired or the ticket never had any, a
reader that began at the beginning gets the missing rest in one piece.

If another attempt begins, or parts become void, the answer begins again: `status` says so with `restart`.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from shared.models.chat import ChatResult
from shared.models.events import Event, StatusEvent, delta_event, done_event, status_event
from shared.models.ticket import Ticket
from shared.services.chat.feeds import Feed, Piece, join_feed
from shared.store import Database

Batches = AsyncIterator[list[Event]]
MAX_BATCH = 256_000
"""The size from which on a batch takes no more events. A reader keeps only one batch in memory."""


@asynccontextmanager
async def follow(database: Database, ticket: Ticket, after: int) -> AsyncGenerator[Batches]:
    """Returns the ticket's events after a cursor, in batches, as they come. The first batch comes at once.

    The batches end after `done`, or without it if the ticket is deleted. Raises `Unavailable` if the process has too
    many readers, and `TooManyRequests` if the ticket's owner has. The ticket's changes and its parts cost one read
    each, however many readers follow it in this process.
    """
    with join_feed(database, ticket, after) as feed:
        async with aclosing(_Reader(feed, after).read()) as batches:
            yield batches


class _Reader:
    """A reader of a feed. `_cursor`: the number of the last part that the client has.

    `_start`: the parts before it are void. `_is_whole`: whether the client has all parts from there up to the cursor.
    `_characters`: how many characters of content these parts had.
    """

    def __init__(self, feed: Feed, after: int) -> None:
        self._feed = feed
        self._cursor = after
        self._start: int | None = None
        self._is_whole = False
        self._characters = 0
        self._shown: tuple[str, int] | None = None
        self._is_done = False

    async def read(self) -> AsyncGenerator[list[Event]]:
        while not self._is_done:
            changed = self._feed.changed
            ticket = self._feed.ticket
            if ticket is None:
                return
            if batch := self._collect(ticket):
                yield batch
            else:
                await changed.wait()

    def _collect(self, ticket: Ticket) -> list[Event]:
        batch = self._report_status(ticket)
        if not ticket.status.finished:
            return batch + self._take(self._feed.after(self._cursor))
        return batch + self._end(ticket) if self._feed.is_complete else batch

    def _report_status(self, ticket: Ticket) -> list[Event]:
        """Reports a changed status, and begins again if what the client has may be void."""
        is_first = self._start is None
        start, before = ticket.parts_start, self._cursor
        if self._start is None:
            is_moved = before < start or before == start == ticket.void_parts > 0
        else:  # parts after the new start may have come before the ticket
            is_moved = start != self._start
        if is_moved:
            self._begin(start)
        elif is_first:
            self._is_whole = before == start
        self._start = start
        shown, self._shown = self._shown, (ticket.status.value, ticket.attempts)
        is_restart = is_moved and before > 0
        if not is_restart and (shown == self._shown or ticket.status.finished):
            return []
        status = StatusEvent(status=ticket.status, attempt=ticket.attempts, restart=is_restart or None)
        return [status_event(start if is_moved else None, status, is_news=not is_first)]

    def _begin(self, start: int) -> None:
        self._cursor, self._is_whole, self._characters = start, True, 0

    def _take(self, pieces: list[Piece]) -> list[Event]:
        events: list[Event] = []
        size = 0
        for piece in pieces:
            if size >= MAX_BATCH:
                break
            events.append(piece.event)
            size += len(piece.event.data)
            self._cursor = piece.n
            self._characters += piece.characters
        return events

    def _end(self, ticket: Ticket) -> list[Event]:
        """Returns the next events of a ticket that has ended, whose feed is complete."""
        if ticket.result is None:
            return [self._finish(ticket, max(self._cursor, ticket.last_part))]
        if ticket.last_part <= ticket.parts_start:
            return self._end_without_parts(ticket, ticket.result)
        last = ticket.last_part
        if self._cursor >= last:
            return [self._finish(ticket, last)]
        if self._feed.has_all(self._cursor, last):
            events = self._take([piece for piece in self._feed.after(self._cursor) if piece.n <= last])
            return [*events, self._finish(ticket, last)] if self._cursor == last else events
        rest = ticket.result.content[self._characters :] if self._is_whole else ""
        return [*([delta_event(last, rest)] if rest else []), self._finish(ticket, last)]

    def _end_without_parts(self, ticket: Ticket, result: ChatResult) -> list[Event]:
        """The whole content counts as the first part. What came before it, if anything, does not belong to it."""
        start = ticket.parts_start
        last = start + 1 if result.content else start
        done = self._finish(ticket, last)
        if not self._is_whole:
            return [done]
        events: list[Event] = []
        if self._cursor > start:
            status = StatusEvent(status=ticket.status, attempt=ticket.attempts, restart=True)
            events.append(status_event(start, status, is_news=True))
        return [*events, *([delta_event(last, result.content)] if result.content else []), done]

    def _finish(self, ticket: Ticket, last: int) -> Event:
        self._is_done = True
        return done_event(last, self._feed.done(ticket))
