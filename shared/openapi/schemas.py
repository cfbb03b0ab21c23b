"""Merges a schema with everything that applies to it: its `$ref`, the fields next to it, and its `allOf` chain.

`sketch` shows the result.
"""

from dataclasses import dataclass, field
from itertools import islice

from shared.openapi.tree import References, as_list, as_mapping, as_text

_MAX_PARTS = 200
"""Schemas merged into one. Real documents merge up to ten."""

_MAX_PROPERTIES = 1000
"""Properties taken from one part. Otherwise many schemas built on a huge one would take quadratic time."""

_CUMULATIVE = ("properties", "required", "allOf", "$ref", "oneOf", "anyOf")


@dataclass(frozen=True)
class Merged:
    """A merged schema. `name`: its name in the document, or empty. `target`: an id that all `$ref`s to it share.

    `missing`: the `$ref`s among its parts that lead nowhere. `choices`: its `oneOf`s and `anyOf`s.
    """

    name: str = ""
    target: int | None = None
    fields: dict[str, object] = field(default_factory=lambda: dict[str, object]())
    properties: dict[str, object] = field(default_factory=lambda: dict[str, object]())
    required: set[str] = field(default_factory=lambda: set[str]())
    choices: list[list[object]] = field(default_factory=lambda: list[list[object]]())
    missing: list[str] = field(default_factory=lambda: list[str]())


class Schemas:
    """Merges one document's schemas, each only once."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._merged: dict[int, tuple[object, Merged]] = {}

    def merge(self, schema: object) -> Merged:
        """The merged schema; the same schema always gives the same object. Empty if `schema` is not a schema."""
        # The schema is stored with its result, so that no other object can get its id.
        known = self._merged.get(id(schema))
        if known is None:
            known = self._merged[id(schema)] = (schema, self._merge(schema))
        return known[1]

    def _merge(self, schema: object) -> Merged:
        name, target = self._identify(schema)
        merged = Merged(name, target)
        for part in self._collect_parts(schema, merged):
            for key, value in part.items():
                if key not in _CUMULATIVE:
                    merged.fields[key] = value
            for key, value in islice(as_mapping(part.get("properties")).items(), _MAX_PROPERTIES):
                before = as_mapping(merged.properties.get(key))
                merged.properties[key] = {**before, **as_mapping(value)} if before and as_mapping(value) else value
            required = islice(as_list(part.get("required")), _MAX_PROPERTIES)
            merged.required.update(entry for entry in required if isinstance(entry, str))
            merged.choices.extend(choice for key in ("oneOf", "anyOf") if (choice := as_list(part.get(key))))
        return merged

    def _identify(self, schema: object) -> tuple[str, int | None]:
        """The name and the target. In 3.0, an `allOf` with a single `$ref` only adds a description to its target."""
        resolved = self._references.resolve(schema)
        if resolved.name:
            return (resolved.name, None if resolved.node is None else id(resolved.node))
        node = as_mapping(schema)
        parts = as_list(node.get("allOf"))
        if len(parts) == 1 and not node.get("properties") and "$ref" in as_mapping(parts[0]):
            return self._identify({"$ref": as_mapping(parts[0])["$ref"]})
        return "", None

    def _collect_parts(self, schema: object, merged: Merged) -> list[dict[str, object]]:
        """The parts of `schema`, in the order in which later ones override earlier ones."""
        nearest_first: list[dict[str, object]] = []
        seen: set[int] = set()
        waiting = [schema]
        while waiting and len(nearest_first) < _MAX_PARTS:
            node = as_mapping(waiting.pop())
            if not node or id(node) in seen:
                continue
            seen.add(id(node))
            nearest_first.append(node)
            pointer = as_text(node.get("$ref"))
            if pointer:
                target = self._references.target(pointer)
                if target is None:
                    merged.missing.append(self._references.resolve({"$ref": pointer}).name)
                waiting.append(target)
            waiting.extend(as_list(node.get("allOf"))[:_MAX_PARTS])
        return nearest_first[::-1]
