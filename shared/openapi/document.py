"""Recognizes API descriptions, and reads their specification, title and version.

Only the top level is checked, because real documents violate the specification everywhere else. Code that reads the
rest must expect any value. `plain_data` parses the text.
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
"""The maximum length of a title or version, in characters. Real titles are about a tenth as long."""

_FAMILIES: dict[Family, re.Pattern[str]] = {
    "openapi": re.compile(r"3\.[012](?:[.-]|$)"),
    "swagger": re.compile(r"2(?:\.0)?(?:\.0)?$"),
}
"""The supported versions, by the key that names the specification."""

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
"""Formats that users confuse with OpenAPI, by the top-level key that identifies them."""


@dataclass(frozen=True)
class Document:
    """A parsed API description.

    `family` and `specification` ("3.0.3") determine how to read `tree`, the whole parsed document. All its keys are
    strings. `title` and `version` belong to the API. They are shortened to one line; a missing one is None.
    """

    family: Family
    specification: str
    title: str | None
    version: str | None
    tree: Mapping[str, object] = field(repr=False)

    @property
    def name(self) -> str | None:
        """The name under which lists show the API: its title. If it is None, the caller must choose a name."""
        return self.title


def parse(text: str) -> Document:
    """Parses JSON or YAML. Raises `NotASpec`, and no other error, whatever the text is."""
    tree = read(text)
    if not isinstance(tree, dict):
        raise NotASpec(f"This is {_describe_kind(tree)}, not an OpenAPI document.")
    tree = as_mapping(tree)
    family, specification = _read_specification(tree)
    _check_paths(tree, specification)
    info = as_mapping(tree.get("info"))
    return Document(family, specification, _bounded_text(info.get("title")), _bounded_text(info.get("version")), tree)


def _read_specification(tree: Mapping[str, object]) -> tuple[Family, str]:
    for family, supported in _FAMILIES.items():
        if family in tree:
            version = _bounded_text(tree[family]) or ""
            if supported.match(version):
                return family, version
            shown = one_line(version, 40) or "nothing"
            raise NotASpec(f"This document says `{family}: {shown}`. OpenAPI 3.0 to 3.2 and Swagger 2.0 are supported.")
    for key, other_format in _OTHER_FORMATS.items():
        if key in tree:
            raise NotASpec(f"This is {other_format}, not an OpenAPI document.")
    if "item" in tree and "info" in tree:
        raise NotASpec("This is a Postman collection, not an OpenAPI document.")
    keys = ", ".join(one_line(key, 40) for key in list(tree)[:5])
    raise NotASpec(
        "This is not an OpenAPI document: it has no top-level `openapi` or `swagger`"
        + (f", but {keys}{' and more' if len(tree) > 5 else ''}." if keys else "; it is empty.")
    )


def _check_paths(tree: Mapping[str, object], specification: str) -> None:
    """Raises `NotASpec` for a document without paths. Since 3.1, webhooks or components are sufficient."""
    if "paths" in tree:
        if not isinstance(tree["paths"], dict):
            raise NotASpec(
                f"The `paths` of this document must be an object, but it is {_describe_kind(tree['paths'])}."
            )
    elif not specification.startswith(("3.1", "3.2")):
        raise NotASpec("This document has no `paths`, so it does not describe any operations.")
    elif not any(isinstance(tree.get(key), dict) for key in ("webhooks", "components")):
        raise NotASpec("This document has no `paths`, `webhooks` or `components`.")


def _bounded_text(value: object) -> str | None:
    """Returns a title or version, shortened. It may be a number, if it was not quoted in YAML."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return one_line(str(value), MAX_TITLE_LENGTH) or None
    return None


def _describe_kind(tree: object) -> str:
    if isinstance(tree, str):
        return "plain text"
    if isinstance(tree, list):
        return "a list"
    return "empty" if tree is None else "an object" if isinstance(tree, dict) else "a single value"
