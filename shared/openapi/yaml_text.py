"""Builds plain data from a YAML parser's events, so that an alias bomb is refused before it is built.

Tags never create Python objects. Plain scalars follow YAML 1.2's core schema, as OpenAPI requires: `on`, `yes`, dates
and `12:30` are strings. Keys stay as written, so a response code `200:` becomes "200". Aliases share their targets.
They take no memory, but they take time when the tree is walked, so the number of nodes that a walk visits is limited.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn

import yaml

from shared.openapi.errors import NotASpec, too_deep
from shared.openapi.limits import MAX_DEPTH
from shared.openapi.prose import one_line

MAX_ALIASED_NODES = 200_000
"""The maximum number of nodes of all aliases together. Real documents with aliases have a few thousand."""

MAX_DIRECTIVES = 20
"""The maximum number of directives. The parser compares each with all earlier ones, so many would block the process."""
_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])%")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DESCRIPTIONS = {
    "mapping values are not allowed": "a colon is not allowed there, except in a string with quotes",
    "cannot start any token": "a string or indentation begins with a character that is not allowed: a tab, @ or `",
    "expected ',' or": "a list or an object in brackets is not closed, or lacks a comma",
    "unexpected end of stream": "a quoted string is not closed",
    "unexpected document indicator": "a quoted string is not closed",
    "expected '-' indicator": "a line in a list is not an item, or is indented differently from the items",
    "expected <block end>": "a line is indented differently from the lines before it",
    "expected key": "a line is indented differently from the keys before it",
    "expected ':'": "the colon after a key is missing",
    "escape": "a backslash in a string is not a valid escape",
    "hexdecimal": "a backslash in a string is not a valid escape",
    "incompatible YAML document": "it requires a version of YAML that is not supported",
    "directive": "a line that begins with % is not a YAML directive",
    "anchor": "an anchor or an alias is malformed",
    "alias": "an anchor or an alias is malformed",
    "tag": "a tag is malformed",
    "block scalar": "the text after | or > is not allowed there",
}
"""Readable descriptions, by a substring of the parser's message."""
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN: list[tuple[re.Pattern[str], Callable[[str], object]]] = [
    (re.compile(r"(?:null|Null|NULL|~|)$"), lambda _: None),
    (re.compile(r"(?:true|True|TRUE)$"), lambda _: True),
    (re.compile(r"(?:false|False|FALSE)$"), lambda _: False),
    (re.compile(r"[-+]?[0-9]{1,300}$"), int),
    (re.compile(r"0o[0-7]{1,20}$"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]{1,16}$"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(?:\.[0-9]{1,300}|[0-9]{1,300}(?:\.[0-9]{0,300})?)(?:[eE][-+]?[0-9]{1,4})?$"), float),
]


def read_yaml(text: str) -> object:
    """Reads text with one document. Raises `NotASpec`, with the line and column (from 1) if the text is malformed."""
    match = _UNPRINTABLE.search(text)
    if match:
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - text.rfind("\n", 0, match.start())
        raise NotASpec(
            f"This is neither JSON nor YAML: it contains a control character (line {line}, column {column})."
        )
    if sum(1 for _ in islice(_DIRECTIVE.finditer(text), MAX_DIRECTIVES + 1)) > MAX_DIRECTIVES:
        raise NotASpec(f"This YAML has more than {MAX_DIRECTIVES} directives.")
    try:
        return _Reader().read(text)
    except yaml.MarkedYAMLError as error:
        problem = _describe_problem(f"{error.problem} {error.context}")
        _refuse(f"This is neither JSON nor YAML: {problem}", error.problem_mark or error.context_mark)
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, NotASpec):
            raise
        raise NotASpec("This is neither JSON nor YAML: it cannot be parsed.") from None


def _describe_problem(problem: str) -> str:
    """Returns a readable description. The messages of the parser, which has two sets of them, are for programmers."""
    return next((text for part, text in _DESCRIPTIONS.items() if part in problem), "it cannot be parsed")


