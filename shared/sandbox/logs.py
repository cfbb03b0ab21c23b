"""Collects the lines that a run prints, and their times."""

import time
from collections.abc import Callable


class Logs:
    """Stores the first `max_bytes` of the text and counts the dropped bytes. `now`: a clock, in seconds."""

    def __init__(self, max_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self.max_bytes = max_bytes
        self._parts: list[str] = []
        self._remaining = max_bytes
        self._dropped = 0
        self._now = now
        self._started = now()
        self._times: list[float] = []
        self._within_line = False

    def add(self, text: str) -> None:
        """Adds text from standard output or standard error. A piece may have any size."""
        size = len(text.encode("utf-8", "replace"))
        if self._remaining >= size:
            self._store(text)
            self._remaining -= size
            return
        self._store(text.encode("utf-8", "replace")[: self._remaining].decode("utf-8", "ignore"))
        self.drop(size - self._remaining)
        self._remaining = 0

    def _store(self, text: str) -> None:
        if not text:
            return
        self._parts.append(text)
        new_lines = text.count("\n", 0, -1) + (not self._within_line)
        self._times += [self._now() - self._started] * new_lines
        self._within_line = not text.endswith("\n")

    def drop(self, size: int) -> None:
        """Counts `size` bytes that were printed but not sent."""
        self._dropped += size

    def lines(self) -> list[str]:
        """Returns the lines without line ends. If text was dropped, an additional last line reports that."""
        text = "".join(self._parts)
        lines = text.removesuffix("\n").split("\n") if text else []
        if self._dropped:
            lines.append(f"… {self._dropped} more bytes were printed; only the first {self.max_bytes} are stored.")
        return lines

    def times(self) -> list[float]:
        """Returns, for each line, the seconds from the run's start to the line's beginning.

        The line about dropped text has the seconds until now.
        """
        return [*self._times, self._now() - self._started] if self._dropped else list(self._times)
