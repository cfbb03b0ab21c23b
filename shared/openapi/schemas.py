"""Merges a schema with everything that applies to it: its `$ref`, the fields next to the `$ref`, and its `allOf` chain.

`sketch` shows the result.
"""

from dataclasses import dataclass, field
from itertools import islice

from shared.openapi.tree import References, as_list, as_mapping, as_text

_MAX_PARTS = 200
"""The maximum number of schemas that are merged into one. Real documents merge up to ten."""

_MAX_PROPERTIES = 1000
"""The maximum number of properties that are taken from one part.

Without it, many schemas that are based on a huge one would take quadratic time.
"""

_CUMULATIVE = ("properties", "required", "allOf", "$ref", "oneOf", "anyOf")


@dataclass(frozen=True)
class MergedSchema:
    """A merged schema. `name`: its name in the document, or empty. `target`: an id that all `$ref`s to it share.

    `missing`: the unresolvable `$ref`s among its parts. `choices`: its `oneOf`s and `anyOf`s.
    """

    name: str = ""
    target: int | None = None
    fields: dict[str, object] = field(default_factory=lambda: dict[str, object]())
    properties: dict[str, object] = field(default_factory=lambda: dict[str, object]())
    required: set[str] = field(default_factory=lambda: set[str]())
    choices: list[list[object]] = field(default_factory=lambda: list[list[object]]())
    missing: list[str] = field(default_factory=lambda: list[str]())


class Schemas:
    """Merges the schemas of one document. Each schema is merged only once."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._merged: dict[int, tuple[object, MergedSchema]] = {}

    def merge(self, schema: object) -> MergedSchema:
        """Returns the merged schema, always the same object for the same schema. Empty if `schema` is not a schema."""
        # The schema is stored with its result, so that no other object can get its id.
        entry = self._merged.get(id(schema))
        if entry is None:
            entry = self._merged[id(schema)] = (schema, self._merge(schema))
        return entry[1]

    def _merge(self, schema: object) -> MergedSchema:
        name, target = self._identify(schema)
        merged = MergedSchema(name, target)
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
        """Returns the name and the target.

        In 3.0, an `allOf` with a single `$ref` is used only to add a description to its target.
        """
        resolved = self._references.resolve(schema)
        if resolved.name:
            return (resolved.name, None if resolved.node is None else id(resolved.node))
        node = as_mapping(schema)
        parts = as_list(node.get("allOf"))
        if len(parts) == 1 and not node.get("properties") and "$ref" in as_mapping(parts[0]):
            return self._identify({"$ref": as_mapping(parts[0])["$ref"]})
        return "", None

    def _collect_parts(self, schema: object, merged: MergedSchema) -> list[dict[str, object]]:
        """Returns the parts of `schema`, in an order in which later parts override earlier ones."""
        nearest_first: list[dict[str, object]] = []
        seen: set[int] = set()
        pending = [schema]
        while pending and len(nearest_first) < _MAX_PARTS:
            node = as_mapping(pending.pop())
            if not node or id(node) in seen:
                continue
            seen.add(id(node))
            nearest_first.append(node)
            pointer = as_text(node.get("$ref"))
            if pointer:
                target = self._references.target(pointer)
                if target is None:
                    merged.missing.append(self._references.resolve({"$ref": pointer}).name)
                pending.append(target)
            pending.extend(as_list(node.get("allOf"))[:_MAX_PARTS])
        return nearest_first[::-1]
