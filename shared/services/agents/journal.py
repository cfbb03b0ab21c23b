"""A run's journal: what the run has done outside the sandbox. See `docs/explanation/durable-runs.md`.

The journal is a text of lines, one for each record: how the run began, that a call began which must not be repeated,
how a call ended, which agent another one called, and how much was printed. A call is named by its path: the number of
the call in its program, after the path of the call that started the program, as in "3.1".

Records are collected, and written with the next commit: before a call that others can notice, with the charge for a
model call, when the run is put aside, at its end, after a call that must not be repeated, and otherwise after half a
second. So each record is durable before anything outside depends on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared import clock
from shared.models.agent import StoredAgent
from shared.models.agent_run import Step
from shared.models.errors import Unavailable
from shared.models.journal import MAX_SEGMENT_BYTES, LogLine, Segment, first_segment
from shared.models.wire import JsonObject
from shared.services.agents.run_history import History, Record, read_history
from shared.store import Database, Transaction

MAX_BYTES = 20_000_000
"""The maximum size of a run's journal."""
MAX_COMMIT_BYTES = 2_000_000
"""More than this is written in several commits: Firestore limits a request to 10 MiB, and its emulator to 4 MiB."""
_FLUSH_SECONDS = 0.5
_FLUSH_BYTES = 200_000
"""A longer record is written at once."""
_SEED_BYTES = 32
CheckLease = Callable[[Transaction], Any]
"""Reads the run's ticket, and raises an error if another worker has it."""


class JournalFull(Exception):
    """The run has recorded more than the journal may contain."""


@dataclass
class Batch:
    """Records that are written together, and what the run's owner sees of them. `opening`: those that come first."""

    opening: list[str] = field(default_factory=list[str])
    lines: list[str] = field(default_factory=list[str])
    steps: list[Step] = field(default_factory=list[Step])
    logs: list[LogLine] = field(default_factory=list[LogLine])
    segments: list[Segment] = field(default_factory=list[Segment])


