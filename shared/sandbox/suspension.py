"""Decides when a run can be put aside: when it and all the agents that it calls only wait for a time, or for a person.

The process then ends, and the run costs nothing until it continues, possibly on another machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NoReturn

MIN_SECONDS = 5.0
"""A run is not put aside for a shorter time."""


class Suspended(Exception):
    """The run was put aside. `wake_at`: when it continues, in seconds since 1970; None if it waits for an answer."""

    def __init__(self, wake_at: float | None) -> None:
        super().__init__(wake_at)
        self.wake_at = wake_at


class Suspension:
    """The state of one run with all the agents that it calls. `now`: a clock, in seconds since 1970.

    `active_calls`: the calls in progress that end by themselves, without a person. `questions`: the open questions.
    `is_closing`: whether no more calls may start, because the worker's time is nearly up. `changed` is set when the run
    is over here, because it was put aside or aborted. Only the first program then ends; the others never notice.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.active_calls = 0
        self.questions = 0
        self.is_closing = False
        self.suspended: Suspended | None = None
        self.error: Exception | None = None
        self.changed = asyncio.Event()
        self._programs: dict[object, tuple[float | None] | None] = {}
        self._first: object | None = None

    def close(self) -> None:
        """Lets no more calls start. The run is put aside when those in progress have ended."""
        self.is_closing = True
        self._check()

    def abort(self, error: Exception) -> None:
        """Ends the run here with this error. Its program must not notice."""
        self.error = self.error or error
        self.changed.set()

    def enter(self, program: object) -> None:
        """A program starts. Until `leave`, it keeps the run awake unless it is blocked."""
        if self._first is None:
            self._first = program
        else:
            self.active_calls -= 1  # the call that started it
        self._programs[program] = None

    def leave(self, program: object) -> None:
        """The program has ended."""
        self._programs.pop(program, None)
        if program is self._first:
            self._first = None
        else:
            self.active_calls += 1

    def block(self, program: object, until: float | None) -> None:
        """The program waits for its calls, or until this time."""
        self._programs[program] = (until,)
        self._check()

    def unblock(self, program: object) -> None:
        """The program continues."""
        self._programs[program] = None

    def begin_call(self) -> None:
        """A call starts that ends by itself."""
        self.active_calls += 1

    def end_call(self) -> None:
        """Such a call has ended."""
        self.active_calls -= 1
        self._check()

    @contextmanager
    def waiting_for_person(self) -> Generator[None]:
        """In the block, a call in progress waits for a person, and does not end by itself."""
        self.questions += 1
        with self.holding_back_call():
            try:
                yield
            finally:
                self.questions -= 1

    @contextmanager
    def holding_back_call(self) -> Generator[None]:
        """In the block, a call waits until the run continues elsewhere."""
        self.end_call()
        try:
            yield
        finally:
            self.begin_call()

    @property
    def is_over(self) -> bool:
        """Whether the run was put aside or aborted."""
        return self.error is not None or self.suspended is not None

    async def stop_if_over(self, program: object) -> None:
        """Raises `Suspended` if the run was put aside, or the error with which it was aborted.

        In any but the first program, waits until it is cancelled instead.
        """
        if not self.is_over:
            return
        if program is not self._first:
            await self.wait_for_end()
        raise self.error or self.suspended or AssertionError

    async def wait_for_end(self) -> NoReturn:
        """Waits until the run is cancelled, as its program must not get an answer any more."""
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    @property
    def is_stuck(self) -> bool:
        """Whether the run waits for something that never happens."""
        blocked = [state for state in self._programs.values() if state is not None]
        is_waiting = len(blocked) == len(self._programs) and all(until is None for (until,) in blocked)
        return is_waiting and not (self.active_calls or self.questions or self.is_closing)

    def _check(self) -> None:
        if self.suspended is not None or self.active_calls or any(state is None for state in self._programs.values()):
            return
        times = [state[0] for state in self._programs.values() if state is not None and state[0] is not None]
        wake_at = min(times, default=None)
        if self.is_closing:
            wake_at = self.now()
        elif (wake_at is None and not self.questions) or (wake_at is not None and wake_at - self.now() <= MIN_SECONDS):
            return
        self.suspended = Suspended(wake_at)
        self.changed.set()
