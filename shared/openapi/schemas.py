"""One schema with all that applies to it at once: its `$ref`, what stands beside it, and its `allOf` chain, merged.

How the result is shown is `sketch`'s part.
"""

from dataclasses import dataclass, field
from itertools import islice

from shared.openapi.tree import References, as_list, as_mapping, as_text

_MAX_PARTS = 200
"""Schemas merged into one. Documents in use merge ten."""

_MAX_PROPERTIES = 1000
"""Properties taken from one part. Else many schemas built on a huge one would take quadratic time."""

_CUMULATIVE = ("properties", "required", "allOf", "$ref", "oneOf", "anyOf")


@dataclass(frozen=True)
class Merged:
    """`name` is what the document calls it, empty if nothing; `target` is what `$ref`s to it have in common.

    `missing` are the `$ref`s among its parts that lead nowhere; `choices` are its `oneOf`s and `anyOf`s.
    """

    name: str = ""
    target: int | None = None
    fields: dict[str, object] = field(default_factory=lambda: dict[str, object]())
    properties: dict[str, object] = field(default_factory=lambda: dict[str, object]())
    required: set[str] = field(default_factory=lambda: set[str]())
    choices: list[list[object]] = field(default_factory=lambda: list[list[object]]())
    missing: list[str] = field(default_factory=lambda: list[str]())


class Schemas:
    """Merges one document's schemas, each once."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._merged: dict[int, tuple[object, Merged]] = {}

    def merge(self, schema: object) -> Merged:
        """The same schema gives the same object. Empty for what is no schema."""
        # The schema is kept beside its result: its id stays its own as long as this lives.
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
        """An `allOf` of one `$ref` is how 3.0 puts a description beside a `$ref`: it is that type."""
        resolved = self._references.resolve(schema)
        if resolved.name:
            return (resolved.name, None if resolved.node is None else id(resolved.node))
        node = as_mapping(schema)
        whole = as_list(node.get("allOf"))
        if len(whole) == 1 and not node.get("properties") and "$ref" in as_mapping(whole[0]):
            return self._identify({"$ref": as_mapping(whole[0])["$ref"]})
        return "", None

    def _collect_parts(self, schema: object, merged: Merged) -> list[dict[str, object]]:
        """What is farther from `schema` comes first, so that what is nearer wins."""
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
