"""Recognizes a text as an API description, and reads its specification, title and version.

Only the outermost shape is checked, because real documents violate the specification everywhere else. Code that reads
further must expect any value. `plain_data` parses the text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.openapi.errors import NotASpec
from shared.openapi.plain_data import read
from shared.openapi.prose import one_line
from shared.openapi.tree import as_mapping

Family = Literal["openapi", "swagger"]

MAX_TITLE_LENGTH = 200
"""Characters. Real titles are a tenth as long."""

_FAMILIES: dict[Family, re.Pattern[str]] = {
    "openapi": re.compile(r"3\.[012](?:[.-]|$)"),
    "swagger": re.compile(r"2(?:\.0)?(?:\.0)?$"),
}
"""The versions that can be read, by the key that names the specification."""

_OTHER_FORMATS = {
    "asyncapi": "an AsyncAPI document",
    "swaggerVersion": "a Swagger 1 document",
    "discoveryVersion": "a Google API discovery document",
    "arazzo": "an Arazzo document",
    "overlay": "an OpenAPI overlay",
    "collection": "a Postman collection",
    "__schema": "a GraphQL schema",
    "$schema": "a JSON Schema",
}
"""Formats that users confuse with OpenAPI, by a top-level key that identifies them."""


@dataclass(frozen=True)
class Document:
    """A parsed API description.

    `family` and `specification` ("3.0.3") determine how to read `tree`, the whole parsed document. All its keys are
    strings. `title` and `version` belong to the API. They are shortened to one line, and None if they are missing.
    """

    family: Family
    specification: str
    title: str | None
    version: str | None
    tree: Mapping[str, object] = field(repr=False)

    @property
    def name(self) -> str | None:
        """The API's name for lists, which is its title. If it is None, the caller must choose a name."""
        return self.title


def parse(text: str) -> Document:
    """Parse JSON or YAML. Raises only `NotASpec`, for any text."""
    tree = read(text)
    if not isinstance(tree, dict):
        raise NotASpec(f"This is {_describe_kind(tree)}, not an OpenAPI document.")
    tree = as_mapping(tree)
    family, specification = _read_specification(tree)
    _check_paths(tree, specification)
    info = as_mapping(tree.get("info"))
    return Document(family, specification, _bounded_text(info.get("title")), _bounded_text(info.get("version")), tree)


def _read_specification(tree: Mapping[str, object]) -> tuple[Family, str]:
    for family, known in _FAMILIES.items():
        if family in tree:
            version = _bounded_text(tree[family]) or ""
            if known.match(version):
                return family, version
            shown = one_line(version, 40) or "nothing"
            raise NotASpec(f"This says `{family}: {shown}`. OpenAPI 3.0 to 3.2 and Swagger 2.0 are supported.")
    for key, other_format in _OTHER_FORMATS.items():
        if key in tree:
            raise NotASpec(f"This is {other_format}, not an OpenAPI document.")
    if "item" in tree and "info" in tree:
        raise NotASpec("This is a Postman collection, not an OpenAPI document.")
    keys = ", ".join(one_line(key, 40) for key in list(tree)[:5])
    raise NotASpec(
        "This is not an OpenAPI document: it has neither `openapi` nor `swagger` at the top"
        + (f", but {keys}{' and more' if len(tree) > 5 else ''}." if keys else "; it is empty.")
    )


def _check_paths(tree: Mapping[str, object], specification: str) -> None:
    """Raises `NotASpec` for a document without paths. Since 3.1, one with only webhooks or components is allowed."""
    if "paths" in tree:
        if not isinstance(tree["paths"], dict):
            raise NotASpec(f"`paths` of this document is {_describe_kind(tree['paths'])}, but must be an object.")
    elif not specification.startswith(("3.1", "3.2")):
        raise NotASpec("This document has no `paths`, so it describes no operation.")
    elif not any(isinstance(tree.get(key), dict) for key in ("webhooks", "components")):
        raise NotASpec("This document has neither `paths` nor `webhooks` nor `components`.")


def _bounded_text(value: object) -> str | None:
    """A shortened title or version, which is a number if it was not quoted in YAML."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return one_line(str(value), MAX_TITLE_LENGTH) or None
    return None


def _describe_kind(tree: object) -> str:
    if isinstance(tree, str):
        return "plain text"
    if isinstance(tree, list):
        return "a list"
    return "empty" if tree is None else "an object" if isinstance(tree, dict) else "a single value"
