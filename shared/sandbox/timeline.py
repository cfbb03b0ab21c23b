"""The order in which a recorded program gets its answers, and the time on its clock.

The program cannot tell a replay from its first run: each answer comes with the same of its waits, at the same time on
its clock. That clock stands still while the program computes, and moves when it waits. Whether an answer or a timer
comes first is decided by that clock alone (`_choose`), in the first run as in a replay.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from shared.sandbox.recorder import Answer, Call, Moment, Recorder, ReplayDiverged
from shared.sandbox.worker import Worker

MAX_CHARACTERS_PER_MESSAGE = 4 * 2**20
"""The maximum length of the answers in one message, unless a single one is longer."""
_POLL_SECONDS = 0.001
_NANO = 10**9


class Stuck(Exception):
    """The program waits for something that never happens."""


@dataclass(frozen=True)
class _Arrived:
    """An answer that the program has not got yet, encoded for it."""

    number: int
    moment: Moment
    text: str


class Timeline:
    """The waits and answers of one program."""

    def __init__(self, recorder: Recorder, worker: Worker) -> None:
        self._recorder = recorder
        self._suspension = recorder.suspension
        self._worker = worker
        self.now = recorder.clock
        """The time on the program's clock, in nanoseconds since 1970."""
        self._waits = 0
        self._last_number = 0
        self._last_clock = recorder.clock
        self._deadline: int | None = None
        self._is_blocked = False
        self._is_catching_up = recorder.is_resumed
        self._live = asyncio.Event()
        self._ending: set[int] = set()
        self._arrived: list[_Arrived] = []
        self._changed = asyncio.Event()
        self._last_poll = 0.0

    def begin(self, number: int) -> None:
        """Notes that the program makes the call with this number."""
        self._last_number = max(self._last_number, number)

    def check_end(self) -> None:
        """Raises `ReplayDiverged` if the program made more calls before than it will now."""
        if self._recorder.last_number > self._last_number:
            number = self._recorder.last_number
            raise ReplayDiverged(
                f"The code was run again after an interruption, and took another way. Its call {number} is "
                f"recorded, but now the code waits or ends after call {self._last_number}."
            )

    async def until_live(self) -> None:
        """Waits until the program has come as far as it had before. Only then may calls be made for real."""
        while self.is_replaying:
            self._live.clear()
            await self._live.wait()

    @property
    def is_replaying(self) -> bool:
        """Whether the program has not come as far yet as it had before."""
        return bool(self._arrived) or self._recorder.last_number > self._last_number

    def end(self, call: Call, at: int | None) -> Moment:
        """Decides at which moment the call ends. Until it has arrived, the program gets no other answer."""
        self._ending.add(call.number)
        clock, waits = max(self._last_clock + 1, at or 0), self._waits
        if self._is_blocked:
            clock = max(clock, self.now + 1, int(self._suspension.now() * _NANO) if at is None else at)
            if self._deadline is None or clock < self._deadline or self._last_clock + 1 < self._deadline:
                clock = clock if self._deadline is None else min(clock, self._deadline - 1)
                waits -= 1
        clock = max(clock, self.now)
        self._last_clock = clock
        return Moment(waits, clock)

    def arrive(self, number: int, moment: Moment, answer: Answer) -> None:
        """Takes an answer that ended at this moment."""
        self._ending.discard(number)
        self._last_clock = max(self._last_clock, moment.clock)
        self._arrived.append(_Arrived(number, moment, json.dumps({"number": number, **answer})))
        self._arrived.sort(key=lambda arrived: arrived.moment.clock)
        self._changed.set()
        if self._is_blocked:  # otherwise, the run could be put aside before the program has got the answer
            self._suspension.unblock(self)

    def withdraw(self, number: int) -> None:
        """Drops the answer to a call that the program has withdrawn."""
        self._ending.discard(number)
        self._arrived = [arrived for arrived in self._arrived if arrived.number != number]
        self._changed.set()

    async def wait(self, seconds: float | None) -> None:
        """Answers a wait of the program: sends it the answers that have arrived, or that its time is up.

        Raises `Suspended`, `Stuck`, `WorkerFailed`, and the error with which the run was aborted.
        """
        self._waits += 1
        if seconds == 0:
            answers = await self._poll()
            until = self.now
        else:
            self._deadline = None if seconds is None else self.now + int(seconds * _NANO)
            answers = await self._block(self._deadline)
            until = self._deadline or self.now
        if answers:
            until = max(self.now, answers[-1].moment.clock)
            self._arrived = self._arrived[len(answers) :]
        advance, self.now = until - self.now, until
        if not self.is_replaying:
            self._live.set()
        texts = ", ".join(arrived.text for arrived in answers)
        await self._worker.send(f'{{"answers": [{texts}]}}'.encode(), advance)

    async def _poll(self) -> list[_Arrived]:
        """Returns the answers for a program that computes, and asks whether there are any."""
        if not self.is_replaying:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._last_poll + _POLL_SECONDS - loop.time())
            self._last_poll = loop.time()
        while self._ending:
            await self._wait_for_change(None)
        return self._choose(None)

    async def _block(self, deadline: int | None) -> list[_Arrived]:
        """Returns the answers for a program that waits, none if its time is up."""
        seconds = None if deadline is None else (deadline - self.now) / _NANO
        ends_at: float | None = None
        while True:
            while self._ending:
                await self._wait_for_change(None)
            answers = self._choose(deadline)
            if not answers and deadline is None:
                self.check_end()
            if answers or self.is_replaying:
                return answers
            self._live.set()
            if ends_at is None and seconds is not None and deadline is not None:
                # A wait that was interrupted ends when it would have ended. Any other takes its full time, however far
                # the program's clock is behind.
                ends_at = deadline / _NANO if self._is_catching_up else self._suspension.now() + seconds
            if ends_at is not None and self._suspension.now() >= ends_at:
                return []
            self._is_catching_up = False
            if self._worker.ended.done():
                return []  # sending will fail
            await self._wait_live(ends_at)

    async def _wait_live(self, ends_at: float | None) -> None:
        self._is_blocked = True
        self._suspension.block(self, ends_at)
        try:
            await self._suspension.stop_if_over(self)
            if self._suspension.is_stuck:
                raise Stuck
            await self._wait_for_change(ends_at)
            await self._suspension.stop_if_over(self)
        finally:
            self._is_blocked = False
            self._suspension.unblock(self)

    async def _wait_for_change(self, ends_at: float | None) -> None:
        """Waits until an answer arrives, the worker or the run ends, or this time comes."""
        await self._suspension.stop_if_over(self)
        self._changed.clear()
        changed = asyncio.ensure_future(self._changed.wait())
        over = asyncio.ensure_future(self._suspension.changed.wait())
        try:
            await asyncio.wait(
                {changed, over, self._worker.ended},
                timeout=None if ends_at is None else max(0.0, ends_at - self._suspension.now()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            changed.cancel()
            over.cancel()

    def _choose(self, deadline: int | None) -> list[_Arrived]:
        """Returns the answers that come before the deadline and are not for a later wait, as many as fit a message."""
        chosen: list[_Arrived] = []
        length = 0
        for arrived in self._arrived:
            if arrived.moment.waits >= self._waits or (deadline is not None and arrived.moment.clock >= deadline):
                break
            length += len(arrived.text)
            if chosen and length > MAX_CHARACTERS_PER_MESSAGE:
                break
            chosen.append(arrived)
        return chosen
