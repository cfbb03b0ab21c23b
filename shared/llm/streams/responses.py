"""Joins streams of OpenAI's Responses interface.

The last event contains the whole response. The events before it are joined in case it does not arrive.
"""

from io import StringIO
from typing import Any

from shared.llm.streams.joiner import Joiner, has_counts, index_of
from shared.llm.streams.limits import MAX_BLOCKS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.streams.spoken_items import SpokenItems
from shared.llm.text import object_of, objects_of, text_of

_DELTAS = {
    "response.output_text.delta": ("content", "content_index", "output_text", "text"),
    "response.refusal.delta": ("content", "content_index", "refusal", "refusal"),
    "response.reasoning_summary_text.delta": ("summary", "summary_index", "summary_text", "text"),
    "response.reasoning_text.delta": ("content", "content_index", "reasoning_text", "text"),
    "response.function_call_arguments.delta": ("arguments", "", "", ""),
    "response.code_interpreter_call_code.delta": ("code", "", "", ""),
}
"""For each kind of delta, the list of the item that it extends, the field with the index, and the form of the part."""
_ENDS = ("response.completed", "response.incomplete", "response.failed")


class ResponsesJoiner(Joiner):
    """Joins the items of a response."""

    shows_tool_uses = True

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        self._spoken = SpokenItems(speaker)
        self._fields: dict[str, Any] = {}
        self._items: dict[int, _Item] = {}
        self._end: dict[str, Any] | None = None

    @property
    def is_complete(self) -> bool:
        """See `Joiner`."""
        return self._end is not None

    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds an event. See `Joiner`."""
        kind = text_of(event.get("type"))
        match kind:
            case _ if kind in _ENDS:
                self._finish(object_of(event.get("response")))
            case _ if kind in _DELTAS:
                self._extend(kind, event)
            case "response.output_item.added":
                self._item(event).start = self._store(event, size)
            case "response.output_item.done":
                self._item(event).whole = item = self._store(event, size)
                self._spoken.end(index_of(event.get("output_index")), item)
            case "response.created" | "response.in_progress" | "response.queued":
                response = object_of(event.get("response"))
                self._fields = {name: response.get(name) for name in ("id", "model", "status")}
            case "error":
                self._fields["error"] = object_of(event.get("error")) or {**event, "type": None}
            case _:
                return kind.startswith("response.")
        return True

    def drop_open_call(self) -> None:
        """See `Joiner`."""
        self._items = {index: item for index, item in self._items.items() if item.whole or not item.is_call}

    def document(self) -> dict[str, Any]:
        """See `Joiner`."""
        output = [item.document() for _, item in sorted(self._items.items())]
        if self._end is not None:
            return self._end if self._end.get("output") or not output else {**self._end, "output": output}
        return {"status": "in_progress", **self._fields, "object": "response", "output": output}

    def _finish(self, response: dict[str, Any]) -> None:
        self._end, self.has_ended = {**response, "object": "response"}, True
        if has_counts(object_of(response.get("usage"))):
            self._note_usage()

    def _item(self, event: dict[str, Any]) -> "_Item":
        index = index_of(event.get("output_index"))
        if index not in self._items and len(self._items) >= MAX_BLOCKS:
            raise TooLong(f"more than {MAX_BLOCKS} items")
        return self._items.setdefault(index, _Item())

    def _store(self, event: dict[str, Any], size: int) -> dict[str, Any]:
        """Returns the event's item, which counts as stored unless it only repeats the texts of its deltas."""
        self._spend(max(0, size - self._item(event).characters))
        return object_of(event.get("item"))

    def _extend(self, kind: str, event: dict[str, Any]) -> None:
        item, text = self._item(event), text_of(event.get("delta"))
        name, index_name, type_, text_name = _DELTAS[kind]
        part = index_of(event.get(index_name))
        item.extend(name, part, (type_, text_name), self._count(text))
        if kind == "response.output_text.delta":
            self._spoken.say(index_of(event.get("output_index")), part, text)
        elif kind == "response.reasoning_summary_text.delta":
            self._spoken.think(index_of(event.get("output_index")), part, text)


class _Item:
    """An item: its beginning, the texts that have arrived since, and the whole item once it is complete."""

    def __init__(self) -> None:
        self.start: dict[str, Any] = {}
        self.whole: dict[str, Any] = {}
        self.characters = 0
        self._texts: dict[tuple[str, int], tuple[tuple[str, str], StringIO]] = {}

    @property
    def is_call(self) -> bool:
        """Whether the item is a tool call that is left to the caller."""
        return self.start.get("type") == "function_call" or ("arguments", 0) in self._texts

    def extend(self, name: str, part: int, form: tuple[str, str], text: str) -> None:
        """Adds a text to a part of the item."""
        if (name, part) not in self._texts and len(self._texts) >= MAX_BLOCKS:
            raise TooLong(f"more than {MAX_BLOCKS} parts")
        self.characters += len(text)
        self._texts.setdefault((name, part), (form, StringIO()))[1].write(text)

    def document(self) -> dict[str, Any]:
        """Returns the item as it is without streaming, or the part that has arrived."""
        if self.whole:
            return self.whole
        fields: dict[str, Any] = {}
        for (name, _), ((type_, text_name), text) in sorted(self._texts.items(), key=lambda item: item[0]):
            if type_:
                fields.setdefault(name, []).append({"type": type_, text_name: text.getvalue()})
            else:
                fields[name] = text.getvalue()
        parts = objects_of(fields.get("content"))
        kind = "reasoning" if "summary" in fields or parts[:1] == [{"type": "reasoning_text"}] else "message"
        return {"type": kind, **self.start, **fields}
