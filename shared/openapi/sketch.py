"""Writes a schema as a type on one line: `Pet {id*: integer<int64>, tags: [string], owner: Person {…} | null}`.

`LEGEND` explains the notation to the model. The caller limits the depth and length of a sketch.
"""

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from shared.openapi.prose import literal, one_line, prose
from shared.openapi.schemas import MergedSchema, Schemas
from shared.openapi.tree import MAX_NAME_LENGTH, as_list, as_mapping, as_text

LEGEND = (
    "Types: `*` marks a required field, `[T]` a list of T, `|` alternatives, `&` all at once, "
    "`{[key]: T}` an object with any keys; `…` or a type's bare name marks omitted detail."
)

Direction = Literal["send", "receive"]

MAX_REQUIRED = 1500
"""The maximum length of a body's required fields, in characters. Real bodies have up to thirty such fields."""

MAX_DEEPER_REQUIRED = 400
"""The maximum length if required fields of required fields are included, in characters."""

_MAX_UNDESCRIBED = 30
"""The maximum number of required fields without a schema that are shown of one object."""

_MAX_VALUES = 12
"""The maximum number of values that are shown of one `enum`."""

_MAX_CHOICES = 12
"""The maximum number of alternatives that are shown of one `oneOf`."""

_MAX_NESTING = 12
"""The maximum depth of nested schemas, including schemas that do not count as a level of objects."""

_PLAIN_KEY = re.compile(r"[\w.$@-]+(?:\[\])?$")


@dataclass(frozen=True)
class Extent:
    """Limits for a sketch: `levels` of nested objects, approximate `length`, and `description_length`, in characters.

    With 0 levels, only the name of an object is shown. If the sketch exceeds `length`, levels are dropped first and
    fields last. `required`: the number of additional levels for required fields, which may take `MAX_REQUIRED`
    characters even if `length` is lower. With 0, required fields are treated like optional ones.
    """

    levels: int
    length: int
    description_length: int = 0
    required: int = 0


class _TooLong(Exception):
    pass


