"""Converts strings to the types of a schema, because forms send `"3"` for an integer.

A string is converted only if the schema does not allow it, so valid values do not change, and only if it is
unambiguously a value of an allowed type. Other values are left to validation (`validation.find_problems`), which
reports them. Schemas are JSON Schema that `estimate_work` has accepted; values are untrusted. The work is limited: a
value that would take more is returned unchanged.
"""

import re
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any, cast

from shared.json_schema.cost import MAX_LEVELS, NotASchema, find_anchors, measure_depth, resolve
from shared.json_schema.keywords import (
    EVERY_TYPE,
    allowed_types,
    element_schemas,
    list_or_empty,
    listed_values,
    property_schemas,
)
from shared.json_schema.literals import NOTHING, read_literal
from shared.models.wire import JsonObject

_MAX_ALTERNATIVES = 64
"""The maximum number of alternatives of one place."""
_MAX_STEPS = 200_000
"""The maximum number of schemas that are visited for one value, which takes at most a second."""
_DRAFTS_WITH_LONE_REF = re.compile(r"draft-0[3467]")

Alternative = list[JsonObject]
"""Schemas that all apply. `$ref`, `allOf`, `anyOf` and `oneOf` have been resolved in all of them."""


class _TooMuchWork(Exception):
    """The conversion would take too long."""


def read_texts(schema: JsonObject, value: JsonObject) -> JsonObject:
    """Returns `value` with its strings converted where `schema` is unambiguous; the same object if none are converted.

    Converts `"3"`, `"3.5"`, `"true"`, `"null"`, JSON text of arrays and objects, and `"a, b"` if only an array is
    allowed. An empty string is dropped for an optional property of another type, and becomes null for a required
    property that may be null.
    """
    if measure_depth(value) > MAX_LEVELS:
        return value
    reader = _Reader(schema, find_anchors(schema), bool(_DRAFTS_WITH_LONE_REF.search(str(schema.get("$schema")))))
    try:
        return cast(JsonObject, reader.read([[schema]], value, required=True))
    except (_TooMuchWork, NotASchema):
        return value


