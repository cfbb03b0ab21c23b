"""Joins a stream of events in the form of OpenAI's chat interface into the document that would have come whole.

Texts are joined before anything looks at them: a stream may cut within an emoji, and within its two surrogates.
"""

import codecs
import json
from io import StringIO
from typing import Any

from shared.llm.forms.chat import COST_FIELDS, cost_of
from shared.llm.text import model_texts, object_of, objects_of, repair_text, text_of

MAX_LINE_BYTES = 2 * 1024 * 1024
MAX_EVENTS = 500_000
MAX_CHARACTERS = 4 * 1024 * 1024
"""Of all texts together."""
MAX_PARTS = 1_000
"""Choices; tool calls and annotations of each."""
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_BESIDE = ("id", "model", "created", "usage", "citations", "search_results", "error")
"""Fields beside the choices; the last value counts, but for a usage that counts nothing, and its cost: the highest."""
_OTHER_LINES = (b":", b"event:", b"id:", b"retry:")
"""Of a stream, that carry no data."""


class TooLong(Exception):
    """A stream exceeds a limit. `args[0]` says which."""


class EventStream:
    """Feed it bytes as they come, then `finish`. `document` may be asked for at any time.

    `ended`: the event that says so has come. `unread`: the bytes of what is no event of this form, which is skipped.
    Raises `TooLong`.
    """

    def __init__(self) -> None:
        self.ended = False
        self.unread = 0
        self._counted = 0
        self._counted_whole = False
        self._cost: dict[str, Any] = {}
        self._line = bytearray()
        self._first = True
        self._after_return = False
        self._data: list[bytes] = []
        self._events = 0
        self._left = MAX_CHARACTERS
        self._beside: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    def feed(self, piece: bytes) -> None:
        """Takes the next bytes, wherever they are cut."""
        if self._after_return and piece.startswith(b"\n"):
            piece = piece[1:]
        self._after_return = piece.endswith(b"\r")
        *lines, rest = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self._extend(line)
            self._take(bytes(self._line))
            self._line.clear()
        self._extend(rest)

    def finish(self) -> None:
        """Takes what has come since the last line break."""
        self._take(bytes(self._line))
        self._take(b"")
        self._line.clear()

    @property
    def whole(self) -> bool:
        """Whether every choice has got a reason why it ended: what comes after that are numbers."""
        return bool(self._choices) and all(choice.fields.get("finish_reason") for choice in self._choices.values())

    @property
    def broken_off(self) -> bool:
        """Whether no choice has got a reason why it ended."""
        return not any(choice.fields.get("finish_reason") for choice in self._choices.values())

    @property
    def uncounted(self) -> int:
        """Bytes of all texts that came after the last usage; all, where there was none."""
        return self._spoken - self._counted

    @property
    def counted_whole(self) -> bool:
        """Whether the last usage came with the reasons why the choices ended, or after them: it is of all of it."""
        return self._counted_whole and self.whole

    @property
    def beside(self) -> int:
        """Bytes of what the model wrote into fields that are not read."""
        return sum(choice.beside for choice in self._choices.values())

    @property
    def _spoken(self) -> int:
        return sum(choice.spoken for choice in self._choices.values())

    def document(self) -> dict[str, Any]:
        """The answer as if it had not been streamed."""
        choices = [choice.document(index) for index, choice in sorted(self._choices.items())]
        beside = dict(self._beside)
        if self._cost:
            beside["usage"] = {**object_of(beside.get("usage")), **self._cost}
        return {"object": "chat.completion", **beside, "choices": choices}

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
            self.unread += len(line)
        elif not line and self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            self._events += 1
            if self._events > MAX_EVENTS:
                raise TooLong(f"more than {MAX_EVENTS} events")
            self._add(data)

    def _add(self, data: bytes) -> None:
        if data == b"[DONE]":
            self.ended = True
            return
        try:
            event = object_of(json.loads(_decode(data)))
        except (ValueError, RecursionError):
            self.unread += len(data)
            return
        if not event.keys() & {"choices", *_BESIDE}:
            self.unread += len(data)
        beside = {name: event[name] for name in _BESIDE if event.get(name) is not None}
        counted = self._note_usage(beside.pop("usage", None))
        self._beside |= beside
        for sent in objects_of(event.get("choices")):
            if event.get("usage") is None:
                counted |= self._note_usage(object_of(sent.get("usage")) or None)
            index = sent.get("index")
            index = index if isinstance(index, int) else 0
            if index not in self._choices and len(self._choices) >= MAX_PARTS:
                raise TooLong(f"more than {MAX_PARTS} choices")
            self._left -= self._choices.setdefault(index, _Choice()).add(sent)
            if self._left < 0:
                raise TooLong(f"more than {MAX_CHARACTERS} characters")
        if counted:
            self._counted, self._counted_whole = self._spoken, self.whole

    def _note_usage(self, usage: Any) -> bool:
        """The last counts, but for one of nothing but zeros after one that counted, as some servers close with.

        Of costs the highest does: where they add up on the way, it is the one of all, whichever came last. Returns
        whether it counts anything.
        """
        cost = cost_of(object_of(usage))
        if cost and cost > (cost_of(self._cost) or 0):
            self._cost = {name: usage.get(name) for name in COST_FIELDS}
        counts = any(isinstance(number, int | float) and number > 0 for number in object_of(usage).values())
        if usage is not None and (counts or "usage" not in self._beside):
            self._beside["usage"] = usage
        return counts


class _Choice:
    """One choice of a stream so far."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.spoken = 0
        self.beside = 0
        self._texts: dict[str, StringIO] = {}
        self._calls: dict[int, _ToolCall] = {}
        self._annotations: list[dict[str, Any]] = []

    def add(self, sent: dict[str, Any]) -> int:
        """Returns how many characters came with it, at most."""
        for name in ("finish_reason", "native_finish_reason", "error"):
            if sent.get(name) is not None:
                self.fields[name] = sent[name]
        delta = object_of(sent.get("delta"))
        if not delta and not self._texts:  # what comes as a message after pieces of it is the whole once more
            delta = object_of(sent.get("message"))
        characters = spoken = 0
        for name in _TEXTS:
            if text := text_of(delta.get(name)):
                characters += len(text)
                spoken += _count_bytes(text)
                self._texts.setdefault(name, StringIO()).write(text)
        for call in objects_of(delta.get("tool_calls")):
            index = call.get("index")
            index = index if isinstance(index, int) else len(self._calls)
            written = self._calls.setdefault(index, _ToolCall()).add(call)
            characters += len(written)
            spoken += _count_bytes(written)
        annotations = objects_of(delta.get("annotations"))
        characters += sum(len(json.dumps(annotation)) for annotation in annotations)
        self._annotations += annotations
        if max(len(self._calls), len(self._annotations)) > MAX_PARTS:
            raise TooLong(f"more than {MAX_PARTS} tool calls or annotations")
        beside = max(0, sum(_count_bytes(text) for text in model_texts(delta)) - spoken)
        self.beside += beside
        self.spoken += spoken + beside
        return characters + beside

    def document(self, index: int) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: repair_text(text.getvalue()) for name, text in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [call.document() for _, call in sorted(self._calls.items())]
        if self._annotations:
            message["annotations"] = self._annotations
        return {"index": index, "finish_reason": None, **self.fields, "message": message}


class _ToolCall:
    """A tool call of a stream so far: its name comes first, its arguments letter by letter."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._name = ""
        self._arguments = StringIO()

    def add(self, sent: dict[str, Any]) -> str:
        """Returns what came with it."""
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
    """As UTF-8, which some servers write with the halves of surrogate pairs in it."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
