"""The texts and tool calls of an answer, as they are compared with its result and divided into parts."""

import json
from collections.abc import Sequence
from typing import Any, cast

from shared.models.chat import ChatResult
from shared.models.part import Delta, PartKind

MAX_PART_CHARACTERS = 250_000
"""The maximum length of a part's text. With four bytes each, the characters still fit into a document (1 MiB)."""
MAX_TOOL_BYTES = 500_000
"""The maximum size of a part's tool calls, as JSON."""
_TEXTS = (PartKind.REASONING, PartKind.CONTENT)
"""In the order in which they are written, since a model thinks before it answers."""


class Texts:
    """The texts and tool calls of an answer, or of a piece of it. `size`: in bytes."""

    def __init__(self) -> None:
        self._pieces: dict[PartKind, list[str]] = {kind: [] for kind in _TEXTS}
        self.tool_calls: list[dict[str, Any]] = []
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self.tool_calls) or any(self._pieces.values())

    def add(self, delta: Delta) -> None:
        """Appends the delta."""
        if delta.tool_calls:
            self.tool_calls += delta.tool_calls
            self.size += len(json.dumps(delta.tool_calls, ensure_ascii=False).encode())
        elif delta.text:
            self._pieces[delta.kind].append(delta.text)
            self.size += len(delta.text.encode())

    def join(self, kind: PartKind) -> str:
        """Returns all of the text of this kind."""
        return "".join(self._pieces[kind])

    def after(self, said: "Texts", waiting: "Texts") -> "Texts | None":
        """Returns what follows `said`, and before it `waiting`, the end of it. None if this does not begin with `said`.

        Thoughts that do not begin with what was said do not matter: they may have been left out of the result.
        """
        if not self.join(PartKind.CONTENT).startswith(said.join(PartKind.CONTENT)):
            return None
        rest = Texts()
        for kind in _TEXTS:
            whole, begun, unwritten = self.join(kind), said.join(kind), waiting.join(kind)
            if whole.startswith(begun):
                rest.add(Delta(kind, unwritten + whole[len(begun) :]))
            elif unwritten == begun:  # none of it has been written
                rest.add(Delta(kind, whole))
        if calls := waiting.tool_calls + _subtract(self.tool_calls, said.tool_calls):
            rest.add(Delta(PartKind.TOOL, tool_calls=calls))
        return rest

    def to_deltas(self) -> list[Delta]:
        """Returns the texts, in pieces that fit into documents, and the tool calls."""
        deltas: list[Delta] = []
        for kind in _TEXTS:
            text = self.join(kind)
            deltas += [
                Delta(kind, text[start : start + MAX_PART_CHARACTERS])
                for start in range(0, len(text), MAX_PART_CHARACTERS)
            ]
        return deltas + [Delta(PartKind.TOOL, tool_calls=calls) for calls in _group(self.tool_calls)]


def _subtract(tool_calls: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the calls without the others. Two calls may be equal, as some providers give them no ids."""
    rest = list(tool_calls)
    for call in others:
        if call in rest:
            rest.remove(call)
    return rest


def _group(tool_calls: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Returns the calls in groups that fit into documents. Only the result has a call that fits into none."""
    groups: list[list[dict[str, Any]]] = []
    size = 0
    for call in tool_calls:
        bytes_ = len(json.dumps(call, ensure_ascii=False).encode())
        if bytes_ > MAX_TOOL_BYTES:
            continue
        if not groups or size + bytes_ > MAX_TOOL_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(call)
        size += bytes_
    return groups


def read_result(result: ChatResult, *, by_agent: bool) -> Texts:
    """Returns the result's texts. An agent's thoughts are its own result, whatever its fields are called."""
    texts = Texts()
    thoughts = cast("dict[str, Any]", result.thoughts) if isinstance(result.thoughts, dict) and not by_agent else {}
    if isinstance(reasoning := thoughts.get("reasoning"), str):
        texts.add(Delta(PartKind.REASONING, reasoning))
    texts.add(Delta(PartKind.CONTENT, result.content))
    texts.add(Delta(PartKind.TOOL, tool_calls=list(thoughts.get("tool_calls") or [])))
    return texts
