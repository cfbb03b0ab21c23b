"""What the joiners of all forms have in common: the sizes of texts, on which estimates are based, and their limits."""

import json
from abc import ABC, abstractmethod
from typing import Any

from shared.llm.streams.limits import MAX_CHARACTERS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.text import repair_text


class Joiner(ABC):
    """Joins the events of one answer. `document` may be called at any time.

    `has_ended`: whether an event has arrived after which no other follows. `text_bytes`: the size of the model's texts,
    including those in fields that are not read, which are `extra_bytes`. `counted_bytes`: the size of the texts that
    the last usage covers. `usage_is_final`: whether that usage came with the end of the answer, or after it.

    `counts_thoughts`: whether each usage covers the thoughts before it. `thinks_only_if_asked`: whether a model has no
    thoughts unless the request asks for them. `shows_tool_uses`: whether uses of built-in tools appear when they
    happen, and not only at the end.
    """

    counts_thoughts = False
    thinks_only_if_asked = False
    shows_tool_uses = False

    def __init__(self, speaker: Speaker) -> None:
        self.has_ended = False
        self.text_bytes = 0
        self.extra_bytes = 0
        self.counted_bytes = 0
        self.usage_is_final = False
        self._speaker = speaker
        self._remaining = MAX_CHARACTERS

    @abstractmethod
    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds an event of `size` bytes. Returns whether its form is known. Raises `TooLong`."""

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Returns the document that the response would be without streaming, or the part that has arrived."""

    @property
    @abstractmethod
    def is_complete(self) -> bool:
        """Whether the whole answer has arrived. After that, only counts arrive."""

    @property
    def has_begun(self) -> bool:
        """Whether the answer itself has begun. Before that, a model may think without sending anything."""
        return self._speaker.has_begun

    @property
    def is_broken_off(self) -> bool:
        """Whether the end of the answer is missing."""
        return not self.is_complete

    def finish(self) -> None:  # noqa: B027 - most forms mark the end of each call
        """Passes on the tool call that the end of a complete answer completes. To be called at the stream's end."""

    def drop_open_call(self) -> None:  # noqa: B027 - in some forms, calls arrive as a whole
        """Removes a tool call that has not arrived completely, so that nobody carries out half of one."""

    def _count(self, text: str) -> str:
        """Counts a text of the model, and returns it."""
        self.text_bytes += count_bytes(text)
        self._spend(len(text))
        return text

    def _count_extra(self, text: str) -> None:
        """Counts a text of the model that the document does not contain."""
        self.extra_bytes += count_bytes(text)
        self._count(text)

    def _count_input(self, text: str) -> str:
        """Counts a part of a tool's input, which the document does not contain before it is complete."""
        self._count_extra(text)
        return text

    def _settle_input(self, text: str) -> None:
        """Records that the document contains a tool's input from now on."""
        self.extra_bytes -= count_bytes(text)

    def _spend(self, characters: int) -> None:
        """Deducts stored characters from what the stream may have."""
        self._remaining -= characters
        if self._remaining < 0:
            raise TooLong(f"more than {MAX_CHARACTERS} characters")

    def _note_usage(self) -> None:
        """Records that a usage with counts has arrived, which covers all texts before it."""
        self.counted_bytes, self.usage_is_final = self.text_bytes, self.is_complete


def has_counts(usage: dict[str, Any]) -> bool:
    """Whether a usage has any count that is not zero. Some servers send only zeros at the end."""
    return any(isinstance(number, int | float) and number > 0 for number in usage.values())


def count_bytes(text: str) -> int:
    """Returns the size of a text in bytes."""
    return len(text.encode("utf-8", "replace"))


def parse_input(text: str) -> dict[str, Any] | None:
    """Parses the joined input of a tool call. Returns None if it is incomplete or not an object."""
    try:
        value = json.loads(repair_text(text) or "{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def index_of(value: Any, default: int = 0) -> int:
    """Returns an index as the provider sent it, or the default if it is not one."""
    return value if isinstance(value, int) else default
