"""Reads texts as what a schema wants in their place: forms send `"3"` where an agent takes an integer.

Only a text that the schema does not allow is touched, so what validates stays as it is; and only one that is
unambiguously a value of an allowed type. Everything else is left to validation (`schemas.problems`), which says what is
wrong with it. Schemas are JSON Schema that `schema_work` has accepted; values are anybody's. The work is bounded: what
would take more stays as it is.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any, cast

from pydantic_core import from_json

from shared.json_schema.cost import MAX_LEVELS, NotASchema, anchors_of, depth, resolve
from shared.models.wire import JsonObject

_EVERY_TYPE = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_MAX_ALTERNATIVES = 64
_MAX_STEPS = 200_000
"""How often a schema is looked at for one value: a second at most."""
_MAX_NUMBER = 400
"""Characters."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_EXACT = 2**53
"""Integers below it are the same as floating-point numbers."""
_IGNORE_BESIDE_REF = re.compile(r"draft-0[3467]")

Alternative = list[JsonObject]
"""Schemas that all hold; none of them has `$ref`, `allOf`, `anyOf` or `oneOf` to be followed any more."""


class _TooMuch(Exception):
    """Reading would take too long."""


_NOTHING = object()
"""In the place of a property's value: the property is dropped."""


def read_texts(schema: JsonObject, value: JsonObject) -> JsonObject:
    """`value` with its texts read, as far as `schema` leaves no doubt; the same object where there is nothing to read.

    `"3"`, `"3.5"`, `"true"`, `"null"`, JSON texts of arrays and objects, and `"a, b"` for an array alone. An empty text
    for an optional property of another type is dropped; for a required one that may be null, it is null.
    """
    if depth(value) > MAX_LEVELS:
        return value
    reader = _Reader(schema, anchors_of(schema), bool(_IGNORE_BESIDE_REF.search(str(schema.get("$schema")))))
    try:
        return cast(JsonObject, reader.read([[schema]], value, required=True))
    except (_TooMuch, NotASchema):
        return value


