"""Recognises a text as an API description: which specification it follows and what it calls itself.

Only the outermost shape is checked, because documents in use break the specification everywhere else: code that reads
further must expect anything. `plain_data` parses the text itself.
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
"""Characters. Titles in use are a tenth as long."""

_FAMILIES: dict[Family, re.Pattern[str]] = {
    "openapi": re.compile(r"3\.[012](?:[.-]|$)"),
    "swagger": re.compile(r"2(?:\.0)?(?:\.0)?$"),
}
"""The versions that can be read, by the key that names the specification."""

_RELATIVES = {
    "asyncapi": "an AsyncAPI document",
    "swaggerVersion": "a Swagger 1 document",
    "discoveryVersion": "a Google API discovery document",
    "arazzo": "an Arazzo document",
    "overlay": "an OpenAPI overlay",
    "collection": "a Postman collection",
    "__schema": "a GraphQL schema",
    "$schema": "a JSON Schema",
}
"""What people mistake for an OpenAPI document, by a top-level key that gives it away."""


@dataclass(frozen=True)
class Document:
    """A parsed API description.

    `family` and `specification` ("3.0.3") say how to read `tree`, the whole parsed document, whose keys are all text.
    `title` and `version` are the API's own, on one line, shortened; None where the document has none.
    """

    family: Family
    specification: str
    title: str | None
    version: str | None
    tree: Mapping[str, object] = field(repr=False)

    @property
    def name(self) -> str | None:
        """The API's name in a list: its title. None if the document has none, so the caller must choose one."""
        return self.title


def parse(text: str) -> Document:
    """Parse JSON or YAML. Raises `NotASpec`, and nothing else, whatever the text."""
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
            says = one_line(version, 40) or "nothing"
            raise NotASpec(f"This says `{family}: {says}`. OpenAPI 3.0 to 3.2 can be read, and Swagger 2.0.")
    for key, relative in _RELATIVES.items():
        if key in tree:
            raise NotASpec(f"This is {relative}, not an OpenAPI document.")
    if "item" in tree and "info" in tree:
        raise NotASpec("This is a Postman collection, not an OpenAPI document.")
    keys = ", ".join(one_line(key, 40) for key in list(tree)[:5])
    raise NotASpec(
        "This is not an OpenAPI document: it has neither `openapi` nor `swagger` at the top"
        + (f", but {keys}{' and more' if len(tree) > 5 else ''}." if keys else "; it is empty.")
    )


def _check_paths(tree: Mapping[str, object], specification: str) -> None:
    """From 3.1 on, a document may have webhooks or components alone."""
    if "paths" in tree:
        if not isinstance(tree["paths"], dict):
            raise NotASpec(f"`paths` of this document is {_describe_kind(tree['paths'])} where an object is expected.")
    elif not specification.startswith(("3.1", "3.2")):
        raise NotASpec("This document has no `paths`, so it describes no operation.")
    elif not any(isinstance(tree.get(key), dict) for key in ("webhooks", "components")):
        raise NotASpec("This document has neither `paths` nor `webhooks` nor `components`.")


def _bounded_text(value: object) -> str | None:
    """YAML reads an unquoted version as a number."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return one_line(str(value), MAX_TITLE_LENGTH) or None
    return None


def _describe_kind(tree: object) -> str:
    if isinstance(tree, str):
        return "plain text"
    if isinstance(tree, list):
        return "a list"
    return "empty" if tree is None else "an object" if isinstance(tree, dict) else "a single value"
