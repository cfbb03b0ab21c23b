"""A clock that moves only when a test moves it."""

import time


class StoppedClock:
    """Stands in for `shared.clock.time`."""

    def __init__(self) -> None:
        self._time = time.time()

    def __call__(self) -> float:
        return self._time

    def move(self, seconds: float) -> None:
        self._time += seconds
