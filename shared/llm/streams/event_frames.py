"""The binary framing of event streams from AWS, which Bedrock uses."""

import re
from collections.abc import Iterator
from typing import Any

from botocore.eventstream import EventStreamBuffer, ParserError

from shared.llm.streams.limits import MAX_LINE_BYTES, TooLong

_NAME = re.compile(r"[A-Za-z]{1,100}")


class EventFrames:
    """Finds the events in frames, and yields each as a JSON object with the event's name as its only field.

    An error has the name "exception", and the fields `__type` and `body`. After bytes that are no frame, the rest of
    the stream is skipped, because nothing shows where the next frame begins.
    """

    begins_with_braces = False

    def __init__(self) -> None:
        self.unread_bytes = 0
        self._frames: Any = EventStreamBuffer()
        self._waiting_bytes = 0
        self._is_broken = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """See `Framing`."""
        if self._is_broken:
            self.unread_bytes += len(chunk)
            return
        self._waiting_bytes += len(chunk)
        self._frames.add_data(chunk)
        while (frame := self._next()) is not None:
            if (event := _read(frame)) is None:
                self.unread_bytes += len(frame.payload)
            else:
                yield event
        if self._waiting_bytes > MAX_LINE_BYTES:
            raise TooLong(f"an event of more than {MAX_LINE_BYTES} bytes")

    def finish(self) -> Iterator[bytes]:
        """See `Framing`. A frame that is incomplete cannot be read."""
        self.unread_bytes += self._waiting_bytes
        self._waiting_bytes = 0
        yield from ()

    def _next(self) -> Any:
        """Returns the next frame, or None if it is incomplete or invalid."""
        try:
            frame = next(self._frames, None)
        except ParserError:
            self._is_broken = True
            self.unread_bytes += self._waiting_bytes
            self._waiting_bytes = 0
            return None
        if frame is not None:
            self._waiting_bytes -= frame.prelude.total_length
        return frame


def _read(frame: Any) -> bytes | None:
    headers: dict[str, Any] = frame.headers
    payload: bytes = frame.payload
    if (fault := headers.get(":exception-type") or headers.get(":error-code")) is not None:
        name = fault if isinstance(fault, str) and _NAME.fullmatch(fault) else "exception"
        return b'{"exception":{"__type":"%s","body":%s}}' % (name.encode(), payload.strip() or b"{}")
    name = headers.get(":event-type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return b'{"%s":%s}' % (name.encode(), payload)
