"""A call of a model that others follow while it is running, and can stop."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from shared.models.part import Delta

CANCELLED = "cancelled"
"""The `finish_reason` of an answer that was stopped before its end."""


class LiveCall:
    """Passes on what a model says while it says it, and takes the wish to stop it.

    `follow` is called in the event loop for each delta, and must return quickly. The joined texts of all deltas of one
    kind are the beginning of the result's text of that kind.
    """

    def __init__(self, follow: Callable[[Delta], None]) -> None:
        self.follow = follow
        self.is_stopped = False
        self._stop: Callable[[], object] | None = None

    def stop(self) -> None:
        """Stops the call, now or as soon as it begins. Repeated calls have no effect."""
        if self.is_stopped:
            return
        self.is_stopped = True
        if self._stop is not None:
            self._stop()

    @contextmanager
    def stoppable(self, stop: Callable[[], object]) -> Generator[None]:
        """Has `stop` called when the call is to be stopped, at once if it has been already."""
        self._stop = stop
        try:
            if self.is_stopped:
                stop()
            yield
        finally:
            self._stop = None
