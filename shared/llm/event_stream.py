"""Joins a provider's stream into the document that a response without streaming has."""

import json
from typing import Any

from shared.llm.streams import Framing, Joiner, ServerSentEvents, choose_joiner
from shared.llm.streams.limits import MAX_CHARACTERS, MAX_EVENTS, MAX_LINE_BYTES, MAX_PARTS, TooLong
from shared.llm.text import object_of

__all__ = ["MAX_CHARACTERS", "MAX_EVENTS", "MAX_LINE_BYTES", "MAX_PARTS", "EventStream", "TooLong"]


class EventStream:
    """A stream that is read in chunks with `feed`, and closed with `finish`. `feed` and `finish` raise `TooLong`.

    `joiner`: joins the events. It may be asked for the document at any time.
    """

    def __init__(self, framing: Framing | None = None, joiner: Joiner | None = None) -> None:
        """By default, the stream is one of OpenAI's chat interface."""
        self.joiner = joiner or choose_joiner("", None)
        self._framing = framing or ServerSentEvents()
        self._is_closed = False
        self._unread_bytes = 0
        self._events = 0

    def feed(self, chunk: bytes) -> None:
        """Adds the next bytes, which may be cut at any point."""
        for data in self._framing.feed(chunk):
            self._add(data)

    def finish(self) -> None:
        """Processes the bytes since the last line break."""
        for data in self._framing.finish():
            self._add(data)
        self.joiner.finish()

    @property
    def has_marked_events(self) -> bool:
        """Whether no event can begin with a brace, which shows that a response is one document."""
        return not self._framing.begins_with_braces

    @property
    def has_ended(self) -> bool:
        """Whether the closing event has arrived."""
        return self._is_closed or self.joiner.has_ended

    @property
    def is_complete(self) -> bool:
        """Whether the whole answer has arrived. After that, only token counts arrive."""
        return self.joiner.is_complete

    @property
    def is_broken_off(self) -> bool:
        """Whether the end of the answer is missing."""
        return self.joiner.is_broken_off

    @property
    def unread_bytes(self) -> int:
        """The size of content that was skipped because of its form."""
        return self._unread_bytes + self._framing.unread_bytes

    @property
    def uncounted_bytes(self) -> int:
        """The size of all texts after the last usage, or of all texts if there was none, in bytes."""
        return self.joiner.text_bytes - self.joiner.counted_bytes

    @property
    def has_final_usage(self) -> bool:
        """Whether the last usage covers the whole answer, because it came with the answer's end or after it."""
        return self.joiner.usage_is_final and self.is_complete

    @property
    def counts_thoughts(self) -> bool:
        """Whether there was a usage that covers all thoughts before it."""
        return self.joiner.counts_thoughts and self.joiner.counted_bytes > 0

    @property
    def extra_bytes(self) -> int:
        """The size of model text in fields that are not read, in bytes."""
        return self.joiner.extra_bytes

    def document(self) -> dict[str, Any]:
        """Returns the document that the response would be without streaming."""
        return self.joiner.document()

    def _add(self, data: bytes) -> None:
        self._events += 1
        if self._events > MAX_EVENTS:
            raise TooLong(f"more than {MAX_EVENTS} events")
        if data == b"[DONE]":
            self._is_closed = True
            return
        try:
            event = object_of(json.loads(_decode(data)))
        except (ValueError, RecursionError):
            self._unread_bytes += len(data)
            return
        if not self.joiner.add(event, len(data)):
            self._unread_bytes += len(data)


def _decode(data: bytes) -> str:
    """Decodes UTF-8, in which some servers write lone surrogates."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
