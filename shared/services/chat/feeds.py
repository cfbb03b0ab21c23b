"""Feeds: what a process knows of the tickets that are watched, however many watch each of them.

A feed has the ticket and the parts that count, in one list. Readers look into it at their own pace
(`shared.services.chat.following`), so a slow one costs nothing. A feed listens to the database while its ticket is
unfinished, and is closed when its last reader leaves.
"""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from shared.log import get_logger
from shared.models.chat import ChatResult
from shared.models.errors import TooManyRequests, Unavailable
from shared.models.events import Event, done_data, part_event
from shared.models.part import Part
from shared.models.ticket import Ticket, to_chat_response
from shared.per_loop import per_loop
from shared.services.chat.ticket_feed import TicketFeed
from shared.services.request_shares import share
from shared.store import Database

MAX_READERS = 200
"""The maximum number of readers in a process. The function serves more requests, so others still find their place."""
MAX_READERS_PER_USER = 20
MAX_BYTES = 4_000_000
"""The maximum size of a feed's parts. The result of a ticket is much smaller, so they are, too."""
MAX_TOTAL_BYTES = 120_000_000
"""The size of all feeds from which on a process opens no more."""
MAX_BYTES_PER_USER = 16_000_000
"""The same for the feeds of a user's tickets."""
LAST_PARTS_SECONDS = 1.0
"""How long a finished ticket's last parts may take. They are written together with its end."""
_RETRY_SECONDS = 1.0
_PAGE = 300
_log = get_logger("chat")
F = TypeVar("F", bound=TicketFeed)


@dataclass(frozen=True)
class Piece:
    """A part in a feed. `characters`: the length of its content."""

    n: int
    attempt: int
    event: Event
    characters: int


class Feed(TicketFeed):
    """A ticket and its parts with higher numbers than `base`."""

    def __init__(self, database: Database, ticket: Ticket, base: int) -> None:
        super().__init__(database, ticket)
        self.base = max(base, ticket.parts_start)
        self._pieces: list[Piece] = []
        self._bytes = 0
        self._done: bytes | None = None
        self._has_listened = False
        self._part_watch = ExitStack()

    @property
    def size(self) -> int:
        """About how many bytes the feed takes, or will take when it has read what it needs.

        A result is in memory as text and in `done`, and its parts are at least as long.
        """
        length = 0 if self.ticket is None or self.ticket.result is None else _measure_result(self.ticket.result)
        return length + max(length, len(self._done or b"")) + max(length, self._bytes)

    def done(self, ticket: Ticket) -> bytes:
        """Returns the data of `done`, which all readers share."""
        if self._done is None:
            self._done = done_data(to_chat_response(ticket))
        return self._done

    def close(self) -> None:
        """Stops everything, and forgets the parts."""
        super().close()
        self._part_watch.close()
        self._pieces = []

    def cover(self, after: int) -> None:
        """Makes sure that the feed has the parts after this number, for another reader."""
        if self.ticket is None or after >= self.base or self.base <= self.ticket.parts_start:
            return
        self.base = max(after, self.ticket.parts_start)
        self._pieces, self._bytes = [], 0
        if self.ticket.status.finished:
            self._complete(self.ticket)
        else:
            self._listen()

    def after(self, n: int) -> list[Piece]:
        """Returns the parts after this number that count, in their order, up to the first that is missing."""
        if self.ticket is None:
            return []
        attempt, last = self.ticket.attempts, max(n, self.ticket.parts_start)
        found: list[Piece] = []
        for piece in self._pieces[bisect_right(self._pieces, last, key=lambda piece: piece.n) :]:
            if piece.attempt == attempt:
                if piece.n != last + 1:
                    break
                found.append(piece)
                last = piece.n
        return found

    def has_all(self, after: int, last: int) -> bool:
        """Whether the feed has each part after one number, up to another."""
        return sum(piece.n <= last for piece in self.after(after)) == last - after

    def _listen(self) -> None:
        self._has_listened = True
        self._part_watch.close()
        self._part_watch.enter_context(self._database.parts.watch(self.id, self.base, self._on_part))

    def _on_part(self, part: Part) -> None:
        piece = _to_piece(part)
        self._bytes += len(piece.event.data)
        if self._bytes > MAX_BYTES:
            _log.error("A feed is too large", extra={"fields": {"ticket": self.id}})
            self._part_watch.close()
            return
        self._pieces.append(piece)
        self._announce()

    def _take_version(self, ticket: Ticket) -> None:
        self._done = None
        start = ticket.parts_start
        if self._pieces and self._pieces[0].n <= start:
            self._pieces = [piece for piece in self._pieces if piece.n > start]
            self._bytes = _measure(self._pieces)

    async def _read_rest(self, ticket: Ticket) -> None:
        """Waits for the last parts of the result if the feed listens. If they do not come, or otherwise, reads them."""
        after, last = max(self.base, ticket.parts_start), ticket.last_part
        if ticket.result is not None and last > after:
            if self._has_listened:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAST_PARTS_SECONDS):
                        while not self.has_all(after, last):
                            await self.changed.wait()
            if not self.has_all(after, last) and self._bytes <= MAX_BYTES:
                self._pieces = await self._read(after)
                self._bytes = _measure(self._pieces)
        self._part_watch.close()

    async def _read(self, after: int) -> list[Piece]:
        """Reads the parts after this number, as often as necessary. Stops at the feed's maximum size."""
        pieces: list[Piece] = []
        size = 0
        while size <= MAX_BYTES:
            try:
                async with self._database.raising_unavailable():
                    parts = await self._database.parts.list(self.id, pieces[-1].n if pieces else after, _PAGE)
            except Unavailable:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            pieces += [_to_piece(part) for part in parts]
            size = _measure(pieces)
            if len(parts) < _PAGE:
                break
        return pieces