@dataclass
class _Reader:
    root: JsonObject
    anchors: dict[str, JsonObject]
    ref_stands_alone: bool
    steps: int = 0
    known: dict[int, list[Alternative] | None] = field(default_factory=dict[int, "list[Alternative] | None"])
    """Of each schema that was looked at: its alternatives; None for too many."""
    types: dict[int, frozenset[str]] = field(default_factory=dict[int, "frozenset[str]"])

    def read(self, place: list[list[Any]], value: Any, required: bool) -> Any:
        """`place`: alternatives, each of schemas that all hold. Returns `value` itself where nothing is read."""
        if not isinstance(value, str | dict | list):
            return value
        alternatives = self._alternatives(place)
        self._spend(sum(map(len, alternatives)))
        if isinstance(value, str):
            return self._read_text(alternatives, value, required)
        if isinstance(value, dict):
            return self._read_object(self._allowing(alternatives, "object"), cast(JsonObject, value))
        return self._read_array(self._allowing(alternatives, "array"), cast(list[Any], value))

    def _read_text(self, alternatives: list[Alternative], text: str, required: bool) -> Any:
        texts = self._allowing(alternatives, "string")
        if texts and (self._is_among(texts, text)):
            return text
        alternatives = [each for each in alternatives if self._types(each) - {"string"}]
        types = frozenset[str]().union(*map(self._types, alternatives)) - {"string"}
        if not types:
            return text
        said = text.strip()
        if not said:
            nothing = None if "null" in types else text
            return nothing if required else _NOTHING
        read = _literal(said, types)
        if read is _NOTHING and types <= {"array", "null"} and said[0] not in "[{":
            read = self._split(alternatives, said)
        if read is _NOTHING or (not isinstance(read, list | dict) and not self._is_among(alternatives, read)):
            return text
        return self.read([list[Any](alternative) for alternative in alternatives], read, required)

    def _split(self, alternatives: list[Alternative], said: str) -> Any:
        """The parts between commas, where an element may be written as such a part."""
        elements = self._alternatives(_elements(self._allowing(alternatives, "array"), 0))
        if not any(self._types(each) - {"array", "object", "null"} for each in elements):
            return _NOTHING
        return [part.strip() for part in said.split(",") if part.strip()]

    def _read_object(self, alternatives: list[Alternative], value: JsonObject) -> JsonObject:
        if not alternatives:
            return value
        self._spend(len(value) * sum(map(len, alternatives)))
        alternatives = [every for every in alternatives if not self._is_other_kind(every, value)] or alternatives
        needed = {name for schema in chain(*alternatives) for name in _list(schema.get("required"))}
        read: JsonObject = {}
        for name, each in value.items():
            place = [[part for schema in every for part in _property(schema, name)] for every in alternatives]
            new = self.read(place, each, required=name in needed)
            if new is not _NOTHING:
                read[name] = new
        unchanged = len(read) == len(value) and all(read[name] is each for name, each in value.items())
        return value if unchanged else read

    def _read_array(self, alternatives: list[Alternative], value: list[Any]) -> list[Any]:
        if not alternatives:
            return value
        self._spend(len(value) * sum(map(len, alternatives)))
        read = [self.read(_elements(alternatives, number), each, required=True) for number, each in enumerate(value)]
        return value if all(new is each for new, each in zip(read, value, strict=True)) else read

    def _alternatives(self, place: list[list[Any]]) -> list[Alternative]:
        """Raises `_TooMuch`."""
        found: list[Alternative] = []
        for schemas in place:
            for combination in product(*map(self._expanded, schemas)):
                found.append([schema for part in combination for schema in part])
                if len(found) > _MAX_ALTERNATIVES:
                    raise _TooMuch
        return found

    def _expanded(self, schema: Any) -> list[Alternative]:
        """The alternatives of one schema, with those that it refers to and consists of."""
        self._spend(1)
        if schema is False:
            return []
        if not isinstance(schema, dict):
            return [[]]
        schema = cast(JsonObject, schema)
        if id(schema) not in self.known:
            self.known[id(schema)] = None  # what comes back to itself is too much, too
            self.known[id(schema)] = self._expand(schema)
        if (known := self.known[id(schema)]) is None:
            raise _TooMuch
        return known

    def _expand(self, schema: JsonObject) -> list[Alternative]:
        parts: list[list[list[Any]]] = [[[part]] for part in _list(schema.get("allOf"))]
        parts += [[[part] for part in _list(schema[name])] for name in ("anyOf", "oneOf") if name in schema]
        if "$ref" in schema:
            target = [[resolve(self.root, self.anchors, schema["$ref"])]]
            parts = [target] if self.ref_stands_alone else [*parts, target]
        own: Alternative = [] if "$ref" in schema and self.ref_stands_alone else [schema]
        found = [own]
        for part in parts:
            found = [[*one, *other] for one, other in product(found, self._alternatives(part))]
            if len(found) > _MAX_ALTERNATIVES:
                raise _TooMuch
        return found

    def _allowing(self, alternatives: list[Alternative], type_: str) -> list[Alternative]:
        return [alternative for alternative in alternatives if type_ in self._types(alternative)]

    def _types(self, alternative: Alternative) -> frozenset[str]:
        """Which types of values may fit; others surely do not."""
        types = _EVERY_TYPE
        for schema in alternative:
            if id(schema) not in self.types:
                self.types[id(schema)] = _types(schema)
            types &= self.types[id(schema)]
        return types

    def _is_among(self, alternatives: list[Alternative], read: Any) -> bool:
        """Whether what a text was read as is one of the values that are named, where they are."""

        def fits(alternative: Alternative) -> bool:
            listed = [values for schema in alternative for values in _choices(schema)]
            self._spend(sum(map(len, listed)))
            is_flag = isinstance(read, bool)  # True == 1, in Python
            return all(any(each == read and isinstance(each, bool) is is_flag for each in values) for values in listed)

        return any(fits(alternative) for alternative in alternatives)

    def _is_other_kind(self, alternative: Alternative, value: JsonObject) -> bool:
        """Whether a property has one text where the alternative names others: so are kinds of objects told apart."""
        for schema in alternative:
            properties = schema.get("properties")
            for name, part in cast(JsonObject, properties).items() if isinstance(properties, dict) else ():
                said = value.get(name)
                for values in _choices(cast(JsonObject, part)) if isinstance(part, dict) else ():
                    self._spend(len(values))
                    if isinstance(said, str) and all(isinstance(each, str) for each in values) and said not in values:
                        return True
        return False

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > _MAX_STEPS:
            raise _TooMuch


