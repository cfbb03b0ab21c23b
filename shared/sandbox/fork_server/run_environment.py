"""The clock and the random bytes of a run, which are its only inputs except its arguments and the answers to calls."""

import hashlib
import time


class RunEnvironment:
    """The clock and the random bytes of one run. With the same environment and the same answers, a run is reproducible.

    `seed` determines all random bytes. `clock`: the start of an artificial clock, in nanoseconds since 1970. That clock
    advances by a microsecond each time it is read, and by the time waited. Without it, the system's clock is used.
    """

    def __init__(self, seed: bytes = b"", clock: int | None = None) -> None:
        self._seed = seed
        self._draws = 0
        self._artificial_now = clock
        self._started = time.monotonic_ns()
        self._artificial_start = clock

    def random(self, length: int) -> bytes:
        """Returns the next `length` random bytes."""
        self._draws += 1
        return hashlib.shake_256(self._seed + self._draws.to_bytes(8, "big")).digest(length)

    def wait(self, nanoseconds: int) -> None:
        """Advances an artificial clock by the time waited, as reported by the service."""
        if self._artificial_now is not None:
            self._artificial_now += nanoseconds

    def now(self) -> int:
        """Returns the nanoseconds since 1970."""
        if self._artificial_now is None:
            return time.time_ns()
        self._artificial_now += 1000
        return self._artificial_now

    def elapsed(self) -> int:
        """Returns the nanoseconds since the run's start, as guests must not learn the machine's uptime."""
        if self._artificial_now is None or self._artificial_start is None:
            return time.monotonic_ns() - self._started
        return self.now() - self._artificial_start
