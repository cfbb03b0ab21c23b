"""Joins streams of Anthropic's Messages interface, in which blocks begin, grow and stop."""

import json
from io import StringIO
from typing import Any

from shared.llm.answer import tool_call
from shared.llm.streams.joiner import Joiner, has_counts, index_of, parse_input
from shared.llm.streams.limits import MAX_BLOCKS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.text import object_of, repair_text, text_of

_DELTAS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
"""The fields that contain the texts of the kinds of deltas."""
_BLOCKS = {"text", "thinking", "redacted_thinking", "tool_use", "server_tool_use"}
"""The kinds of blocks that are read. The others contain what tools have found."""
_TOOL_BLOCKS = ("tool_use", "server_tool_use")


class MessagesJoiner(Joiner):
    """Joins the blocks of a message. Texts are in the order in which their blocks began."""

    thinks_only_if_asked = True
    shows_tool_uses = True

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        self._fields: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, _Block] = {}
        self._last: _Block | None = None

    @property
    def is_complete(self) -> bool:
        """See `Joiner`."""
        return bool(self._fields.get("stop_reason"))

    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds an event. See `Joiner`."""
        match event.get("type"):
            case "message_start":
                message = object_of(event.get("message"))
                self._fields |= {name: message[name] for name in ("id", "model") if name in message}
                self._add_usage(message.get("usage"))
            case "content_block_start":
                self._begin(index_of(event.get("index")), object_of(event.get("content_block")), size)
            case "content_block_delta":
                if block := self._blocks.get(index_of(event.get("index"))):
                    self._extend(block, object_of(event.get("delta")), size)
            case "content_block_stop":
                if block := self._blocks.get(index_of(event.get("index"))):
                    self._end(block)
            case "message_delta":
                delta = object_of(event.get("delta"))
                self._fields |= {name: value for name, value in delta.items() if value is not None}
                self._add_usage(event.get("usage"))
            case "message_stop":
                self.has_ended = True
            case "error":
                self._fields["error"] = event.get("error")
            case "ping":
                pass
            case _:
                return False
        return True

    def drop_open_call(self) -> None:
        """See `Joiner`."""
        self._blocks = {
            index: block for index, block in self._blocks.items() if block.has_stopped or block.kind not in _TOOL_BLOCKS
        }

    def document(self) -> dict[str, Any]:
        """See `Joiner`."""
        message = {"type": "message", "role": "assistant", "stop_reason": None, **self._fields}
        return {**message, "content": [block.document() for block in self._blocks.values()], "usage": self._usage}

    def _add_usage(self, sent: Any) -> None:
        """Adds counts, which are those of the whole answer so far."""
        usage = {name: value for name, value in object_of(sent).items() if value is not None}
        self._usage |= usage
        if has_counts(usage):
            self._note_usage()

    def _begin(self, index: int, sent: dict[str, Any], size: int) -> None:
        if sent.get("type") not in _BLOCKS or index in self._blocks:
            return
        if len(self._blocks) >= MAX_BLOCKS:
            raise TooLong(f"more than {MAX_BLOCKS} blocks")
        self._spend(size)
        self._last = self._blocks[index] = block = _Block(sent)
        self._speaker.begin_text()
        self._speaker.begin_thought()
        for name in ("text", "thinking"):
            if text := text_of(sent.get(name)):
                self._add_text(block, name, text)

    def _extend(self, block: "_Block", delta: dict[str, Any], size: int) -> None:
        kind = delta.get("type")
        if kind == "citations_delta":
            self._spend(size)
            block.citations.append(object_of(delta.get("citation")))
            if len(block.citations) > MAX_BLOCKS:
                raise TooLong(f"more than {MAX_BLOCKS} citations")
            return
        name = _DELTAS.get(kind) if isinstance(kind, str) else None
        text = text_of(delta.get(name)) if name else ""
        if not text:
            return
        match name:
            case "signature":
                self._spend(len(text))
                block.signature.write(text)
            case "partial_json":
                block.text.write(self._count_input(text))
            case _ if name == block.kind:
                self._add_text(block, block.kind, text)
            case _:
                self._count_extra(text)

    def _add_text(self, block: "_Block", name: str, text: str) -> None:
        block.text.write(self._count(text))
        if name == "text":
            if block is not self._last:
                self._speaker.stop_saying()
            self._speaker.say(text)
        else:
            if block is not self._last:
                self._speaker.stop_thinking()
            self._speaker.think(text)

    def _end(self, block: "_Block") -> None:
        if block.has_stopped:
            return
        block.has_stopped = True
        if block.kind not in _TOOL_BLOCKS or (input_ := block.read_input()) is None:
            return
        self._settle_input(block.text.getvalue())
        if block.kind == "tool_use":
            arguments = json.dumps(input_, ensure_ascii=False)
            self._speaker.call_tool(tool_call(block.start.get("id"), block.start.get("name"), arguments))


class _Block:
    """A block and the text that has arrived: a text, a thought, or the input of a tool as JSON."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.kind = text_of(start.get("type"))
        self.text = StringIO()
        self.signature = StringIO()
        self.citations: list[dict[str, Any]] = []
        self.has_stopped = False

    def read_input(self) -> dict[str, Any] | None:
        """Returns the input of a tool, or None if it is incomplete."""
        text = self.text.getvalue()
        return parse_input(text) if text else object_of(self.start.get("input"))

    def document(self) -> dict[str, Any]:
        """Returns the block as it is without streaming."""
        match self.kind:
            case "text":
                cited = {"citations": self.citations} if self.citations else {}
                return {**self.start, "text": repair_text(self.text.getvalue()), **cited}
            case "thinking":
                signature = self.signature.getvalue() or text_of(self.start.get("signature"))
                return {**self.start, "thinking": repair_text(self.text.getvalue()), "signature": signature}
            case "tool_use" | "server_tool_use":
                return {**self.start, "input": (self.has_stopped and self.read_input()) or {}}
            case _:
                return self.start
