"""Reduces a document that is too large to be stored to the parts that `tool_docs` shows.

The docs of both versions are compared, so nothing that the docs show is lost. Parts that the docs never show are
dropped: examples, extensions, bounds, titles, error schemas, the ends of long descriptions, and schemas that no
operation uses. If that is not enough, parts that do not fit into docs of `BUDGET` characters are also dropped.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.openapi.document import Document, parse
from shared.openapi.errors import NotASpec
from shared.openapi.json_text import write_json
from shared.openapi.operations import METHODS
from shared.openapi.prose import prose
from shared.openapi.tool_docs import write_tool_docs
from shared.openapi.tree import as_list, as_mapping

BUDGET = 60_000
"""The maximum length of the docs of one document, in characters."""
_UNLIMITED = 20_000_000

_OPERATION_LENGTH, _PARAMETER_LENGTH, _FIELD_LENGTH, _ERROR_LENGTH = 800, 300, 160, 80
"""How many characters of each kind of description the docs show: see `detail`."""

_SCHEMA = {
    *("type", "format", "enum", "const", "required", "nullable", "x-nullable", "default", "readOnly", "writeOnly"),
    *("discriminator", "$ref"),
}
_SCHEMA_LISTS = {"allOf", "oneOf", "anyOf", "prefixItems"}
_NAMED_SCHEMAS = {"properties", "$defs", "definitions"}
_PLACES = {
    "components": ("schemas", "parameters", "responses", "requestBodies", "pathItems"),
    "": ("definitions", "parameters", "responses"),
}
"""Where shared definitions are: below a top-level key, or at the top level itself ("")."""

Shorten = Callable[[object], object]


def reduce(document: Document, max_size: int, measure: Callable[[str], int]) -> str | None:
    """Returns the shortened document as JSON, or None if its size exceeds `max_size`. `measure`: the size of a text."""
    for thorough, budgets in ((False, (BUDGET, _UNLIMITED)), (True, (BUDGET,))):
        text = write_json(_Shortener(thorough=thorough).shorten_document(document.tree))
        if text is None or measure(text) > max_size:
            continue
        try:
            shortened = parse(text)
        except NotASpec:
            return None
        if all(write_tool_docs(document, budget) == write_tool_docs(shortened, budget) for budget in budgets):
            return text
    return None


class _Shortener:
    """Shortens a document. If `thorough`, also drops the contents of responses and the descriptions of fields."""

    def __init__(self, *, thorough: bool) -> None:
        self._thorough = thorough

    def shorten_document(self, tree: Mapping[str, object]) -> dict[str, object]:
        """Shortens the whole document."""
        document = {key: value for key, value in tree.items() if key not in ("tags", "externalDocs", "webhooks")}
        document["info"] = self._trim_description(as_mapping(tree.get("info")), _OPERATION_LENGTH)
        document["paths"] = {path: self._shorten_path(item) for path, item in as_mapping(tree.get("paths")).items()}
        for top, kinds in _PLACES.items():
            parent = as_mapping(document.get(top)) if top else document
            shortened = {
                kind: self._shorten_named(kind, parent[kind]) for kind in kinds if isinstance(parent.get(kind), dict)
            }
            if top and parent:
                document[top] = {**{key: value for key, value in parent.items() if key != "examples"}, **shortened}
            elif not top:
                document |= shortened
        return _drop_unused({key: value for key, value in document.items() if value != {} or key in tree})

    def _shorten_named(self, kind: str, named: object) -> object:
        shorten: dict[str, Shorten] = {
            "parameters": self._shorten_parameter,
            "responses": lambda response: self._shorten_response(response, shown=True),
            "requestBodies": self._shorten_body,
            "pathItems": self._shorten_path,
        }
        return {name: shorten.get(kind, self._shorten_schema)(value) for name, value in as_mapping(named).items()}

    def _shorten_path(self, item: object) -> object:
        if not isinstance(item, dict):
            return item
        path: dict[str, object] = {}
        for key, value in self._trim_description(as_mapping(item), _OPERATION_LENGTH).items():
            if key.lower() in METHODS:
                path[key] = self._shorten_operation(value)
            else:
                path[key] = self._shorten_parameters(value) if key == "parameters" else value
        return path

    def _shorten_operation(self, value: object) -> object:
        if not isinstance(value, dict):
            return value
        operation = self._trim_description(as_mapping(value), _OPERATION_LENGTH)
        for key in ("tags", "externalDocs", "callbacks"):
            operation.pop(key, None)
        if "parameters" in operation:
            operation["parameters"] = self._shorten_parameters(operation["parameters"])
        if "requestBody" in operation:
            operation["requestBody"] = self._shorten_body(operation["requestBody"])
        responses = as_mapping(operation.get("responses"))
        if responses:
            succeeds = any(code.startswith("2") for code in responses)
            operation["responses"] = {
                code: self._shorten_response(response, shown=code.startswith("2") if succeeds else code == "default")
                for code, response in responses.items()
            }
        return operation

    def _shorten_parameters(self, parameters: object) -> object:
        if not isinstance(parameters, list):
            return parameters
        return [self._shorten_parameter(parameter) for parameter in as_list(parameters)]

    def _shorten_parameter(self, value: object) -> object:
        """Shortens a parameter. In Swagger, a parameter is also a schema."""
        if not isinstance(value, dict):
            return value
        parameter = self._trim_description(as_mapping(value), _PARAMETER_LENGTH)
        for key in ("example", "examples"):
            parameter.pop(key, None)
        if "schema" in parameter:
            parameter["schema"] = self._shorten_schema(parameter["schema"])
        if "items" in parameter:
            parameter["items"] = self._shorten_schema(parameter["items"])
        return (
            {**parameter, "content": self._shorten_content(parameter["content"])}
            if "content" in parameter
            else parameter
        )

    def _shorten_body(self, value: object) -> object:
        if not isinstance(value, dict):
            return value
        body = self._trim_description(as_mapping(value), _PARAMETER_LENGTH)
        return {**body, "content": self._shorten_content(body["content"])} if "content" in body else body

    def _shorten_response(self, value: object, *, shown: bool) -> object:
        if not isinstance(value, dict):
            return value
        response = as_mapping(value)
        shorter = {key: response[key] for key in ("$ref", "description") if key in response}
        shorter = self._trim_description(shorter, 0 if self._thorough else _ERROR_LENGTH)
        if shown and not self._thorough:
            if "content" in response:
                shorter["content"] = self._shorten_content(response["content"])
            if "schema" in response:
                shorter["schema"] = self._shorten_schema(response["schema"])
        return shorter

    def _shorten_content(self, content: object) -> object:
        if not isinstance(content, dict):
            return content
        shorter: dict[str, object] = {}
        for type_, value in as_mapping(content).items():
            media = {key: inner for key, inner in as_mapping(value).items() if key in ("$ref", "schema")}
            shorter[type_] = {**media, "schema": self._shorten_schema(media["schema"])} if "schema" in media else media
        return shorter

    def _shorten_schema(self, value: object) -> object:
        if isinstance(value, list):  # the items of a tuple in older drafts
            return [self._shorten_schema(item) for item in as_list(value)]
        if not isinstance(value, dict):
            return value
        shorter: dict[str, object] = {}
        for key, inner in as_mapping(value).items():
            if key in _SCHEMA:
                shorter[key] = inner
            elif key in _SCHEMA_LISTS and isinstance(inner, list):
                shorter[key] = [self._shorten_schema(item) for item in as_list(inner)]
            elif key in _NAMED_SCHEMAS and isinstance(inner, dict):
                shorter[key] = {name: self._shorten_schema(item) for name, item in as_mapping(inner).items()}
            elif key in ("items", "additionalProperties"):
                shorter[key] = self._shorten_schema(inner)
            elif key == "description" and not self._thorough:
                shorter |= self._trim_description({key: inner}, _FIELD_LENGTH)
        return shorter

    def _trim_description(self, node: dict[str, object], max_length: int) -> dict[str, object]:
        """Cuts the description to the length that is shown, and drops extensions."""
        shorter = {key: value for key, value in node.items() if not key.startswith("x-") or key == "x-nullable"}
        if isinstance(shorter.get("description"), str):
            shorter["description"] = prose(shorter["description"], max_length)
        return shorter


def _drop_unused(tree: dict[str, object]) -> dict[str, object]:
    """Drops shared definitions that no operation refers to."""
    shared: dict[tuple[str, str], Any] = {}
    for top, kinds in _PLACES.items():
        parent = as_mapping(tree.get(top)) if top else tree
        for kind in kinds:
            prefix = f"#/{top}/{kind}/" if top else f"#/{kind}/"
            shared[top, kind] = {prefix + _escape(name): name for name in as_mapping(parent.get(kind))}
    places = {pointer: (place, name) for place, named in shared.items() for pointer, name in named.items()}
    used: set[str] = set()
    pending: list[object] = [tree.get("paths")]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pointer = node.get("$ref")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if isinstance(pointer, str):
                top = pointer.split("/")[1] if pointer.startswith("#/x-") else ""
                if top and top not in used:
                    used.add(top)
                    pending.append(tree.get(top))
                target = "/".join(pointer.split("/")[: 4 if pointer.startswith("#/components/") else 3])
                if target in places and target not in used:
                    used.add(target)
                    (top, kind), name = places[target]
                    pending.append(as_mapping((as_mapping(tree.get(top)) if top else tree).get(kind)).get(name))
            pending.extend(as_mapping(node).values())  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, list):
            pending.extend(as_list(node))  # pyright: ignore[reportUnknownArgumentType]
    for (top, kind), named in shared.items():
        parent = as_mapping(tree.get(top)) if top else tree
        if named and isinstance(parent.get(kind), dict):
            parent[kind] = {name: as_mapping(parent[kind])[name] for pointer, name in named.items() if pointer in used}
    return {key: value for key, value in tree.items() if not key.startswith("x-") or key in used}


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