class Journal:
    """The journal of one run, in the process that has the run's lease."""

    def __init__(self, database: Database, run_id: str, attempt: int, owner: str, expire_at: datetime) -> None:
        """`owner`: the run's payer, with whose account the journal is written."""
        self._database = database
        self.run_id = run_id
        self._attempt = attempt
        self._group = f"user:{owner}"
        self._expire_at = expire_at
        self._next_segment = self._first_segment = first_segment(attempt)
        self._pending = Batch()
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: set[asyncio.Task[None]] = set()
        self._check_lease: CheckLease | None = None
        self._on_failure: Callable[[Exception], None] = _raise
        self.history = History()
        self.has_written = False

    def use(self, check_lease: CheckLease, on_failure: Callable[[Exception], None]) -> None:
        """Has each commit check the lease. `on_failure` gets the error of a commit that nothing waits for."""
        self._check_lease = check_lease
        self._on_failure = on_failure

    async def load(self) -> None:
        """Reads what earlier attempts have recorded. One query, and one read per segment."""
        async with self._database.raising_unavailable():
            segments = await self._database.journals.read(self.run_id)
        self.history = read_history(segments)
        self._size = self.history.size

    def begin(self, agent: StoredAgent) -> StoredAgent:
        """Returns the agent with the code that the run started with, which is this agent if it starts now."""
        history = self.history
        if history.is_resumed:
            self._add({"t": "resume", "seen": history.last_segment}, is_news=False)
            return history.agents[""]
        history.seed, history.clock = os.urandom(_SEED_BYTES), int(clock.time() * 1e9)
        self._add({"t": "begin", "seed": history.seed.hex(), "clock": history.clock}, is_news=False)
        return self.pin_agent("", agent)

    def pin_agent(self, path: str, agent: StoredAgent) -> StoredAgent:
        """Records which agent the call with this path runs. Returns the one that was recorded first."""
        agents = self.history.agents
        if path not in agents:
            unused = {"swagger_specs": [], "composer_thoughts": None, "composer_model_config": None}
            agent = agent.model_copy(update={"fields": agent.fields.model_copy(update=unused)})
            agents[path] = agent
            self._add({"t": "agent", "n": path, "agent": agent.model_dump(mode="json")}, is_news=False)
        return agents[path]

    def end_call(self, path: str, record: Record, end: JsonObject, step: Step) -> None:
        """Records the outcome of a call. It is written with the next commit.

        That of a call which must not be repeated is written at once: until then, its outcome is unknown to others.
        """
        record.end = end
        self.history.records[path] = record
        self._add({"t": "end", "n": path, **_describe(record), **end}, step=step, is_urgent=record.has_begun)

    async def begin_call(self, path: str, record: Record, step: Step) -> None:
        """Records that a call begins which must not be repeated, and writes that. Raises what `flush` raises."""
        record.has_begun = True
        self.history.records[path] = record
        self._add({"t": "start", "n": path, **_describe(record)}, step=step)
        await self.flush()

    def add_lines(self, path: str, lines: list[LogLine], printed: int) -> None:
        """Records lines that the program of this path has printed, and how many characters it has printed in all."""
        self.history.printed[path] = printed
        self._add({"t": "log", "n": path, "printed": printed}, logs=lines)

    @property
    def has_news(self) -> bool:
        """Whether there is anything unwritten that the run's owner may see. That includes what is being written."""
        return bool(self._pending.steps or self._pending.logs or self._flushing)

    @property
    def has_unwritten(self) -> bool:
        """Whether anything is not written yet."""
        pending = self._pending
        return bool(pending.opening or pending.lines or pending.steps or pending.logs or self._flushing)

    async def flush(self) -> None:
        """Writes all records, and waits until they are durable. Raises `Unavailable`, and what the check raises."""
        await self._commit()
        if self._flushing:
            await asyncio.gather(*self._flushing, return_exceptions=True)
            if self._pending.opening or self._pending.lines:
                await self._commit()

    async def _commit(self) -> None:
        """Writes all records, in one transaction unless they are large."""
        if (batch := self.take()) is None:
            return
        try:
            for first, last in _divide(batch.segments):

                async def write(transaction: Transaction, first: int = first, last: int = last) -> None:
                    await self.write_in(batch, transaction, first, last)

                await self._database.change(self._group, write, urgent=True)
        except BaseException:
            self.put_back(batch)
            raise

    def take(self, max_bytes: int | None = None) -> Batch | None:
        """Takes the records that are to be written with the next commit, None if there are none.

        With `max_bytes`, takes only the last one if all of them are larger than that.
        """
        batch, self._pending = self._pending, Batch()
        if max_bytes is not None and sum(map(len, batch.lines)) > max_bytes:
            rest = Batch(lines=batch.lines[:-1], steps=batch.steps[:-1], logs=batch.logs)
            batch, self._pending = Batch(batch.opening, batch.lines[-1:], batch.steps[-1:]), rest
        else:
            self._stop_timer()
        if not (batch.opening or batch.lines or batch.steps or batch.logs):
            return None
        text = "".join(f"{line}\n" for line in [*batch.opening, *batch.lines])
        if text and self._next_segment == self._first_segment:
            text = "\n" + text  # ends a line that the attempt before may have left unfinished
        pieces = [text[start : start + MAX_SEGMENT_BYTES] for start in range(0, len(text), MAX_SEGMENT_BYTES)] or [""]
        for index, piece in enumerate(pieces):
            is_last = index == len(pieces) - 1
            batch.segments.append(
                Segment(
                    n=self._next_segment,
                    attempt=self._attempt,
                    text=piece,
                    steps=batch.steps if is_last else [],
                    logs=batch.logs if is_last else [],
                )
            )
            self._next_segment += 1
        return batch

    def put_back(self, batch: Batch) -> None:
        """Takes back records whose commit failed."""
        waiting = self._pending
        self._pending = Batch(
            batch.opening + waiting.opening,
            batch.lines + waiting.lines,
            batch.steps + waiting.steps,
            batch.logs + waiting.logs,
        )

    async def write_in(self, batch: Batch, transaction: Transaction, first: int = 0, last: int | None = None) -> None:
        """Writes a batch, or some of its segments, in a transaction. Raises what the lease's check raises."""
        if self._check_lease is not None:
            await self._check_lease(transaction)
        self._database.journals.add_in(transaction, self.run_id, batch.segments[first:last], self._expire_at)
        transaction.on_commit(self._note_commit)

    def _note_commit(self) -> None:
        self.has_written = True

    async def close(self) -> None:
        """Stops writing by itself."""
        self._stop_timer()
        for task in self._flushing:
            task.cancel()
        await asyncio.gather(*self._flushing, return_exceptions=True)

    def _add(
        self,
        record: JsonObject,
        step: Step | None = None,
        logs: list[LogLine] | None = None,
        *,
        is_news: bool = True,
        is_urgent: bool = False,
    ) -> None:
        """Adds a record. One that is no news is written before the first that is, and one that is urgent at once."""
        line = json.dumps(record, separators=(",", ":"))
        self._size += len(line)
        if self._size > MAX_BYTES:
            self._on_failure(JournalFull(f"The run has recorded more than {MAX_BYTES} bytes, the limit."))
            return
        (self._pending.lines if is_news else self._pending.opening).append(line)
        if step is not None:
            self._pending.steps.append(step)
        self._pending.logs += logs or []
        if is_urgent:
            self._stop_timer()
        if self._timer is None and is_news:
            delay = 0 if is_urgent or len(line) > _FLUSH_BYTES else _FLUSH_SECONDS
            self._timer = asyncio.get_running_loop().call_later(delay, self._flush_soon)

    def _flush_soon(self) -> None:
        self._timer = None
        task = asyncio.create_task(self._flush_alone())
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)

    async def _flush_alone(self) -> None:
        try:
            with contextlib.suppress(Unavailable):  # it is tried again with the next records
                await self._commit()
        except Exception as error:
            self._on_failure(error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _divide(segments: list[Segment]) -> list[tuple[int, int]]:
    """Returns the ranges of segments that one commit each writes: a single one, unless they are large."""
    ranges, start, size = list[tuple[int, int]](), 0, 0
    for index, segment in enumerate(segments):
        if index > start and size + len(segment.text) > MAX_COMMIT_BYTES:
            ranges.append((start, index))
            start, size = index, 0
        size += len(segment.text)
    return [*ranges, (start, len(segments))]


def _describe(record: Record) -> JsonObject:
    return {"f": record.function, "d": record.arguments, "a": record.shown, "line": record.line}


def _raise(error: Exception) -> None:
    raise error


def digest(text: str) -> str:
    """Returns a hash by which the arguments of calls are compared."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def to_datetime(nanoseconds: int) -> datetime:
    """Converts nanoseconds since 1970."""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
