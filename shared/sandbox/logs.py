"""What a run prints, and when."""

import time
from collections.abc import Callable


class Logs:
    """Keeps the first `most_bytes` and counts what it drops. `now`: a clock, in seconds."""

    def __init__(self, most_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self.most = most_bytes
        self._parts: list[str] = []
        self._left = most_bytes
        self._dropped = 0
        self._now = now
        self._began = now()
        self._times: list[float] = []
        self._within_line = False

    def add(self, text: str) -> None:
        """Adds text of either stream, in pieces of any size."""
        size = len(text.encode("utf-8", "replace"))
        if self._left >= size:
            self._keep(text)
            self._left -= size
            return
        self._keep(text.encode("utf-8", "replace")[: self._left].decode("utf-8", "ignore"))
        self.drop(size - self._left)
        self._left = 0

    def _keep(self, text: str) -> None:
        if not text:
            return
        self._parts.append(text)
        begun = text.count("\n", 0, -1) + (not self._within_line)
        self._times += [self._now() - self._began] * begun
        self._within_line = not text.endswith("\n")

    def drop(self, size: int) -> None:
        """Counts `size` bytes that were printed but not sent."""
        self._dropped += size

    def lines(self) -> list[str]:
        """The lines without line ends; if something was dropped, a last one says so."""
        text = "".join(self._parts)
        lines = text.removesuffix("\n").split("\n") if text else []
        if self._dropped:
            lines.append(f"… {self._dropped} bytes more were printed; the first {self.most} are kept.")
        return lines

    def times(self) -> list[float]:
        """For each line, how many seconds after the start it began; for the one about dropped text, until now."""
        return [*self._times, self._now() - self._began] if self._dropped else list(self._times)
