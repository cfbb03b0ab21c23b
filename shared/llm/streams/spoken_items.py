"""Passes on the texts of the items of OpenAI's Responses interface, in the order in which the result joins them."""

from io import StringIO
from typing import Any

from shared.llm.answer import tool_call
from shared.llm.streams.speaker import Speaker
from shared.llm.text import objects_of, repair_text, text_of


class SpokenItems:
    """Compares what was passed on of each item with the whole item. If they differ, no more is passed on."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._content = _Order()
        self._thoughts = _Order()
        self._has_thought = False

    def say(self, item: int, part: int, text: str) -> None:
        """Passes on the next text of a message."""
        if not self._content.follows(item, part):
            self._speaker.stop_saying()
        self._content.text.write(text)
        self._speaker.say(text)

    def think(self, item: int, part: int, text: str) -> None:
        """Passes on the next text of a summary of thoughts. The summaries of two items are separated."""
        if not text:
            return
        begins = item != self._thoughts.item
        if not self._thoughts.follows(item, part):
            self._speaker.stop_thinking()
        self._thoughts.text.write(text)
        self._think(text, begins)

    def end(self, item: int, whole: dict[str, Any]) -> None:
        """Passes on the rest of a complete item."""
        match whole.get("type"):
            case "message":
                content = whole.get("content")
                texts = [text_of(part.get("text")) for part in objects_of(content) if part.get("type") != "refusal"]
                text = content if isinstance(content, str) else "".join(texts)
                if (rest := self._content.rest(item, text)) is None:
                    self._speaker.stop_saying()
                else:
                    self._speaker.say(rest)
            case "reasoning":
                begins = item != self._thoughts.item
                parts = objects_of(whole.get("summary")) or objects_of(whole.get("content"))
                if (rest := self._thoughts.rest(item, text_of(parts))) is None:
                    self._speaker.stop_thinking()
                elif parts:
                    self._think(rest, begins)
            case "function_call":
                self._speaker.call_tool(
                    tool_call(whole.get("call_id"), whole.get("name"), text_of(whole.get("arguments")))
                )
            case _:
                pass

    def _think(self, text: str, begins: bool) -> None:
        self._speaker.think(("\n\n" if begins and self._has_thought else "") + text)
        self._has_thought = self._has_thought or bool(text)


class _Order:
    """The item whose text is passed on, its part, and the text so far."""

    def __init__(self) -> None:
        self.item = -1
        self.text = StringIO()
        self._part = -1

    def follows(self, item: int, part: int) -> bool:
        """Moves on to a part of an item. Returns False if it comes before the last one."""
        follows = (item, part) >= (self.item, self._part)
        if item != self.item:
            self.text = StringIO()
        self.item, self._part = item, part
        return follows

    def rest(self, item: int, whole: str) -> str | None:
        """Returns the rest of an item's text, or None if its beginning is another, or it comes before the last one."""
        if item < self.item:
            return "" if not whole else None
        said, whole = repair_text(self.text.getvalue()) if item == self.item else "", repair_text(whole)
        self.follows(item, self._part if item == self.item else -1)
        return whole.removeprefix(said) if whole.startswith(said) else None
