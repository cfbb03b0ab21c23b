"""Measures the work that a JSON Schema causes before it is compiled, because schemas and values are untrusted.

Validators follow the references of a schema. A few hundred bytes can refer to the same definition twice at each of
forty levels, which causes 2^40 evaluations. This module counts them without performing them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from shared.json_pointers import follow_pointer
from shared.models.wire import JsonObject

MAX_LEVELS = 100
"""The maximum nesting of a value, and of a schema with its references followed. Validators recurse on limited stacks.
"""
MAX_WORK = 100_000
"""The maximum number of evaluations of subschemas."""
MAX_PATTERNS = 200
"""The maximum number of regular expressions in a schema. Each takes up to a tenth of a megabyte."""

_PLACES: dict[str, bool] = {  # keywords with one or more schemas; True: these apply to the same value
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"), True),
    **dict.fromkeys(("additionalProperties", "unevaluatedProperties", "propertyNames"), False),
    **dict.fromkeys(("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains"), False),
    **dict.fromkeys(("properties", "patternProperties"), False),
}
_MAPS = {"properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"}


class NotASchema(ValueError):
    """The schema cannot be used. `problem`: a clause, such as "it is too long". `where`: a JSON Pointer."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"at {where}, {problem}" if where else problem)


@dataclass
class SchemaWork:
    """The work that a schema causes.

    `unrolled`: the schemas to evaluate if recursive references are followed only once.

    `recursive`: the number of references that lead back to themselves. `branches`: whether the schema uses anyOf or
    oneOf, whose errors list every branch.
    """

    unrolled: int = 0
    recursive: int = 0
    branches: bool = False


@dataclass
class _Walk:
    root: JsonObject
    anchors: dict[str, JsonObject]
    result: SchemaWork = field(default_factory=SchemaWork)
    known: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """The evaluations and levels of each schema, by its id."""
    entered: set[int] = field(default_factory=set[int])
    """The ids of the schemas that the walk has entered and not left."""

    def visit(self, schema: JsonObject, where: str) -> tuple[int, int]:
        """Returns the number of evaluations that `schema` causes, and its levels."""
        key = id(schema)
        if key in self.entered:
            self.result.recursive += 1
            return 1, 0
        if key not in self.known:
            self._refuse_deeper(0, where)
            self.entered.add(key)
            self.known[key] = self._measure(schema, where)
            self.entered.remove(key)
        self._refuse_deeper(self.known[key][1], where)
        return self.known[key]

    def _refuse_deeper(self, levels: int, where: str) -> None:
        if len(self.entered) + levels > MAX_LEVELS:
            raise NotASchema(f"it is nested more than {MAX_LEVELS} levels deep, including references", where)

    def _measure(self, schema: JsonObject, where: str) -> tuple[int, int]:
        work, levels = 1, 0
        self.result.branches |= "anyOf" in schema or "oneOf" in schema
        for child, place, _ in self.children(schema, where):
            child_work, child_levels = self.visit(child, place)
            work, levels = work + child_work, max(levels, child_levels)
            if work > MAX_WORK:
                raise NotASchema(f"it expands to more than {MAX_WORK} schemas", where)
        return work, levels + 1

    def children(self, schema: JsonObject, where: str) -> Iterator[tuple[JsonObject, str, bool]]:
        """Yields the subschemas and the target of `$ref`, each with its place, and whether it is for the same value."""
        for keyword, same_value in _PLACES.items():
            if keyword in schema:
                for child, place in _subschemas(keyword, schema[keyword], f"{where}/{keyword}"):
                    yield child, place, same_value
        if "$ref" in schema and isinstance(target := self._resolve(schema["$ref"], f"{where}/$ref"), dict):
            yield target, f"{where}/$ref", True

    def _resolve(self, reference: Any, where: str) -> Any:
        return resolve(self.root, self.anchors, reference, where)