@dataclass
class _Reader:
    root: JsonObject
    anchors: dict[str, JsonObject]
    ref_stands_alone: bool
    steps: int = 0
    known: dict[int, list[Alternative] | None] = field(default_factory=dict[int, "list[Alternative] | None"])
    """The alternatives of each schema, by its id; None if there are too many."""
    types: dict[int, frozenset[str]] = field(default_factory=dict[int, "frozenset[str]"])

    def read(self, place: list[list[Any]], value: Any, required: bool) -> Any:
        """Returns the converted value, or `NOTHING` to drop the property. `place`: alternative lists of schemas."""
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
        stripped = text.strip()
        if not stripped:
            null_or_text = None if "null" in types else text
            return null_or_text if required else NOTHING
        read = read_literal(stripped, types)
        if read is NOTHING and types <= {"array", "null"} and stripped[0] not in "[{":
            read = self._split(alternatives, stripped)
        if read is NOTHING or (not isinstance(read, list | dict) and not self._is_among(alternatives, read)):
            return text
        return self.read([list[Any](alternative) for alternative in alternatives], read, required)

    def _split(self, alternatives: list[Alternative], text: str) -> Any:
        """Returns the parts between commas, or `NOTHING` if elements cannot be written in this way."""
        elements = self._alternatives(_elements(self._allowing(alternatives, "array"), 0))
        if not any(self._types(each) - {"array", "object", "null"} for each in elements):
            return NOTHING
        return [part.strip() for part in text.split(",") if part.strip()]

    def _read_object(self, alternatives: list[Alternative], value: JsonObject) -> JsonObject:
        if not alternatives:
            return value
        self._spend(len(value) * sum(map(len, alternatives)))
        alternatives = [every for every in alternatives if not self._is_other_kind(every, value)] or alternatives
        required = {name for schema in chain(*alternatives) for name in list_or_empty(schema.get("required"))}
        read: JsonObject = {}
        for name, each in value.items():
            place = [[part for schema in every for part in property_schemas(schema, name)] for every in alternatives]
            new = self.read(place, each, required=name in required)
            if new is not NOTHING:
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
        """Returns the alternatives of a place. Raises `_TooMuchWork`."""
        alternatives: list[Alternative] = []
        for schemas in place:
            for combination in product(*map(self._expand_once, schemas)):
                alternatives.append([schema for part in combination for schema in part])
                if len(alternatives) > _MAX_ALTERNATIVES:
                    raise _TooMuchWork
        return alternatives

    def _expand_once(self, schema: Any) -> list[Alternative]:
        """Returns the alternatives of a schema, including the schemas that it refers to and consists of.

        They are cached.
        """
        self._spend(1)
        if schema is False:
            return []
        if not isinstance(schema, dict):
            return [[]]
        schema = cast(JsonObject, schema)
        if id(schema) not in self.known:
            self.known[id(schema)] = None  # a schema that refers to itself counts as having too many alternatives
            self.known[id(schema)] = self._expand(schema)
        if (known := self.known[id(schema)]) is None:
            raise _TooMuchWork
        return known

    def _expand(self, schema: JsonObject) -> list[Alternative]:
        parts: list[list[list[Any]]] = [[[part]] for part in list_or_empty(schema.get("allOf"))]
        parts += [[[part] for part in list_or_empty(schema[name])] for name in ("anyOf", "oneOf") if name in schema]
        if "$ref" in schema:
            target = [[resolve(self.root, self.anchors, schema["$ref"])]]
            parts = [target] if self.ref_stands_alone else [*parts, target]
        siblings: Alternative = [] if "$ref" in schema and self.ref_stands_alone else [schema]
        alternatives = [siblings]
        for part in parts:
            alternatives = [[*one, *other] for one, other in product(alternatives, self._alternatives(part))]
            if len(alternatives) > _MAX_ALTERNATIVES:
                raise _TooMuchWork
        return alternatives

    def _allowing(self, alternatives: list[Alternative], type_: str) -> list[Alternative]:
        return [alternative for alternative in alternatives if type_ in self._types(alternative)]

    def _types(self, alternative: Alternative) -> frozenset[str]:
        """Returns the types of values that the alternative may allow."""
        types = EVERY_TYPE
        for schema in alternative:
            if id(schema) not in self.types:
                self.types[id(schema)] = allowed_types(schema)
            types &= self.types[id(schema)]
        return types

    def _is_among(self, alternatives: list[Alternative], read: Any) -> bool:
        """Whether a converted value is one of the listed values, if any are listed."""

        def fits(alternative: Alternative) -> bool:
            listed = [values for schema in alternative for values in listed_values(schema)]
            self._spend(sum(map(len, listed)))
            is_flag = isinstance(read, bool)  # in Python, True == 1
            return all(any(each == read and isinstance(each, bool) is is_flag for each in values) for values in listed)

        return any(fits(alternative) for alternative in alternatives)

    def _is_other_kind(self, alternative: Alternative, value: JsonObject) -> bool:
        """Whether a property has a string that the alternative does not list. Schemas distinguish kinds in this way."""
        for schema in alternative:
            properties = schema.get("properties")
            for name, part in cast(JsonObject, properties).items() if isinstance(properties, dict) else ():
                kind = value.get(name)
                for values in listed_values(cast(JsonObject, part)) if isinstance(part, dict) else ():
                    self._spend(len(values))
                    if isinstance(kind, str) and all(isinstance(each, str) for each in values) and kind not in values:
                        return True
        return False

    def _spend(self, steps: int) -> None:
        self.steps += steps
        if self.steps > _MAX_STEPS:
            raise _TooMuchWork


def _elements(alternatives: list[Alternative], index: int) -> list[list[Any]]:
    """Returns the schemas of an array's element, for each alternative."""
    return [[part for schema in alternative for part in element_schemas(schema, index)] for alternative in alternatives]
