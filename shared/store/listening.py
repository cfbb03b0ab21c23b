"""Watches documents: a stream of Firestore's `Listen` reports the changes of its targets.

The asynchronous client has no `on_snapshot`, and the synchronous one has a thread per stream. A connection carries
about 100 streams, so many targets share one (`shared.store.watching`). It is open while something is watched, and
`LINGER_SECONDS` longer.

A stream breaks sooner or later. It is reopened with growing pauses, and all targets are added again. A target that the
server removes is added again after a pause. A target that the stream has not served for `PATIENCE_SECONDS` is read
every second instead. What a target is, and what it has reported already, is left to `shared.store.targets`.
"""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from typing import Any, Protocol

from google.cloud.firestore import AsyncClient

from shared.log import get_logger
from shared.store.documents import build_listen, listen, uses_emulator

LINGER_SECONDS = 5.0
"""How long the stream stays open without targets, as the next one often comes soon."""
PATIENCE_SECONDS = 1.0
"""How long a target may wait for the stream before it is read instead."""
POLL_SECONDS = 1.0
POLLS_AT_ONCE = 10
POLL_TIMEOUT_SECONDS = 5.0
DOUBTFUL_SECONDS = 2.0
"""After so much silence, the emulator's targets are read, too: it sometimes misses a change that is committed while a
target is being added."""
SILENT_SECONDS = 60.0
"""A stream that has been silent for so long is replaced: its connection may be dead. Firestore's heartbeats are more
frequent."""
STALLED_SECONDS = 10.0
"""The same for a stream on which a target is waiting for its first response."""
_TICK_SECONDS = 0.25
_FIRST_PAUSE_SECONDS = 0.1
_MAX_PAUSE_SECONDS = 10.0
_FIRST_REMOVED_SECONDS = 1.0
_MAX_REMOVED_SECONDS = 30.0
_NO_CHANGE, _REMOVE, _CURRENT, _RESET = 0, 2, 3, 4
"""The types of `TargetChange`."""
_log = get_logger("store")


class Target(Protocol):
    """Something to watch."""

    def describe(self, message: Any) -> None:
        """Writes the documents or the query into `message`, a `Target` of the protocol. Called for each new stream."""
        ...

    def take(self, documents: dict[str, Any]) -> None:
        """Takes the documents that have changed, by their full names: their state at one moment.

        They are documents of the protocol, which `to_snapshot` reads, or None if they do not exist. All documents come
        again on a new stream. Documents that were committed together come together.
        """
        ...

    async def poll(self) -> None:
        """Reads what the stream would report. Raises `GoogleAPICallError` and `RetryError`."""
        ...


class _Entry:
    """A target on the stream. `pending`: the changes that belong to no complete snapshot yet.

    `is_current`: whether the stream has reported the target's state. If not, `waiting_since` is the time since when.
    """

    def __init__(self, target: Target, number: int) -> None:
        self.target = target
        self.number = number
        self.pending: dict[str, Any] = {}
        self.is_current = False
        self.waiting_since = self.polled_at = time.monotonic()
        self.removals = 0
        self.poll: asyncio.Task[None] | None = None

    def lose(self) -> None:
        """Marks the target as no longer served by the stream."""
        self.pending.clear()
        if self.is_current:
            self.is_current = False
            self.waiting_since = time.monotonic()


