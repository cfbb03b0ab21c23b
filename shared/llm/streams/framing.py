"""Divides the bytes of a stream into events. They may be cut at any point."""

import codecs
from collections.abc import Iterator
from typing import Protocol

from shared.llm.streams.limits import MAX_LINE_BYTES, TooLong

_OTHER_LINES = (b":", b"event:", b"id:", b"retry:")
"""The beginnings of lines that contain no data."""


class Framing(Protocol):
    """Finds the events in a stream. `unread_bytes`: the size of content that was skipped because of its form.
    `begins_with_braces`: whether a stream may begin like a JSON object.

    `feed` takes the next bytes, and `finish` the end of the stream. Both yield the JSON of each event that is complete,
    and raise `TooLong`.
    """

    unread_bytes: int
    begins_with_braces: bool

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Adds the next bytes."""
        ...

    def finish(self) -> Iterator[bytes]:
        """Processes what is left."""
        ...


class Lines:
    """A stream of JSON documents, each of which is one line."""

    begins_with_braces = True

    def __init__(self) -> None:
        self.unread_bytes = 0
        self._line = bytearray()
        self._after_return = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """See `Framing`."""
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self._extend(line)
            whole = bytes(self._line)
            self._line.clear()
            yield from self._take(whole)
        self._extend(rest)

    def finish(self) -> Iterator[bytes]:
        """See `Framing`."""
        whole = bytes(self._line)
        self._line.clear()
        yield from self._take(whole)

    @property
    def _waiting_bytes(self) -> int:
        """The size of the complete lines of an event whose end has not arrived."""
        return 0

    def _extend(self, part: bytes) -> None:
        if len(self._line) + len(part) + self._waiting_bytes > MAX_LINE_BYTES:
            raise TooLong(f"an event of more than {MAX_LINE_BYTES} bytes")
        self._line += part

    def _take(self, line: bytes) -> Iterator[bytes]:
        """Takes a line, and yields the event that it completes, if any."""
        if line := line.strip():
            yield line


class ServerSentEvents(Lines):
    """An event stream in the format that browsers read, too."""

    begins_with_braces = False

    def __init__(self) -> None:
        super().__init__()
        self._first = True
        self._data: list[bytes] = []

    def finish(self) -> Iterator[bytes]:
        """See `Framing`."""
        yield from super().finish()
        yield from self._take(b"")

    @property
    def _waiting_bytes(self) -> int:
        return sum(map(len, self._data))

    def _take(self, line: bytes) -> Iterator[bytes]:
        if self._first:
            self._first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.startswith(b"data:"):
            self._data.append(line[5:].strip())
        elif line and not line.startswith(_OTHER_LINES):
            self.unread_bytes += len(line)
        elif not line and self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            yield data
