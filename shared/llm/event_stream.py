"""Joins an event stream of OpenAI's chat interface into the document that a response without streaming has.

Texts are joined before they are examined, because a stream may cut an emoji between its two surrogates.
"""

import codecs
import json
from io import StringIO
from typing import Any

from shared.llm.forms.chat import COST_FIELDS, cost_of
from shared.llm.text import model_texts, object_of, objects_of, repair_text, text_of

MAX_LINE_BYTES = 2 * 1024 * 1024
"""The maximum size of one event, in bytes."""
MAX_EVENTS = 500_000
"""The maximum number of events in a stream."""
MAX_CHARACTERS = 4 * 1024 * 1024
"""The maximum length of all texts together, in characters."""
MAX_PARTS = 1_000
"""The maximum number of choices, and of each choice's tool calls and annotations."""
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_DOCUMENT_FIELDS = ("id", "model", "created", "usage", "citations", "search_results", "error")
"""Fields next to the choices. The last value counts, except for an empty usage. The highest cost counts."""
_OTHER_LINES = (b":", b"event:", b"id:", b"retry:")
"""The beginnings of lines that contain no data."""


class TooLong(Exception):
    """A stream exceeds a limit. `args[0]` describes the limit."""


class EventStream:
    """A stream that is read in chunks with `feed`, and closed with `finish`. `document` may be called at any time.

    `has_ended`: whether the closing event has arrived. `unread_bytes`: the size of content that was skipped because of
    its form. `feed` and `finish` raise `TooLong`.
    """

    def __init__(self) -> None:
        self.has_ended = False
        self.unread_bytes = 0
        self._counted_bytes = 0
        self._usage_is_final = False
        self._cost: dict[str, Any] = {}
        self._line = bytearray()
        self._first = True
        self._after_return = False
        self._data: list[bytes] = []
        self._events = 0
        self._remaining = MAX_CHARACTERS
        self._fields: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    def feed(self, chunk: bytes) -> None:
        """Adds the next bytes, which may be cut at any point."""
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self._extend(line)
            self._take(bytes(self._line))
            self._line.clear()
        self._extend(rest)

    def finish(self) -> None:
        """Processes the bytes since the last line break."""
        self._take(bytes(self._line))
        self._take(b"")
        self._line.clear()

    @property
    def is_complete(self) -> bool:
        """Whether every choice has a finish reason. After that, only token counts arrive."""
        return bool(self._choices) and all(choice.fields.get("finish_reason") for choice in self._choices.values())

    @property
    def is_broken_off(self) -> bool:
        """Whether no choice has a finish reason."""
        return not any(choice.fields.get("finish_reason") for choice in self._choices.values())

    @property
    def uncounted_bytes(self) -> int:
        """The size of all texts after the last usage, or of all texts if there was none, in bytes."""
        return self._text_bytes - self._counted_bytes

    @property
    def has_final_usage(self) -> bool:
        """Whether the last usage covers the whole answer, because it came with the finish reasons or after them."""
        return self._usage_is_final and self.is_complete

    @property
    def extra_bytes(self) -> int:
        """The size of model text in fields that are not read, in bytes."""
        return sum(choice.extra_bytes for choice in self._choices.values())

    @property
    def _text_bytes(self) -> int:
        return sum(choice.text_bytes for choice in self._choices.values())

    def document(self) -> dict[str, Any]:
        """Returns the document that the response would be without streaming."""
        choices = [choice.document(index) for index, choice in sorted(self._choices.items())]
        fields = dict(self._fields)
        if self._cost:
            fields["usage"] = {**object_of(fields.get("usage")), **self._cost}
        return {"object": "chat.completion", **fields, "choices": choices}

    def _extend(self, part: bytes) -> None:
        if len(self._line) + len(part) + sum(map(len, self._data)) > MAX_LINE_BYTES:
            raise TooLong(f"an event of more than {MAX_LINE_BYTES} bytes")
        self._line += part

    def _take(self, line: bytes) -> None:
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
            self._events += 1
            if self._events > MAX_EVENTS:
                raise TooLong(f"more than {MAX_EVENTS} events")
            self._add(data)

    def _add(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.has_ended = True
            return
        try:
            event = object_of(json.loads(_decode(data)))
        except (ValueError, RecursionError):
            self.unread_bytes += len(data)
            return
        if not event.keys() & {"choices", *_DOCUMENT_FIELDS}:
            self.unread_bytes += len(data)
        fields = {name: event[name] for name in _DOCUMENT_FIELDS if event.get(name) is not None}
        counted = self._note_usage(fields.pop("usage", None))
        self._fields |= fields
        for sent in objects_of(event.get("choices")):
            if event.get("usage") is None:
                counted |= self._note_usage(object_of(sent.get("usage")) or None)
            index = sent.get("index")
            index = index if isinstance(index, int) else 0
            if index not in self._choices and len(self._choices) >= MAX_PARTS:
                raise TooLong(f"more than {MAX_PARTS} choices")
            self._remaining -= self._choices.setdefault(index, _Choice()).add(sent)
            if self._remaining < 0:
                raise TooLong(f"more than {MAX_CHARACTERS} characters")
        if counted:
            self._counted_bytes, self._usage_is_final = self._text_bytes, self.is_complete

    def _note_usage(self, usage: Any) -> bool:
        """Stores the usage. Returns whether it has any count.

        The last usage counts, unless it has only zeros, which some servers send at the end. The highest cost counts,
        because it is the total if a server adds up the costs.
        """
        cost = cost_of(object_of(usage))
        if cost and cost > (cost_of(self._cost) or 0):
            self._cost = {name: usage.get(name) for name in COST_FIELDS}
        has_counts = any(isinstance(number, int | float) and number > 0 for number in object_of(usage).values())
        if usage is not None and (has_counts or "usage" not in self._fields):
            self._fields["usage"] = usage
        return has_counts


class _Choice:
    """The part of a choice that has arrived."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.text_bytes = 0
        self.extra_bytes = 0
        self._texts: dict[str, StringIO] = {}
        self._calls: dict[int, _ToolCall] = {}
        self._annotations: list[dict[str, Any]] = []

    def add(self, sent: dict[str, Any]) -> int:
        """Adds a part of the choice. Returns an upper bound for its length in characters."""
        for name in ("finish_reason", "native_finish_reason", "error"):
            if sent.get(name) is not None:
                self.fields[name] = sent[name]
        delta = object_of(sent.get("delta"))
        if not delta and not self._texts:  # a whole message after its parts repeats them
            delta = object_of(sent.get("message"))
        characters = text_bytes = 0
        for name in _TEXTS:
            if text := text_of(delta.get(name)):
                characters += len(text)
                text_bytes += _count_bytes(text)
                self._texts.setdefault(name, StringIO()).write(text)
        for call in objects_of(delta.get("tool_calls")):
            index = call.get("index")
            index = index if isinstance(index, int) else len(self._calls)
            written = self._calls.setdefault(index, _ToolCall()).add(call)
            characters += len(written)
            text_bytes += _count_bytes(written)
        annotations = objects_of(delta.get("annotations"))
        characters += sum(len(json.dumps(annotation)) for annotation in annotations)
        self._annotations += annotations
        if max(len(self._calls), len(self._annotations)) > MAX_PARTS:
            raise TooLong(f"more than {MAX_PARTS} tool calls or annotations")
        extra_bytes = max(0, sum(_count_bytes(text) for text in model_texts(delta)) - text_bytes)
        self.extra_bytes += extra_bytes
        self.text_bytes += text_bytes + extra_bytes
        return characters + extra_bytes

    def document(self, index: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: repair_text(text.getvalue()) for name, text in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [call.document() for _, call in sorted(self._calls.items())]
        if self._annotations:
            message["annotations"] = self._annotations
        return {"index": index, "finish_reason": None, **self.fields, "message": message}


class _ToolCall:
    """The part of a tool call that has arrived. The name arrives first, then the arguments in small parts."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._name = ""
        self._arguments = StringIO()

    def add(self, sent: dict[str, Any]) -> str:
        """Adds a part of the call. Returns its text."""
        function = object_of(sent.get("function"))
        name, arguments = text_of(function.get("name")), text_of(function.get("arguments"))
        self._id = self._id or text_of(sent.get("id")) or None
        self._name += name
        self._arguments.write(arguments)
        return name + arguments

    def document(self) -> dict[str, Any]:
        function = {"name": repair_text(self._name), "arguments": repair_text(self._arguments.getvalue())}
        return {"id": self._id, "type": "function", "function": function}


def _count_bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _decode(data: bytes) -> str:
    """Decodes UTF-8, in which some servers write lone surrogates."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
