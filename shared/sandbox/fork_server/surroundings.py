"""Clock and random bytes of a run: the only input of a program that is neither its own nor an answer to a call."""

import hashlib
import time


class Surroundings:
    """Clock and random bytes of one run. Given the same ones, and the same answers, a run is the same run.

    `seed` decides all random bytes. `clock`: nanoseconds since 1970 at which a clock begins that advances by a
    microsecond with each look, and by what is waited; without it, the clock is the system's.
    """

    def __init__(self, seed: bytes = b"", clock: int | None = None) -> None:
        self._seed = seed
        self._drawn = 0
        self._still = clock
        self._began = time.monotonic_ns()
        self._first = clock

    def random(self, length: int) -> bytes:
        """The next `length` random bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8, "big")).digest(length)

    def wait(self, nanoseconds: int) -> None:
        """Advances a clock that was given by the time that the service says was waited."""
        if self._still is not None:
            self._still += nanoseconds

    def now(self) -> int:
        """Nanoseconds since 1970."""
        if self._still is None:
            return time.time_ns()
        self._still += 1000
        return self._still

    def elapsed(self) -> int:
        """Nanoseconds since the run began: guests do not learn how long the machine has been up."""
        if self._still is None or self._first is None:
            return time.monotonic_ns() - self._began
        return self.now() - self._first
