"""Writes out the references in a schema of the answer, for providers that are sent it so.

litellm would do it by itself, without a bound: a schema whose definitions refer to each other several times each grows
from two kilobytes to gigabytes, which fill the memory, or are sent and billed. Written out here, what is sent is what
was held for.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from shared.json_pointers import follow_pointer
from shared.llm.catalog.errors import InvalidParameters

MAX_WRITTEN_OUT = 256 * 1024
"""Of all that references stand for, in bytes, counted anew for each of them."""
MAX_DEPTH = 100
_DEFINITIONS = ("$defs", "definitions")
_SCHEMA = "response_format.json_schema.schema"


def inline_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with what each `$ref` stands for in its place, under what stands beside it; without definitions.

    Takes time in proportion to the schema and to what it becomes. Raises `InvalidParameters` for references that lead
    nowhere, to themselves or out of the schema, for what becomes too long or too deep, and for a `$ref` that is not a
    text, as litellm takes a property of that name for a reference.
    """
    body = {name: value for name, value in schema.items() if name not in _DEFINITIONS}
    return _Writer(schema).write(body, (), 0)


class _Writer:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._left = MAX_WRITTEN_OUT

    def write(self, value: Any, within: tuple[str, ...], depth: int) -> Any:
        """`within`: the references that led here."""
        if depth > MAX_DEPTH:
            raise InvalidParameters(f"{_SCHEMA} is nested more than {MAX_DEPTH} deep, with what $ref stands for.")
        match value:
            case list():
                items: list[Any] = value
                return [self.write(item, within, depth + 1) for item in items]
            case {"$ref": str() as reference}:
                fields = cast("dict[str, Any]", value)
                beside = {name: item for name, item in fields.items() if name != "$ref"}
                inner = self.write(self._resolve(reference, within), (*within, reference), depth + 1)
                return {**inner, **self.write(beside, within, depth + 1)}
            case {"$ref": _}:
                raise InvalidParameters(
                    f"Each $ref in {_SCHEMA} must be a text, such as #/$defs/name, for this model: no property can "
                    "have that name."
                )
            case dict():
                fields = cast("dict[str, Any]", value)
                return {name: self.write(item, within, depth + 1) for name, item in fields.items()}
            case _:
                return value

    def _resolve(self, reference: str, within: tuple[str, ...]) -> dict[str, Any]:
        if reference in within:
            raise InvalidParameters(f"{_SCHEMA} must not have a $ref within what it stands for, for this model.")
        target = self._find(reference)
        self._left -= len(json.dumps(target))
        if self._left < 0:
            raise InvalidParameters(
                f"What $ref stands for in {_SCHEMA} is longer than {MAX_WRITTEN_OUT} bytes, written out for each of "
                "them, as this model is sent it. Refer to less, or less often."
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
