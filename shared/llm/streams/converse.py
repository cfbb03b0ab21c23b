"""Joins streams of Bedrock's Converse interface. The name of an event is its only field (`event_frames`)."""

import json
from io import StringIO
from typing import Any

from shared.llm.answer import tool_call
from shared.llm.forms.converse import is_built_in
from shared.llm.streams.joiner import Joiner, has_counts, index_of, parse_input
from shared.llm.streams.limits import MAX_BLOCKS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.text import name_of, object_of, repair_text, text_of


class ConverseJoiner(Joiner):
    """Joins the blocks of a message. Texts are in the order in which their blocks began."""

    thinks_only_if_asked = True
    shows_tool_uses = True

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        self._fields: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._last: _Block | None = None

    @property
    def is_complete(self) -> bool:
        """See `Joiner`."""
        return bool(self._fields.get("stopReason"))

    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds an event. See `Joiner`."""
        name, fields = next(((name, object_of(value)) for name, value in event.items()), ("", {}))
        index = index_of(fields.get("contentBlockIndex"))
        match name:
            case "messageStart":
                pass
            case "contentBlockStart":
                self._begin(index).start = object_of(object_of(fields.get("start")).get("toolUse"))
                self._spend(size)
            case "contentBlockDelta":
                self._extend(self._begin(index), object_of(fields.get("delta")), size)
            case "contentBlockStop":
                if block := self._blocks.get(index):
                    self._end(block)
            case "messageStop":
                self._fields["stopReason"] = fields.get("stopReason")
            case "metadata":
                self._fields["usage"] = usage = object_of(fields.get("usage"))
                if has_counts(usage):
                    self._note_usage()
                self.has_ended = self.is_complete
            case "exception":
                self._fields |= {"message": "", **object_of(fields.get("body")), "__type": fields.get("__type")}
            case _:
                return False
        return True

    def drop_open_call(self) -> None:
        """See `Joiner`."""
        self._blocks = {index: block for index, block in self._blocks.items() if block.has_stopped or not block.start}

    def document(self) -> dict[str, Any]:
        """See `Joiner`."""
        blocks = [document for block in self._blocks.values() if (document := block.document())]
        return {**self._fields, "output": {"message": {"role": "assistant", "content": blocks}}}

    def _begin(self, index: int) -> "_Block":
        if block := self._blocks.get(index):
            return block
        if len(self._blocks) >= MAX_BLOCKS:
            raise TooLong(f"more than {MAX_BLOCKS} blocks")
        self._last = self._blocks[index] = block = _Block()
        self._speaker.begin_text()
        self._speaker.begin_thought()
        return block

    def _extend(self, block: "_Block", delta: dict[str, Any], size: int) -> None:
        if text := text_of(delta.get("text")):
            block.text.write(self._count(text))
            if block is not self._last:
                self._speaker.stop_saying()
            self._speaker.say(text)
        if part := text_of(object_of(delta.get("toolUse")).get("input")):
            block.input.write(self._count_input(part))
        if thought := object_of(delta.get("reasoningContent")):
            self._think(block, thought)
        if cited := object_of(delta.get("citation")):
            self._spend(size)
            block.citations.append(cited)
            if len(block.citations) > MAX_BLOCKS:
                raise TooLong(f"more than {MAX_BLOCKS} citations")

    def _think(self, block: "_Block", thought: dict[str, Any]) -> None:
        block.has_thought = True
        if text := text_of(thought.get("text")):
            block.thought.write(self._count(text))
            if block is not self._last:
                self._speaker.stop_thinking()
            self._speaker.think(text)
        for name, written in (("signature", block.signature), ("redactedContent", block.redacted)):
            if text := text_of(thought.get(name)):
                self._spend(len(text))
                written.write(text)

    def _end(self, block: "_Block") -> None:
        if block.has_stopped:
            return
        block.has_stopped = True
        if not block.start or (input_ := parse_input(block.input.getvalue())) is None:
            return
        self._settle_input(block.input.getvalue())
        name = name_of(block.start.get("name")) or "tool"
        if not is_built_in(block.start):
            arguments = json.dumps(input_, ensure_ascii=False)
            self._speaker.call_tool(tool_call(block.start.get("toolUseId"), name, arguments))


class _Block:
    """A block and what has arrived of it. `start`: the tool call that it contains, without the input."""

    def __init__(self) -> None:
        self.start: dict[str, Any] = {}
        self.text = StringIO()
        self.input = StringIO()
        self.thought = StringIO()
        self.signature = StringIO()
        self.redacted = StringIO()
        self.citations: list[dict[str, Any]] = []
        self.has_thought = False
        self.has_stopped = False

    def document(self) -> dict[str, Any]:
        """Returns the block as it is without streaming."""
        document: dict[str, Any] = {}
        text = repair_text(self.text.getvalue())
        if self.citations:
            document["citationsContent"] = {"content": [{"text": text}], "citations": self.citations}
        elif text:
            document["text"] = text
        if self.has_thought:
            document["reasoningContent"] = self._thought()
        if self.start:
            input_ = parse_input(self.input.getvalue()) if self.has_stopped else None
            document["toolUse"] = {**self.start, "input": input_ or {}}
        return document

    def _thought(self) -> dict[str, Any]:
        if redacted := self.redacted.getvalue():
            return {"redactedContent": redacted}
        return {"reasoningText": {"text": repair_text(self.thought.getvalue()), "signature": self.signature.getvalue()}}
