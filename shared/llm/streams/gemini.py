"""Joins streams of Gemini's generateContent. Each event is a response with the next parts of each candidate."""

import json
from io import StringIO
from typing import Any

from shared.llm.answer import tool_call
from shared.llm.streams.joiner import Joiner, has_counts, index_of
from shared.llm.streams.limits import MAX_BLOCKS, TooLong
from shared.llm.streams.speaker import Speaker
from shared.llm.text import array_of, object_of, objects_of, repair_text, text_of

_CANDIDATE_FIELDS = ("finishReason", "finishMessage", "citationMetadata", "urlContextMetadata")
_DOCUMENT_FIELDS = ("promptFeedback", "modelVersion", "responseId", "error")


class GeminiJoiner(Joiner):
    """Joins the parts of the first candidate. The counts of each event are those of the whole answer so far."""

    counts_thoughts = True

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(speaker)
        self._fields: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._candidate: dict[str, Any] = {}
        self._has_candidate = False
        self._grounding: dict[str, Any] = {}
        self._queries: dict[str, None] = {}
        self._parts: list[_Part] = []
        self._calls = 0

    @property
    def is_complete(self) -> bool:
        """See `Joiner`."""
        blocked = not self._has_candidate and object_of(self._fields.get("promptFeedback")).get("blockReason")
        return bool(self._candidate.get("finishReason") or blocked)

    def add(self, event: dict[str, Any], size: int) -> bool:
        """Adds an event. See `Joiner`."""
        self._fields |= {name: event[name] for name in _DOCUMENT_FIELDS if event.get(name) is not None}
        for candidate in objects_of(event.get("candidates")):
            if index_of(candidate.get("index")):
                for part in objects_of(object_of(candidate.get("content")).get("parts")):
                    self._count_extra(text_of(part.get("text")))
            else:
                self._add_candidate(candidate, size)
        usage = {name: count for name, count in object_of(event.get("usageMetadata")).items() if count is not None}
        if has_counts(usage) or not self._usage:
            self._usage |= usage
        if has_counts(usage):
            self._note_usage()
        return bool(event.keys() & {"candidates", "usageMetadata", *_DOCUMENT_FIELDS})

    def document(self) -> dict[str, Any]:
        """See `Joiner`."""
        candidate = dict(self._candidate)
        candidate["content"] = {"role": "model", "parts": [part.document() for part in self._parts]}
        if self._grounding or self._queries:
            queries = {"webSearchQueries": list(self._queries)} if self._queries else {}
            candidate["groundingMetadata"] = {**self._grounding, **queries}
        fields = {**self._fields, "usageMetadata": self._usage} if self._usage else dict(self._fields)
        return {**fields, "candidates": [candidate] if self._has_candidate else []}

    def _add_candidate(self, sent: dict[str, Any], size: int) -> None:
        """Adds the next parts. Of the sources, the last list counts, and of the queries, all."""
        self._has_candidate = True
        self._candidate |= {name: sent[name] for name in _CANDIDATE_FIELDS if sent.get(name)}
        grounding = object_of(sent.get("groundingMetadata"))
        self._grounding |= {name: value for name, value in grounding.items() if value}
        for query in array_of(grounding.get("webSearchQueries")):
            if isinstance(query, str) and query not in self._queries:
                self._spend(len(query))
                self._queries[query] = None
        for part in objects_of(object_of(sent.get("content")).get("parts")):
            self._add_part(part, size)

    def _add_part(self, sent: dict[str, Any], size: int) -> None:
        is_thought = sent.get("thought") is True
        if text := text_of(sent.get("text")):
            last = self._parts[-1] if self._parts else None
            if last is None or last.fields or last.is_thought != is_thought:
                last = self._begin(_Part(is_thought))
            last.text.write(self._count(text))
            if is_thought:
                self._speaker.think(text)
            else:
                self._speaker.say(text)
        fields = {name: sent[name] for name in ("functionCall", "executableCode") if object_of(sent.get(name))}
        if not fields:
            return
        self._spend(size)
        self._begin(_Part(is_thought, fields))
        self._count(text_of(object_of(fields.get("executableCode")).get("code")))
        if call := object_of(fields.get("functionCall")):
            arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
            self._count(arguments)
            self._speaker.call_tool(tool_call(call.get("id") or f"call_{self._calls}", call.get("name"), arguments))
            self._calls += 1

    def _begin(self, part: "_Part") -> "_Part":
        if len(self._parts) >= MAX_BLOCKS:
            raise TooLong(f"more than {MAX_BLOCKS} parts")
        self._parts.append(part)
        self._speaker.begin_text()
        self._speaker.begin_thought()
        return part


class _Part:
    """A part: a text that grows, or something else, which arrives at once, in `fields`."""

    def __init__(self, is_thought: bool, fields: dict[str, Any] | None = None) -> None:
        self.is_thought = is_thought
        self.fields = fields
        self.text = StringIO()

    def document(self) -> dict[str, Any]:
        """Returns the part as it is without streaming."""
        thought = {"thought": True} if self.is_thought else {}
        return {**(self.fields or {"text": repair_text(self.text.getvalue())}), **thought}
