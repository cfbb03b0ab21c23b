"""Replaces the references in an answer schema by their targets, for providers that need that.

litellm would do this without a limit. A schema whose definitions refer to each other several times can grow from two
kilobytes to gigabytes, which exhaust the memory, or are sent and billed. Because the references are replaced here, the
hold covers the schema that is sent.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from shared.json_pointers import follow_pointer
from shared.llm.catalog.errors import InvalidParameters

MAX_WRITTEN_OUT = 256 * 1024
"""The maximum size of the targets of all references together, in bytes. A repeated target counts each time."""
MAX_DEPTH = 100
"""The maximum nesting of the result, in levels."""
_DEFINITIONS = ("$defs", "definitions")
_SCHEMA = "response_format.json_schema.schema"


def inline_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema without definitions, in which each `$ref` is replaced by its target.

    Fields next to a `$ref` override those of its target. The time is proportional to the lengths of the schema and the
    result. Raises `InvalidParameters` for references without a target, to themselves or to other documents, for a
    result that is too long or nested too deeply, and for a `$ref` that is not a string, because litellm mistakes a
    property with that name for a reference.
    """
    body = {name: value for name, value in schema.items() if name not in _DEFINITIONS}
    return _Writer(schema).write(body, (), 0)


class _Writer:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._remaining = MAX_WRITTEN_OUT

    def write(self, value: Any, within: tuple[str, ...], depth: int) -> Any:
        """Returns the value with references replaced. `within`: the references that led to it."""
        if depth > MAX_DEPTH:
            raise InvalidParameters(
                f"{_SCHEMA} is nested more than {MAX_DEPTH} levels deep after each $ref is replaced by its target."
            )
        match value:
            case list():
                items: list[Any] = value
                return [self.write(item, within, depth + 1) for item in items]
            case {"$ref": str() as reference}:
                fields = cast("dict[str, Any]", value)
                siblings = {name: item for name, item in fields.items() if name != "$ref"}
                inner = self.write(self._resolve(reference, within), (*within, reference), depth + 1)
                return {**inner, **self.write(siblings, within, depth + 1)}
            case {"$ref": _}:
                raise InvalidParameters(
                    f"Each $ref in {_SCHEMA} must be a string, such as #/$defs/name, for this model: no property can "
                    "have that name."
                )
            case dict():
                fields = cast("dict[str, Any]", value)
                return {name: self.write(item, within, depth + 1) for name, item in fields.items()}
            case _:
                return value

    def _resolve(self, reference: str, within: tuple[str, ...]) -> dict[str, Any]:
        if reference in within:
            raise InvalidParameters(f"{_SCHEMA} must not have a $ref inside its own target for this model.")
        target = self._find(reference)
        self._remaining -= len(json.dumps(target))
        if self._remaining < 0:
            raise InvalidParameters(
                f"The targets of all $refs in {_SCHEMA} have more than {MAX_WRITTEN_OUT} bytes together. They are sent "
                "to this model in place of the references. Use smaller definitions, or fewer references."
            )
        return target

    def _find(self, reference: str) -> dict[str, Any]:
        try:
            target = follow_pointer(self._schema, reference)
        except LookupError:
            target = None
        if reference == "#" or not isinstance(target, dict):
            raise InvalidParameters(
                f"Each $ref in {_SCHEMA} must lead to a schema within it, such as #/$defs/name, for this model."
            )
        return cast("dict[str, Any]", target)
