"""Follows a run: turns what its feed has into the events of one reader, from the reader's cursor on.

A reader first gets the run's status, then what the run does and prints, and `done` at the end. A run that was
interrupted continues, so what a reader has got never becomes void.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from shared.models.events import Event, StatusEvent, done_event, status_event
from shared.models.ticket import Ticket
from shared.services.chat.feeds import join
from shared.services.chat.following import MAX_BATCH, Batches
from shared.services.chat.run_feeds import RunFeed, make_run_feed
from shared.services.chat.run_views import RunViews


@asynccontextmanager
async def follow_run(views: RunViews, ticket: Ticket, after: int) -> AsyncGenerator[Batches]:
    """Returns the run's events after a cursor, in batches, as they come. The first batch comes at once.

    The batches end after `done`, or without it if the run is deleted, or if there is more than a feed can have; then
    the reader continues with its cursor. Raises what `join` raises. Each version of the ticket, and each segment, also
    before the cursor, costs one read, however many readers follow the run in this process.
    """
    with join(views.database, ticket, after, make_run_feed(views)) as feed:
        async with aclosing(_read(feed, after)) as batches:
            yield batches


async def _read(feed: RunFeed, after: int) -> AsyncGenerator[list[Event]]:
    cursor, shown = after, None
    while (ticket := feed.ticket) is not None:
        changed = feed.changed
        batch: list[Event] = []
        status = (ticket.status, ticket.attempts)
        if status != shown and not ticket.status.finished:
            event = StatusEvent(status=ticket.status, attempt=ticket.attempts)
            batch.append(status_event(None, event, is_news=shown is not None))
        shown = status
        size = 0
        for segment in feed.after(cursor):
            if size >= MAX_BATCH:
                break
            batch += segment.events
            size += segment.size
            cursor = segment.n
        if not feed.after(cursor):
            if feed.is_complete and not feed.is_full:
                yield [*batch, done_event(max(cursor, feed.last), feed.done)]
                return
            if feed.is_full:
                yield batch
                return
        if batch:
            yield batch
        else:
            await changed.wait()