def _literal(said: str, types: frozenset[str]) -> Any:
    """The number, boolean, null, array or object that a text spells, of these types; `_NOTHING` if there is none."""
    if said.lower() in ("true", "false") and "boolean" in types:
        return said.lower() == "true"
    if said == "null" and "null" in types:
        return None
    if types & {"number", "integer"} and len(said) <= _MAX_NUMBER and _NUMBER.fullmatch(said):
        return _number(said, whole="number" not in types)
    if (said[0] == "[" and "array" in types) or (said[0] == "{" and "object" in types):
        try:
            read = from_json(said, allow_inf_nan=False)
        except ValueError:
            return _NOTHING
        return read if depth(read) <= MAX_LEVELS else _NOTHING
    return _NOTHING


def _number(said: str, whole: bool) -> Any:
    """`whole`: an integer is wanted, which may also be written as 3.0."""
    if said.lstrip("+-").isdigit():
        return int(said)
    number = float(said)
    if not math.isfinite(number):
        return _NOTHING
    if not whole:
        return number
    return int(number) if number.is_integer() and abs(number) < _EXACT else _NOTHING


def _types(schema: JsonObject) -> frozenset[str]:
    """Which types of values one schema lets through, by itself. Every integer is a number."""
    types = _EVERY_TYPE
    said = schema.get("type")
    if said is not None:
        names = {said} if isinstance(said, str) else {str(name) for name in _list(said)}
        types &= names | ({"integer"} if "number" in names else set[str]())
    for values in _choices(schema):
        types &= {_type(value) for value in values} | _same_numbers(values)
    return types


def _choices(schema: JsonObject) -> Iterator[list[Any]]:
    if "const" in schema:
        yield [schema["const"]]
    if isinstance(schema.get("enum"), list):
        yield cast(list[Any], schema["enum"])


def _same_numbers(values: list[Any]) -> set[str]:
    """1 and 1.0 are the same."""
    return {"number", "integer"} if any(_type(value) in ("number", "integer") for value in values) else set()


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _property(schema: JsonObject, name: str) -> list[Any]:
    """The schemas of a property. Patterns are not tried: where there are any, only what is named is known."""
    properties = schema.get("properties")
    if isinstance(properties, dict) and name in properties:
        return [cast(JsonObject, properties)[name]]
    if "additionalProperties" in schema and "patternProperties" not in schema:
        return [schema["additionalProperties"]]
    return []


def _elements(alternatives: list[Alternative], number: int) -> list[list[Any]]:
    """The schemas of an array's element: its own, or those of all that have none."""
    return [[part for schema in alternative for part in _element(schema, number)] for alternative in alternatives]


def _element(schema: JsonObject, number: int) -> list[Any]:
    items = schema.get("items")
    first = _list(schema.get("prefixItems")) or _list(items)
    if number < len(first):
        return [first[number]]
    rest = schema.get("additionalItems") if isinstance(items, list) else items
    return [] if rest is None else [rest]


def _list(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else []