class Sketcher:
    """Sketches the schemas of one document, each only once per extent and direction."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._sketches: dict[tuple[int, Extent, Direction], tuple[object, str]] = {}

    def sketch(self, schema: object, extent: Extent, direction: Direction) -> str:
        """Returns a sketch on one line; "any" for an empty schema.

        Read-only fields are omitted if the direction is "send", and write-only fields if it is "receive".
        """
        key = (id(schema), extent, direction)
        entry = self._sketches.get(key)
        if entry is None:
            # The schema is stored for the same reason as in `Schemas`.
            entry = self._sketches[key] = (schema, self._draw(schema, extent, direction))
        return entry[1]

    def _draw(self, schema: object, extent: Extent, direction: Direction) -> str:
        def attempt(
            levels: int,
            required_levels: int,
            description_length: int,
            length: int,
            *,
            cuts: bool,
            optional: bool = True,
        ) -> str | None:
            shortened = replace(extent, description_length=description_length, length=length)
            drawing = _Drawing(self._schemas, shortened, direction, cuts=cuts, optional=optional)
            try:
                return drawing.draw(schema, levels, required_levels)
            except _TooLong:
                return None

        min_levels = min(extent.levels, 1)
        for levels in range(extent.levels, 0, -1):
            drawn = attempt(levels, extent.required, extent.description_length, extent.length, cuts=False)
            if drawn is not None:
                return drawn
        if extent.required:
            # Show required fields as deeply as possible; optional fields get the rest of the length.
            for description_length in dict.fromkeys((extent.description_length, 0)):
                for required_levels in range(extent.required, 0, -1):
                    drawn = attempt(0, required_levels, description_length, extent.length, cuts=False)
                    if drawn is not None:
                        return drawn
            for required_levels in range(extent.required, 1, -1):
                drawn = attempt(0, required_levels, 0, MAX_DEEPER_REQUIRED, cuts=False, optional=False)
                if drawn is not None:
                    return drawn
            for cuts in (False, True):
                drawn = attempt(0, 1, 0, MAX_REQUIRED, cuts=cuts, optional=False)
                if drawn is not None:
                    return drawn
        return attempt(min_levels, 0, extent.description_length, extent.length, cuts=True) or "any"


class _Drawing:
    """One attempt at a sketch. If it is too long, it ends in "…" with `cuts`, and raises `_TooLong` otherwise.

    `optional`: whether optional fields fill the length that required fields leave.
    """

    def __init__(self, schemas: Schemas, extent: Extent, direction: Direction, *, cuts: bool, optional: bool) -> None:
        self._shows_optional = optional
        self._schemas = schemas
        self._description_length = extent.description_length
        self._remaining = extent.length
        self._is_request = direction == "send"
        self._hidden = "readOnly" if self._is_request else "writeOnly"
        self._cuts = cuts
        self._ancestors: set[int] = set()
        self._nesting = 0
        self._field_depth = 0
        self._choice_depth = 0

    def draw(self, schema: object, levels: int, required_levels: int) -> str:
        """Draws a schema.

        `levels`: the remaining levels of nested objects. `required_levels`: the additional levels for required fields.
        """
        # Every schema uses up some length; otherwise nested alternatives could take forever without any output.
        self._spend("  ")
        merged = self._schemas.merge(schema)
        if merged.target in self._ancestors or self._nesting > _MAX_NESTING or self._remaining <= 0:
            return merged.name or "…"
        if merged.target is not None:
            self._ancestors.add(merged.target)
        self._nesting += 1
        drawn = self._draw_whole(merged, levels, required_levels)
        self._nesting -= 1
        if merged.target is not None:
            self._ancestors.discard(merged.target)
        return drawn

    def _draw_whole(self, merged: MergedSchema, levels: int, required_levels: int) -> str:
        parts = [self._spend(name) for name in merged.missing[:5]]
        body = self._draw_own(merged, levels, required_levels)
        if body != "any":
            parts.append(body)
        parts.extend(
            choice
            for group in merged.choices[:5]
            if (choice := self._draw_choice(group, merged, levels, required_levels))
        )
        if len(parts) > 1:
            parts = [f"({part})" if " | " in part and not part.endswith("}") else part for part in parts]
        drawn = " & ".join(parts) or "any"
        nullable = merged.fields.get("nullable") is True or merged.fields.get("x-nullable") is True
        return f"{drawn} | null" if nullable and drawn != "any" and not drawn.endswith("null") else drawn

    def _draw_choice(self, group: list[object], merged: MergedSchema, levels: int, required_levels: int) -> str:
        drawn: dict[str, None] = {}
        self._choice_depth += 1
        for alternative in group[:_MAX_CHOICES]:
            if self._remaining <= 0:
                break
            drawn[self.draw(alternative, levels, required_levels)] = None
        self._choice_depth -= 1
        # Alternatives that only combine required fields are drawn as "any".
        shown = [alternative for alternative in drawn if alternative != "any"]
        if not shown:
            return ""
        if len(group) > _MAX_CHOICES or self._remaining <= 0:
            shown.append("…")
        return " | ".join(shown) + self._draw_discriminator(merged)

    def _draw_discriminator(self, merged: MergedSchema) -> str:
        discriminator = as_mapping(merged.fields.get("discriminator"))
        field = one_line(as_text(discriminator.get("propertyName")), MAX_NAME_LENGTH)
        if not field:
            return ""
        values = [
            f"{literal(value)} is {one_line(target.rsplit('/', 1)[-1], MAX_NAME_LENGTH)}"
            for value, target in islice(as_mapping(discriminator.get("mapping")).items(), _MAX_CHOICES)
            if isinstance(target, str)
        ]
        return self._spend(f" (distinguished by {field}{': ' if values else ''}{', '.join(values)})")

    def _draw_own(self, merged: MergedSchema, levels: int, required_levels: int) -> str:
        """Draws the schema itself, without its alternatives."""
        fields = merged.fields
        if "const" in fields:
            return self._spend(literal(fields["const"]))
        values = as_list(fields.get("enum"))
        if values:
            shown = [literal(value) for value in values[:_MAX_VALUES]] + ["…"] * (len(values) > _MAX_VALUES)
            return self._spend(" | ".join(dict.fromkeys(shown)))
        types = fields.get("type")
        if isinstance(types, list):
            shown = [one_line(type_, 40) for type_ in types[:7] if isinstance(type_, str)]
            return (
                " | ".join(dict.fromkeys(self._draw_typed(type_, merged, levels, required_levels) for type_ in shown))
                or "any"
            )
        return self._draw_typed(one_line(as_text(types), 40), merged, levels, required_levels)

    def _draw_typed(self, type_: str, merged: MergedSchema, levels: int, required_levels: int) -> str:
        fields = merged.fields
        if type_ == "object" or (not type_ and (merged.properties or as_mapping(fields.get("additionalProperties")))):
            return self._draw_object(merged, levels, required_levels)
        if type_ == "array" or (not type_ and ("items" in fields or "prefixItems" in fields)):
            return self._draw_array(fields, levels, required_levels)
        format_ = one_line(as_text(fields.get("format")), 40)
        return self._spend((type_ or "any") + (f"<{format_}>" if format_ else ""))

    def _draw_array(self, fields: dict[str, object], levels: int, required_levels: int) -> str:
        tuple_ = as_list(fields.get("prefixItems")) or as_list(fields.get("items"))
        if tuple_:
            return f"tuple[{', '.join(self.draw(item, levels, required_levels) for item in tuple_[:_MAX_CHOICES])}]"
        return f"[{self.draw(fields.get('items'), levels, required_levels)}]"

    def _draw_object(self, merged: MergedSchema, levels: int, required_levels: int) -> str:
        additional = merged.fields.get("additionalProperties")
        # A request must show all required fields; in a response, it does not matter which are required.
        required = _required_fields(merged) if self._is_request else {}
        if not merged.properties and not required and not as_mapping(additional):
            return self._spend(f"{merged.name} {{}}" if merged.name else "object")
        outermost = not self._field_depth and not self._choice_depth
        if levels <= 0 and (required_levels <= 0 or not (required or outermost)):
            return self._spend(merged.name or "{…}")
        prefix = self._spend(f"{merged.name} " if merged.name else "")
        shown: list[str] = []
        deeper = required_levels if levels > 0 else required_levels - 1
        fields = [*required.items(), *((key, value) for key, value in merged.properties.items() if key not in required)]
        for count, (key, schema) in enumerate(fields):
            if count >= len(required) and levels <= 0:
                if not outermost or not self._shows_optional:
                    shown.append("…")
                    break
                self._cuts = True  # optional fields fill the remaining length
            if self._remaining <= 0:
                shown.append(f"… {len(fields) - count} more")
                break
            field = self._draw_field(key, schema, merged, levels - 1, deeper if count < len(required) else 0)
            if field:
                shown.append(field)
        if as_mapping(additional) and self._remaining > 0:
            shown.append(f"[key]: {self.draw(additional, levels - 1, 0)}")
        return f"{prefix}{{{', '.join(shown)}}}"

    def _draw_field(self, key: str, schema: object, merged: MergedSchema, levels: int, required_levels: int) -> str:
        fields = self._schemas.merge(schema).fields
        if fields.get(self._hidden) is True:
            return ""
        name = one_line(key, MAX_NAME_LENGTH)
        name = name if _PLAIN_KEY.match(name) else literal(name)
        self._spend(name)
        self._field_depth += 1
        type_ = self.draw(schema, levels, required_levels)
        self._field_depth -= 1
        default = self._spend(f" = {literal(fields['default'])}" if fields.get("default") is not None else "")
        description = prose(fields.get("description"), self._description_length).replace("*/", "* /")
        comment = self._spend(f" /* {description} */" if description else "")
        return f"{name}{'*' if key in merged.required else ''}: {type_}{default}{comment}"

    def _spend(self, piece: str) -> str:
        self._remaining -= len(piece) + 2
        if self._remaining <= 0 and not self._cuts:
            raise _TooLong
        return piece


def _required_fields(merged: MergedSchema) -> dict[str, object]:
    """Returns the required fields: first those with a schema, then those without."""
    with_schema = {key: schema for key, schema in merged.properties.items() if key in merged.required}
    without_schema = sorted(merged.required - merged.properties.keys())[:_MAX_UNDESCRIBED]
    return {**with_schema, **dict.fromkeys(without_schema)}