def _measure(pieces: list[Piece]) -> int:
    return sum(len(piece.event.data) for piece in pieces)


def _measure_result(result: ChatResult) -> int:
    """Returns the length of its content and its reasoning, which make up almost all of it."""
    thoughts = cast("dict[str, Any]", result.thoughts) if isinstance(result.thoughts, dict) else {}
    reasoning = thoughts.get("reasoning")
    return len(result.content) + (len(reasoning) if isinstance(reasoning, str) else 0)


def _to_piece(part: Part) -> Piece:
    return Piece(part.n, part.attempt, part_event(part), len(part.content or ""))


@dataclass
class _Open:
    """The open feeds of a process, and the number of readers of each."""

    feeds: dict[str, TicketFeed] = field(default_factory=dict[str, TicketFeed])
    readers: Counter[str] = field(default_factory=Counter[str])

    def check_size(self, owner: str) -> None:
        """Raises `Unavailable` if the feeds take too much memory, and `TooManyRequests` if those of this user do."""
        if sum(feed.size for feed in self.feeds.values()) >= MAX_TOTAL_BYTES:
            raise Unavailable("Too many long answers are being watched here. Try again.", retry_after=5)
        if sum(feed.size for feed in self.feeds.values() if feed.owner == owner) >= MAX_BYTES_PER_USER:
            raise TooManyRequests(
                "You are watching too many long answers. Send this request again when one of them ends.", retry_after=5
            )


@per_loop
def open_feeds(project: str) -> _Open:
    """Returns the running loop's open feeds."""
    del project  # the key
    return _Open()


@contextmanager
def join_feed(database: Database, ticket: Ticket, after: int) -> Generator[Feed]:
    """Returns the feed of a ticket's parts, for a reader that needs those after a number. See `join`."""
    with join(database, ticket, after, Feed) as feed:
        yield feed


@contextmanager
def join(database: Database, ticket: Ticket, after: int, open_: Callable[[Database, Ticket, int], F]) -> Generator[F]:
    """Returns the ticket's feed, for a reader that needs what comes after a number. It is open in the block.

    `open_` creates it. A process has feeds of one kind only, because each kind belongs to another function. Raises
    `Unavailable` if the process has too many readers or too long answers, and `TooManyRequests` if the ticket's owner
    has.
    """
    opened = open_feeds(database.project)
    if opened.readers.total() >= MAX_READERS:
        raise Unavailable("Too many tickets are being watched here. Try again.", retry_after=5)
    with share(database.project, "events", ticket.owner, MAX_READERS_PER_USER):
        feed = opened.feeds.get(ticket.id)
        if feed is None:
            opened.check_size(ticket.owner)
            feed = opened.feeds[ticket.id] = open_(database, ticket, after)
            feed.open()
        else:
            feed.cover(after)
        opened.readers[ticket.id] += 1
        try:
            yield cast("F", feed)
        finally:
            opened.readers[ticket.id] -= 1
            if not opened.readers[ticket.id]:
                del opened.readers[ticket.id], opened.feeds[ticket.id]
                feed.close()
