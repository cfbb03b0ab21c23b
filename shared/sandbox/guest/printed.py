"""Standard output and standard error. Each line is sent to the host immediately, up to the run's limit."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.sandbox.guest.channel import Channel

_MAX_PIECE_CHARACTERS = 4096


class OutputStream(io.TextIOBase):
    """A text stream. Text beyond the run's limit is counted but not sent."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._remaining = 0
        self._dropped = 0
        self._parts: list[str] = []
        self._length = 0

    def set_limit(self, max_bytes: int) -> None:
        """Sets the maximum number of bytes that are sent."""
        self._remaining = max_bytes + 1

    def redirect_output(self) -> None:
        """Redirects all printed text to the host. Standard input is empty."""
        sys.stdout = sys.stderr = self
        sys.__stdout__ = sys.__stderr__ = self  # type: ignore[misc] - using the system's streams would end the run
        sys.stdin = sys.__stdin__ = io.StringIO()  # type: ignore[misc]

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - agent code calls it
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._parts.append(text)
        self._length += len(text)
        if "\n" in text or self._length > _MAX_PIECE_CHARACTERS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        self._length = 0
        data = text.encode("utf-8", "replace")
        sent = data[: self._remaining]
        self._remaining -= len(sent)
        self._dropped += len(data) - len(sent)
        if sent:
            self._channel.send("print", sent.decode("utf-8", "ignore"))

    def end(self) -> None:
        """Sends an unfinished last line, and the number of dropped bytes."""
        self.flush()
        if self._dropped:
            self._channel.send("dropped", bytes=self._dropped)
