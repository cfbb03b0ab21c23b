"""A clock that advances only when a test moves it."""

import time


class StoppedClock:
    """A replacement for `shared.clock.time`."""

    def __init__(self) -> None:
        self._time = time.time()

    def __call__(self) -> float:
        return self._time

    def move(self, seconds: float) -> None:
        self._time += seconds
