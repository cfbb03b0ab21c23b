"""Passes on what a model says as soon as it is certain that the result will begin with it."""

from collections.abc import Callable
from typing import Any

from shared.llm.streams.thought_tags import ThoughtTags
from shared.llm.text import repair_text, repair_texts
from shared.models.part import Delta, PartKind

MAX_TOOL_BYTES = 200_000
"""The maximum size of a tool call that is passed on before the result, in bytes."""

Follow = Callable[[Delta], None]


class Speaker:
    """Passes texts and tool calls on to `follow`, if there is one. What is held back is never passed on later.

    `has_begun`: whether the answer itself has begun, which is not the case while the model is only thinking.
    """

    def __init__(self, follow: Follow | None) -> None:
        self.has_begun = False
        self._follow = follow
        self._content = _Text()
        self._reasoning = _Text()
        self._tags: ThoughtTags | None = None

    def find_thoughts(self) -> None:
        """Has thoughts that the content begins with, in tags, passed on as reasoning."""
        self._tags = ThoughtTags()

    @property
    def thinks_in_tags(self) -> bool:
        """Whether the content began with thoughts, which were passed on as reasoning."""
        return self._tags is not None and self._tags.has_thought

    def say(self, text: str) -> None:
        """Passes on the next part of the content."""
        self.has_begun = self.has_begun or bool(text)
        if self._follow is None or not (text := self._content.take(text)):
            return
        if self._tags is None:
            self._follow(Delta(PartKind.CONTENT, text))
            return
        thought, text = self._tags.take(text)
        if thought:
            self._follow(Delta(PartKind.REASONING, thought))
        if text:
            self._follow(Delta(PartKind.CONTENT, text))

    def think(self, text: str) -> None:
        """Passes on the next part of the thoughts."""
        if self._follow is None or not text:
            return
        if self._tags is not None and (content := self._tags.give_up()):
            self._follow(Delta(PartKind.CONTENT, content))
        if text := self._reasoning.take(text):
            self._follow(Delta(PartKind.REASONING, text))

    def begin_text(self) -> None:
        """Begins another text of the content. It does not complete an emoji at the end of the last one."""
        self.say(self._content.end())

    def begin_thought(self) -> None:
        """Begins another text of the thoughts. See `begin_text`."""
        self.think(self._reasoning.end())

    def call_tool(self, call: dict[str, Any]) -> None:
        """Passes on a complete tool call, in the form of OpenAI's chat interface, unless it is very long."""
        self.has_begun = True
        if self._follow is None:
            return
        call = repair_texts(call)
        if sum(len(str(part).encode()) for part in call["function"].values()) <= MAX_TOOL_BYTES:
            self._follow(Delta(PartKind.TOOL, tool_calls=[call]))

    def stop_saying(self) -> None:
        """Passes on no more content, because the order of its parts is not certain."""
        self._content.is_muted = True

    def stop_thinking(self) -> None:
        """Passes on no more thoughts."""
        self._reasoning.is_muted = True


class _Text:
    """A text whose last character is held back while it may be the first half of a surrogate pair."""

    def __init__(self) -> None:
        self._held = ""
        self.is_muted = False

    def take(self, text: str) -> str:
        """Adds the next part. Returns what can be passed on."""
        if self.is_muted or not text:
            return ""
        text = self._held + text
        self._held = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return repair_text(text[: len(text) - len(self._held)])

    def end(self) -> str:
        """Returns what replaces the half that is held back."""
        replaced, self._held = repair_text(self._held), ""
        return replaced
