"""Joins streams of OpenAI's chat interface, which many providers offer with additional fields.

Texts are joined before they are examined, because a stream may cut an emoji between its two surrogates.
"""

import json
from io import StringIO
from typing import Any

from shared.llm.forms.chat import COST_FIELDS, cost_of
from shared.llm.streams.joiner import Joiner, count_bytes, has_counts, index_of
from shared.llm.streams.limits import MAX_PARTS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.text import model_texts, object_of, objects_of, repair_text, text_of

_THOUGHTS = ("reasoning_content", "reasoning")
_TEXTS = (*_THOUGHTS, "content", "refusal")
_DOCUMENT_FIELDS = ("id", "model", "created", "usage", "citations", "search_results", "error")
"""Fields next to the choices. The last value counts, except for an empty usage. The highest cost counts."""


class ChatJoiner(Joiner):
    """Joins the chunks of all choices. Only the first choice is passed on."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        speaker.find_thoughts()
        self._cost: dict[str, Any] = {}
        self._fields: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every choice has a finish reason. After that, only token counts arrive."""
        return bool(self._choices) and all(choice.fields.get("finish_reason") for choice in self._choices.values())

    @property
    def is_broken_off(self) -> bool:
        """Whether no choice has a finish reason."""
        return not any(choice.fields.get("finish_reason") for choice in self._choices.values())

    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds a chunk. See `Joiner`."""
        fields = {name: event[name] for name in _DOCUMENT_FIELDS if event.get(name) is not None}
        counted = self._add_usage(fields.pop("usage", None))
        self._fields |= fields
        for sent in objects_of(event.get("choices")):
            if event.get("usage") is None:
                counted |= self._add_usage(object_of(sent.get("usage")) or None)
            index = index_of(sent.get("index"))
            if index not in self._choices and len(self._choices) >= MAX_PARTS:
                raise TooLong(f"more than {MAX_PARTS} choices")
            if index not in self._choices:
                self._choices[index] = _Choice(Speaker(None) if index else self._speaker)
            added = self._choices[index].add(sent)
            self.text_bytes += added.text_bytes
            self.extra_bytes += added.extra_bytes
            self._spend(added.characters)
        if counted:
            self._note_usage()
        return bool(event.keys() & {"choices", *_DOCUMENT_FIELDS})

    def finish(self) -> None:
        """See `Joiner`."""
        if self.is_complete and (first := self._choices.get(0)):
            first.close_calls()

    def drop_open_call(self) -> None:
        """See `Joiner`."""
        for choice in self._choices.values():
            choice.drop_open_call()

    def document(self) -> dict[str, Any]:
        """See `Joiner`."""
        choices = [choice.document(index) for index, choice in sorted(self._choices.items())]
        fields = dict(self._fields)
        if self._cost:
            fields["usage"] = {**object_of(fields.get("usage")), **self._cost}
        return {"object": "chat.completion", **fields, "choices": choices}

    def _add_usage(self, usage: Any) -> bool:
        """Stores the usage. Returns whether it has any count.

        The last usage counts, unless it has only zeros, which some servers send at the end. The highest cost counts,
        because it is the total if a server adds up the costs.
        """
        cost = cost_of(object_of(usage))
        if cost and cost > (cost_of(self._cost) or 0):
            self._cost = {name: usage.get(name) for name in COST_FIELDS}
        counted = has_counts(object_of(usage))
        if usage is not None and (counted or "usage" not in self._fields):
            self._fields["usage"] = usage
        return counted


class _Added:
    """The size of what a chunk added to a choice. `characters` is an upper bound of the length."""

    def __init__(self) -> None:
        self.text_bytes = self.extra_bytes = self.characters = 0

    def count(self, text: str) -> None:
        self.characters += len(text)
        self.text_bytes += count_bytes(text)


class _Choice:
    """The part of a choice that has arrived."""

    def __init__(self, speaker: Speaker) -> None:
        self.fields: dict[str, Any] = {}
        self._speaker = speaker
        self._texts: dict[str, StringIO] = {}
        self._thoughts: str | None = None
        self._calls: dict[int, _ToolCall] = {}
        self._open_call: int | None = None
        self._annotations: list[dict[str, Any]] = []

    def add(self, sent: dict[str, Any]) -> _Added:
        """Adds a part of the choice. Returns its size."""
        for name in ("finish_reason", "native_finish_reason", "error"):
            if sent.get(name) is not None:
                self.fields[name] = sent[name]
        delta = object_of(sent.get("delta"))
        if not delta and not self._texts:  # a whole message after its parts repeats them
            delta = object_of(sent.get("message"))
        added = _Added()
        for name in _TEXTS:
            if (text := text_of(delta.get(name))) and self._is_read(name):
                added.count(text)
                self._texts.setdefault(name, StringIO()).write(text)
                self._pass_on(name, text)
        for call in objects_of(delta.get("tool_calls")):
            index = index_of(call.get("index"), len(self._calls))
            self._open_call = index
            self._speaker.has_begun = True
            added.count(self._calls.setdefault(index, _ToolCall()).add(call))
        annotations = objects_of(delta.get("annotations"))
        added.characters += sum(len(json.dumps(annotation)) for annotation in annotations)
        self._annotations += annotations
        if max(len(self._calls), len(self._annotations)) > MAX_PARTS:
            raise TooLong(f"more than {MAX_PARTS} tool calls or annotations")
        extra_bytes = max(0, sum(count_bytes(text) for text in model_texts(delta)) - added.text_bytes)
        added.extra_bytes = extra_bytes
        added.text_bytes += extra_bytes
        added.characters += extra_bytes
        return added

    def close_calls(self) -> None:
        """Passes on the calls. They are complete only when the answer ends, since their parts may alternate."""
        if self._open_call is not None:
            self._open_call = None
            for _, call in sorted(self._calls.items()):
                self._speaker.call_tool(call.document())

    def drop_open_call(self) -> None:
        """See `Joiner`."""
        if self._open_call is not None and not self.fields.get("finish_reason"):
            del self._calls[self._open_call]
            self._open_call = None

    def document(self, index: int) -> dict[str, Any]:
        """Returns the choice as it is without streaming."""
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: repair_text(text.getvalue()) for name, text in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [call.document() for _, call in sorted(self._calls.items())]
        if self._annotations:
            message["annotations"] = self._annotations
        return {"index": index, "finish_reason": None, **self.fields, "message": message}

    def _is_read(self, name: str) -> bool:
        """Whether a text belongs to the answer. Thoughts are read from the field that has them first."""
        if name not in _THOUGHTS:
            return True
        if self._thoughts is None:
            self._thoughts = "tags" if self._speaker.thinks_in_tags else name
        return name == self._thoughts

    def _pass_on(self, name: str, text: str) -> None:
        if name == "content":
            self._speaker.say(text)
        elif name in _THOUGHTS:
            self._speaker.think(text)


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
        """Returns the call as it is without streaming."""
        function = {"name": repair_text(self._name), "arguments": repair_text(self._arguments.getvalue())}
        return {"id": self._id, "type": "function", "function": function}
