"""Joins streams of Ollama's own chat interface. Each line is a response with the next part of the message."""

import json
from io import StringIO
from typing import Any

from shared.llm.answer import tool_call
from shared.llm.streams.joiner import Joiner, has_counts
from shared.llm.streams.limits import MAX_PARTS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.text import object_of, objects_of, text_of


class OllamaJoiner(Joiner):
    """Joins the parts of a message."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        self._fields: dict[str, Any] = {}
        self._content = StringIO()
        self._thinking = StringIO()
        self._calls: list[dict[str, Any]] = []

    @property
    def is_complete(self) -> bool:
        """See `Joiner`."""
        return self.has_ended

    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds a line. See `Joiner`."""
        if not event.keys() & {"message", "done", "error"}:
            return False
        message = object_of(event.get("message"))
        if text := text_of(message.get("thinking")):
            self._thinking.write(self._count(text))
            self._speaker.think(text)
        if text := text_of(message.get("content")):
            self._content.write(self._count(text))
            self._speaker.say(text)
        for call in objects_of(message.get("tool_calls")):
            self._add_call(call, size)
        self.has_ended |= event.get("done") is True
        fields = {name: value for name, value in event.items() if name != "message"}
        if self.has_ended or "error" in fields:
            self._fields |= fields
            if has_counts(fields):
                self._note_usage()
        return True

    def document(self) -> dict[str, Any]:
        """See `Joiner`."""
        message: dict[str, Any] = {"role": "assistant", "content": self._content.getvalue()}
        if thinking := self._thinking.getvalue():
            message["thinking"] = thinking
        if self._calls:
            message["tool_calls"] = self._calls
        return {"done": False, **self._fields, "message": message}

    def _add_call(self, call: dict[str, Any], size: int) -> None:
        if len(self._calls) >= MAX_PARTS:
            raise TooLong(f"more than {MAX_PARTS} tool calls")
        self._spend(size)
        function = object_of(call.get("function"))
        arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
        self._count(arguments)
        self._speaker.call_tool(tool_call(f"call_{len(self._calls)}", function.get("name"), arguments))
        self._calls.append(call)
