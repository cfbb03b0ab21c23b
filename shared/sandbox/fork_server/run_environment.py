"""The clock and the random bytes of a run: a program's only inputs besides its arguments and the answers to calls."""

import hashlib
import time


class RunEnvironment:
    """The clock and the random bytes of one run. With the same ones and the same answers, a run is reproducible.

    `seed` determines all random bytes. `clock`: the start of an artificial clock, in nanoseconds since 1970. That clock
    advances by a microsecond each time it is read, and by the time waited. Without it, the system's clock is used.
    """

    def __init__(self, seed: bytes = b"", clock: int | None = None) -> None:
        self._seed = seed
        self._draws = 0
        self._artificial = clock
        self._started = time.monotonic_ns()
        self._first_artificial = clock

    def random(self, length: int) -> bytes:
        """Returns the next `length` random bytes."""
        self._draws += 1
        return hashlib.shake_256(self._seed + self._draws.to_bytes(8, "big")).digest(length)

    def wait(self, nanoseconds: int) -> None:
        """Advances an artificial clock by the time waited, as reported by the service."""
        if self._artificial is not None:
            self._artificial += nanoseconds

    def now(self) -> int:
        """Nanoseconds since 1970."""
        if self._artificial is None:
            return time.time_ns()
        self._artificial += 1000
        return self._artificial

    def elapsed(self) -> int:
        """Nanoseconds since the run started: guests must not learn how long the machine has been up."""
        if self._artificial is None or self._first_artificial is None:
            return time.monotonic_ns() - self._started
        return self.now() - self._first_artificial