@dataclass
class _OpenCollection:
    """A collection that is still being read. `nodes`: its size with its contents, including the targets of aliases."""

    value: dict[str, object] | list[object]
    anchor: str | None
    nodes: int = 1
    key: str | None = None
    merging: bool = False
    merged: list[object] = field(default_factory=lambda: list[object]())


class _Reader:
    def __init__(self) -> None:
        self._open: list[_OpenCollection] = []
        self._done: dict[str, tuple[object, int, int]] = {}
        self._aliased = 0
        self._root: object = None
        self._deepest: list[int] = []

    def read(self, text: str) -> object:
        documents = 0
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _refuse("This contains more than one YAML document", event.start_mark)
            elif isinstance(event, yaml.AliasEvent):
                self._read_alias(event)
            elif isinstance(event, yaml.ScalarEvent):
                self._read_scalar(event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._open_collection({}, event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._open_collection([], event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close_collection()
        return self._root

    def _open_collection(self, value: dict[str, object] | list[object], event: Any) -> None:
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            _refuse("An object or a list is used as a key, which JSON does not allow", event.start_mark)
        if len(self._open) >= MAX_DEPTH:
            raise too_deep()
        if event.anchor:
            # This may redefine an anchor. The old one is then no longer valid, and the new one is not yet complete.
            self._done.pop(event.anchor, None)
        self._open.append(_OpenCollection(value, event.anchor))
        self._deepest.append(1)

    def _close_collection(self) -> None:
        done = self._open.pop()
        depth = self._deepest.pop()
        value = done.value
        if isinstance(value, dict):
            for source in done.merged:
                for key, inherited in _list_merged_entries(source):
                    value.setdefault(key, inherited)
        if done.anchor:
            self._done[done.anchor] = (value, done.nodes, depth)
        self._put(value, done.nodes, depth)

    def _read_alias(self, event: Any) -> None:
        anchor: str = event.anchor
        if anchor not in self._done:
            if any(collection.anchor == anchor for collection in self._open):
                _refuse(f"The alias *{one_line(anchor, 40)} is inside its own target", event.start_mark)
            _refuse(f"The alias *{one_line(anchor, 40)} has no target", event.start_mark)
        value, nodes, depth = self._done[anchor]
        self._aliased += nodes
        if self._aliased > MAX_ALIASED_NODES:
            _refuse(f"The aliases of this YAML expand to more than {MAX_ALIASED_NODES} values", event.start_mark)
        if len(self._open) + depth > MAX_DEPTH:
            raise too_deep()
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            if isinstance(value, dict | list):
                _refuse("An alias of an object or a list is used as a key", event.start_mark)
            self._open[-1].key = "" if value is None else str(value)
            return
        self._put(value, nodes, depth)

    def _read_scalar(self, event: Any) -> None:
        text: str = event.value
        value = _read_value(text, event.tag, event.implicit[0])
        if event.anchor:
            self._done[event.anchor] = (value, 1, 0)
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            self._open[-1].key = text
            # A plain `<<` merges; a quoted one is an ordinary key.
            self._open[-1].merging = text == "<<" and bool(event.implicit[0])
        else:
            self._put(value, 1, 0)

    def _put(self, value: object, nodes: int, depth: int) -> None:
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        parent.nodes += nodes
        self._deepest[-1] = max(self._deepest[-1], depth + 1)
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.merging:
            parent.merged.append(value)
            parent.merging = False
        elif parent.key is not None:
            parent.value[parent.key] = value
        parent.key = None


def _list_merged_entries(value: object) -> list[tuple[str, object]]:
    sources: list[Any] = value if isinstance(value, list) else [value]
    return [entry for source in sources if isinstance(source, dict) for entry in source.items()]


def _read_value(text: str, tag: str | None, plain: bool) -> object:
    """Returns the value of a scalar. Only tags such as `!!int` count, and only if the text is a valid plain scalar."""
    if not plain and tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"):
        return text
    if len(text) <= 700:
        for pattern, convert in _PLAIN:
            if pattern.match(text):
                return convert(text)
    return text


def _refuse(problem: str, mark: Any) -> NoReturn:
    position = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    raise NotASpec(f"{problem}{position}.") from None
