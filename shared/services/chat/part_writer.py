"""Writes what a model says as numbered parts while it says it.

The first words are written almost at once. Then a write follows every 300 ms, or sooner once 2 KB are waiting, but
there are at most four writes a second. Every write creates documents, so none becomes hot, and the answers that a
process gives at the same time commit their parts together. What is left at the end is written with the result
(`Ending`).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared import clock
from shared.log import get_logger
from shared.models.chat import ChatResult
from shared.models.errors import Unavailable
from shared.models.part import Delta, Part, parts_before
from shared.models.ticket import Ticket
from shared.services.chat.texts import Texts, read_result
from shared.settings import Settings
from shared.store import Database, Transaction

_log = get_logger("answering")
WRITE_SECONDS = 0.3
"""The time between two writes."""
WRITE_BYTES = 2048
"""A write does not wait for that time if so many bytes are waiting."""
MAX_WRITES_PER_SECOND = 4
MAX_BYTES = 1_500_000
"""The maximum size of the deltas of an answer that is stored in parts while it is being given, and so of the parts that
wait during an outage: Firestore limits a commit to 10 MiB, and its emulator to 4 MiB. A result must fit into 1 MiB, so
longer answers fail, or lose their reasoning."""
KEPT_AFTER_END = timedelta(days=1)
"""How long parts are stored after their ticket has ended."""
_FIRST_SECONDS = 0.015
"""How long the first write waits. An answer that arrives all at once needs no write before its result."""
_RETRY_SECONDS = 1.0
_GROUP = "parts"
"""The parts that the answers in a process write at the same time are committed together."""
_CLOSING_SECONDS = 2.0


class Pace:
    """Decides when the next write is due. All times are in seconds, on the same clock."""

    def __init__(self) -> None:
        self._writes: deque[float] = deque(maxlen=MAX_WRITES_PER_SECOND)
        self._due_at = 0.0

    def begin(self, moment: float) -> None:
        """Notes that there is something to write for the first time."""
        self._due_at = moment + _FIRST_SECONDS

    def note(self, moment: float, writes: int) -> None:
        """Counts writes."""
        self._writes.extend([moment] * writes)
        self._due_at = moment + WRITE_SECONDS

    def postpone(self, moment: float) -> None:
        """Postpones the next write because one has failed."""
        self._due_at = moment + _RETRY_SECONDS

    def delay(self, moment: float, waiting_bytes: int) -> float:
        """Returns how long the next write has to wait."""
        due_at = moment if waiting_bytes >= WRITE_BYTES else self._due_at
        if len(self._writes) == MAX_WRITES_PER_SECOND:
            due_at = max(due_at, self._writes[0] + 1.0)
        return max(0.0, due_at - moment)


@dataclass(frozen=True)
class Ending:
    """What to write with a result: the parts that are missing, and the numbers that the ticket keeps.

    `uncertain`: parts that may have been written already.
    """

    parts: Sequence[Part] = ()
    uncertain: Sequence[Part] = ()
    last_part: int = 0
    void_parts: int = 0
    expire_after: timedelta = KEPT_AFTER_END

    async def write(self, database: Database, ended: Ticket, transaction: Transaction) -> Ticket:
        """Writes the parts, and returns the ticket with their numbers. One read for each uncertain part."""
        expire_at = clock.now() + self.expire_after
        await database.parts.add_missing_in(transaction, ended.id, self.uncertain, expire_at)
        database.parts.add_in(transaction, ended.id, self.parts, expire_at)
        return ended.with_parts(self.last_part, self.void_parts)


class PartWriter:
    """Writes the parts of one attempt at a ticket. It starts with the first delta, and must be closed.

    Its failures never decide the outcome of the attempt. Parts that may be incomplete become void.
    """

    def __init__(self, database: Database, ticket: Ticket, settings: Settings) -> None:
        self._database = database
        self._ticket = ticket
        self._expire_after = KEPT_AFTER_END + timedelta(seconds=settings.worker_timeout_seconds)
        self._last = parts_before(ticket.attempts)
        self._said = Texts()
        self._waiting = Texts()
        self._unwritten: list[Part] = []
        self._pace = Pace()
        self._changed = asyncio.Event()
        self._is_closed = False
        self._are_void = False
        self._task: asyncio.Task[None] | None = None

    def follow(self, delta: Delta) -> None:
        """Takes the next delta."""
        if self._is_closed or self._are_void:
            return
        if self._task is None:
            self._pace.begin(asyncio.get_running_loop().time())
            self._task = asyncio.create_task(self._run())
        is_first = not self._waiting
        self._said.add(delta)
        self._waiting.add(delta)
        if self._said.size > MAX_BYTES:
            self._give_up()
        elif is_first or self._waiting.size >= WRITE_BYTES:
            self._changed.set()

    async def close(self) -> None:
        """Ends the writing, after the write that is in progress."""
        self._is_closed = True
        self._changed.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_CLOSING_SECONDS)
            self._task.cancel()
            await asyncio.wait({self._task})

    def finish(self, result: ChatResult, *, by_agent: bool) -> Ending:
        """Returns what is missing from the stored parts of `result`. The writer must be closed.

        If the result does not begin with what was said, as after an unusual answer, the earlier parts are void.
        """
        whole = read_result(result, by_agent=by_agent)
        void_parts, uncertain = 0, self._unwritten
        rest = None if self._are_void else whole.after(self._said, self._waiting)
        if rest is None:
            void_parts, uncertain, rest = self._last, [], whole
        parts = self._number(rest)
        return Ending(parts, uncertain, self._last, void_parts, self._expire_after)

    def _give_up(self) -> None:
        """Makes all parts void, and takes and writes no more."""
        self._are_void = True
        self._said, self._waiting, self._unwritten = Texts(), Texts(), []
        self._changed.set()

    async def _run(self) -> None:
        try:
            await self._keep_writing()
        except Exception:
            _log.exception("An answer's parts could not be written", extra={"fields": {"ticket": self._ticket.id}})
            self._give_up()

    async def _keep_writing(self) -> None:
        loop = asyncio.get_running_loop()
        while not (self._is_closed or self._are_void):
            has_work = bool(self._waiting or self._unwritten)
            delay = self._pace.delay(loop.time(), self._waiting.size) if has_work else None
            if delay == 0:
                await self._write(loop)
                continue
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._changed.wait()

    async def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        """Writes what is waiting. A write that failed is repeated unchanged, because it may have succeeded."""
        is_repeated = bool(self._unwritten)
        if not is_repeated:
            self._unwritten, self._waiting = self._number(self._waiting), Texts()
        parts, expire_at = self._unwritten, clock.now() + self._expire_after
        self._pace.note(loop.time(), len(parts))

        async def write(transaction: Transaction) -> None:
            if is_repeated:
                await self._database.parts.add_missing_in(transaction, self._ticket.id, parts, expire_at)
            else:
                self._database.parts.add_in(transaction, self._ticket.id, parts, expire_at)

        try:
            await self._database.change(_GROUP, write)
        except Unavailable:  # logged; the answer itself does not depend on it
            self._pace.postpone(loop.time())
        else:
            self._unwritten = []

    def _number(self, texts: Texts) -> list[Part]:
        """Returns the texts as parts with the next numbers."""
        deltas = texts.to_deltas()
        parts = [Part.of(self._last + 1 + index, self._ticket.attempts, delta) for index, delta in enumerate(deltas)]
        self._last += len(parts)
        return parts