class Listener:
    """Watches targets over one stream. Belongs to its event loop."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._entries: dict[int, _Entry] = {}
        self._numbers = itertools.count(1)
        self._changed: dict[int, _Entry] = {}
        self._requests: asyncio.Queue[Any] | None = None
        self._heard_at = 0.0
        self._has_served = False
        self._stream: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._polls: set[asyncio.Task[None]] = set()
        self._poll_turns = asyncio.Semaphore(POLLS_AT_ONCE)
        self._closing: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a stream, or one is being opened."""
        return bool(self._tasks)

    @property
    def count(self) -> int:
        """How many targets it watches."""
        return len(self._entries)

    @contextmanager
    def watch(self, target: Target) -> Generator[None]:
        """Watches the target in the block. One read per document of the target, and per change of one."""
        entry = _Entry(target, next(self._numbers))
        self._entries[entry.number] = entry
        self._open()
        self._add(entry)
        try:
            yield
        finally:
            self._forget(entry)
            if entry.poll is not None:
                entry.poll.cancel()
            if self._requests is not None:
                self._requests.put_nowait(build_listen(self._client, remove_target=entry.number))
            if not self._entries:
                self._closing = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._close)

    def _open(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._keep_listening()), asyncio.create_task(self._keep_looking())]

    def _close(self) -> None:
        self._closing = None
        for task in (*self._tasks, *self._polls):
            task.cancel()
        self._tasks = []

    def _forget(self, entry: _Entry) -> None:
        self._entries.pop(entry.number, None)
        self._changed.pop(entry.number, None)

    def _add(self, entry: _Entry) -> None:
        if self._requests is not None and entry.number in self._entries:
            request = build_listen(self._client)
            request.add_target.target_id = entry.number
            entry.target.describe(request.add_target)
            self._requests.put_nowait(request)

    async def _keep_listening(self) -> None:
        """Opens one stream after the other."""
        failures = 0
        while True:
            self._stream = asyncio.create_task(self._listen())
            try:
                await asyncio.wait({self._stream})
            finally:
                self._stream.cancel()
                self._changed.clear()
                for entry in self._entries.values():
                    entry.lose()
            error = None if self._stream.cancelled() else self._stream.exception()
            if error is not None:
                _log.warning("Firestore's stream of changes broke: %s: %s", type(error).__name__, str(error)[:200])
            failures = 0 if self._has_served else failures + 1
            pause = min(_MAX_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(failures, 10))
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - only spreads the requests

    async def _listen(self) -> None:
        """Handles what one stream reports, until it ends."""
        requests: asyncio.Queue[Any] = asyncio.Queue()
        self._requests = requests
        self._heard_at = time.monotonic()
        self._has_served = False
        for entry in self._entries.values():
            self._add(entry)
        try:
            async with aclosing(listen(self._client, _take_all(requests))) as messages:
                async for message in messages:
                    self._handle(message)
        finally:
            if self._requests is requests:
                self._requests = None

    def _handle(self, message: Any) -> None:
        self._heard_at = time.monotonic()
        match message.WhichOneof("response_type"):
            case "target_change":
                self._handle_target(message.target_change)
            case "document_change":
                change = message.document_change
                self._note(change.target_ids, change.document.name, change.document)
            case "document_delete":
                change = message.document_delete
                self._note(change.removed_target_ids, change.document, None)
            case _:
                pass  # documents that left a target, and counts, which only caches need

    def _note(self, numbers: Any, name: str, document: Any) -> None:
        for number in numbers:
            if (entry := self._entries.get(number)) is not None:
                entry.pending[name] = document
                self._changed[number] = entry

    def _handle_target(self, change: Any) -> None:
        if change.target_change_type == _NO_CHANGE:
            if not change.target_ids and change.HasField("read_time"):
                self._publish()
            return
        for number in change.target_ids:
            if (entry := self._entries.get(number)) is None:
                continue
            match change.target_change_type:
                case kind if kind == _CURRENT:
                    entry.is_current = self._has_served = True
                    entry.removals = 0
                case kind if kind == _RESET:
                    entry.lose()
                case kind if kind == _REMOVE:
                    self._add_later(entry, change.cause)
                case _:
                    pass

    def _publish(self) -> None:
        """Passes on what belongs to the snapshot that is now complete."""
        for number, entry in list(self._changed.items()):
            if entry.is_current and number in self._changed:  # a callback may have ended another watch
                del self._changed[number]
                documents, entry.pending = entry.pending, {}
                try:
                    entry.target.take(documents)
                except Exception:
                    _log.exception("A change of a document could not be handled")

    def _add_later(self, entry: _Entry, cause: Any) -> None:
        """Adds a target that the server has removed, with a new number."""
        _log.warning("Firestore stopped watching a target: %d %s", cause.code, cause.message[:200])
        self._forget(entry)
        entry.lose()
        entry.number = next(self._numbers)
        self._entries[entry.number] = entry
        pause = min(_MAX_REMOVED_SECONDS, _FIRST_REMOVED_SECONDS * 2 ** min(entry.removals, 10))
        entry.removals += 1
        asyncio.get_running_loop().call_later(pause, self._add, entry)

    async def _keep_looking(self) -> None:
        """Reads the targets that the stream does not serve, and replaces a stream that may be dead."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            silence = now - self._heard_at
            waiting = [entry for entry in self._entries.values() if not entry.is_current]
            is_doubtful = silence >= DOUBTFUL_SECONDS and uses_emulator(self._client)
            for entry in list(self._entries.values()) if is_doubtful else waiting:
                if now - entry.waiting_since >= PATIENCE_SECONDS and now - entry.polled_at >= POLL_SECONDS:
                    entry.polled_at = float("inf")
                    poll = entry.poll = asyncio.create_task(self._poll(entry))
                    self._polls.add(poll)
                    poll.add_done_callback(self._polls.discard)
            is_stalled = silence >= STALLED_SECONDS and any(
                now - each.waiting_since >= STALLED_SECONDS for each in waiting
            )
            if self._stream is not None and self._requests is not None and (is_stalled or silence >= SILENT_SECONDS):
                self._stream.cancel()

    async def _poll(self, entry: _Entry) -> None:
        try:
            async with self._poll_turns, asyncio.timeout(POLL_TIMEOUT_SECONDS):
                if entry.number in self._entries:
                    await entry.target.poll()
        except Exception as error:
            _log.warning("A watched document could not be read: %s: %s", type(error).__name__, str(error)[:200])
        finally:
            entry.polled_at = time.monotonic()


async def _take_all(requests: asyncio.Queue[Any]) -> AsyncGenerator[Any]:
    while True:
        yield await requests.get()