def resolve(root: JsonObject, anchors: dict[str, JsonObject], reference: Any, where: str = "") -> Any:
    """Returns the target of a `$ref`. `anchors`: see `find_anchors`. Raises `NotASchema` if it is not in the schema."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        raise NotASchema(
            'it refers to another document: only references within the schema ("#/…") are supported', where
        )
    if reference[1:] in anchors:
        return anchors[reference[1:]]
    try:
        return follow_pointer(root, reference)
    except LookupError as error:
        raise NotASchema(f"{reference[:100]!r} has no target", where) from error


def find_anchors(schema: JsonObject) -> dict[str, JsonObject]:
    """Returns the subschemas that have anchors, by anchor."""
    return {name: part for part, _ in _all(schema) for name in _anchors(part)}


def estimate_work(schema: JsonObject) -> SchemaWork:
    """Measures a schema. Raises `NotASchema` if it is too deep or too much work, endless, or not self-contained."""
    if measure_depth(schema) > 2 * MAX_LEVELS:
        raise NotASchema(f"it is nested more than {MAX_LEVELS} levels deep")
    parts = list(_all(schema))
    _refuse_unsupported(schema, parts)
    walk = _Walk(schema, find_anchors(schema))
    for part, where in parts:
        walk.visit(part, where)
    _refuse_endless(walk, parts)
    walk.result.unrolled = walk.known[id(schema)][0]
    return walk.result


def _anchors(schema: JsonObject) -> list[str]:
    names = (schema.get("$anchor"), schema.get("$dynamicAnchor"))
    return [name for name in names if isinstance(name, str)]


def _refuse_unsupported(schema: JsonObject, parts: list[tuple[JsonObject, str]]) -> None:
    id_names = ("$id", "id") if "draft-04" in str(schema.get("$schema")) else ("$id",)
    patterns = 0
    for part, where in parts:
        by_pattern = part.get("patternProperties")
        patterns += ("pattern" in part) + (len(by_pattern) if isinstance(by_pattern, dict) else 0)
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in part:
                raise NotASchema("this keyword is not supported", f"{where}/{keyword}")
        if where and any(name in part for name in id_names):
            raise NotASchema("a subschema with an id of its own is not supported", where)
    if patterns > MAX_PATTERNS:
        raise NotASchema(f"it has {patterns} regular expressions, but at most {MAX_PATTERNS} are allowed")


def _refuse_endless(walk: _Walk, parts: list[tuple[JsonObject, str]]) -> None:
    """Refuses schemas that lead back to themselves for the same value, because their evaluation would never end."""
    done: set[int] = set()
    for part, where in parts:
        entered: dict[int, Iterator[tuple[JsonObject, str, bool]]] = {}
        if id(part) not in done:
            entered[id(part)] = walk.children(part, where)
        while entered:
            key = next(reversed(entered))
            child, place, same_value = next(entered[key], (None, "", False))
            if child is None:
                done.add(key)
                del entered[key]
            elif same_value and id(child) in entered:
                raise NotASchema("it refers to itself endlessly", place)
            elif same_value and id(child) not in done:
                entered[id(child)] = walk.children(child, place)


def measure_depth(value: Any) -> int:
    """Returns the number of levels of objects and arrays in a JSON value. Counting stops far above `MAX_LEVELS`."""
    levels, level = 0, [value]
    while level and levels <= 2 * MAX_LEVELS:
        level = [part for each in level for part in _parts(each)]
        levels += bool(level)
    return levels


def measure_size(value: Any, limit: int) -> int:
    """Returns the number of values that a JSON value consists of. Counting stops above `limit`."""
    count, pending = 0, [value]
    while pending and count <= limit:
        each = pending.pop()
        count += 1
        pending.extend(_parts(each))
    return count


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(cast(JsonObject, value).values())
    return cast(list[Any], value) if isinstance(value, list) else []


def _subschemas(keyword: str, value: Any, where: str) -> Iterator[tuple[JsonObject, str]]:
    """Yields the schemas in a keyword's value, with their places.

    Boolean schemas are omitted, because they cause no work.
    """
    if isinstance(value, dict):
        value = cast(JsonObject, value)
        if keyword not in _MAPS:
            yield value, where
            return
        for name, each in value.items():
            if isinstance(each, dict):
                yield each, f"{where}/{name[:100]}"
    elif isinstance(value, list):
        for number, each in enumerate(cast(list[Any], value)):
            if isinstance(each, dict):
                yield cast(JsonObject, each), f"{where}/{number}"


def _all(schema: JsonObject) -> Iterator[tuple[JsonObject, str]]:
    """Yields every subschema, including definitions, with its place. References are not followed."""
    pending: list[tuple[JsonObject, str]] = [(schema, "")]
    while pending:
        part, where = pending.pop()
        yield part, where
        for keyword in (*_PLACES, "$defs", "definitions"):
            if keyword in part:
                pending.extend(_subschemas(keyword, part[keyword], f"{where}/{keyword}"))
