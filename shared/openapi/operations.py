"""Reads the operations of a document into the same form for all specifications.

Schemas are left unchanged for `sketch`. Invalid parts are skipped. The number of parameters, responses and content
types that are read per operation is limited.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from shared.openapi.document import Document
from shared.openapi.prose import one_line
from shared.openapi.tree import References, as_list, as_mapping, as_text

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
"""`query` was added in OpenAPI 3.2."""

MAX_PATH_LENGTH = 500
"""The maximum length of a path, in characters. Longer paths are not genuine, and are cut."""

MAX_ID_LENGTH = 200
"""The maximum length of an operation's id, in characters. Longer ids are not genuine, and are cut."""

_MAX_ENTRIES = 200
"""The maximum number of parameters, and of responses, that are read per operation."""

_MAX_CONTENT_TYPES = 8
"""The maximum number of content types that are read per body."""


@dataclass(frozen=True)
class Parameter:
    """A parameter. `place`: path, query, header or cookie, as in the document; "" for an unresolvable `$ref`."""

    name: str
    place: str
    required: bool
    node: dict[str, object]
    schema: object


@dataclass(frozen=True)
class Content:
    """One content type of a body. `missing`: an unresolvable `$ref`, of the body itself if `media_type` is empty."""

    media_type: str
    schema: object
    missing: str = ""


@dataclass(frozen=True)
class Response:
    """A response. `code` is, for example, "200", "4XX" or "default"."""

    code: str
    description: str
    contents: list[Content]


@dataclass(frozen=True)
class Operation:
    """An operation. Its `line` is always shown: `GET /pets/{id} (getPet)`, or without parentheses if it has no id.

    `node` and `path_node` are the document's own objects; they contain the operation's servers and security. `missing`:
    the operation's `$ref` if it cannot be resolved in this document; nothing else is known about the operation then.
    """

    line: str
    node: dict[str, object]
    path_node: dict[str, object]
    method: str
    shared_parameters: list[object]
    missing: str = ""

    @property
    def summary(self) -> str:
        """The summary as in the document. Its length and number of lines are not limited."""
        return as_text(self.node.get("summary")) or as_text(self.path_node.get("summary"))

    @property
    def description(self) -> str:
        """The description as in the document."""
        return as_text(self.node.get("description")) or as_text(self.path_node.get("description"))

    @property
    def deprecated(self) -> bool:
        """Whether the document marks it as deprecated."""
        return self.node.get("deprecated") is True


def list_operations(document: Document, references: References) -> list[Operation]:
    """Returns all operations in document order. Any object whose key is a method's name counts as an operation."""
    operations: list[Operation] = []
    for path, item in as_mapping(document.tree.get("paths")).items():
        node = _read_path_node(item, references)
        shared = as_list(node.get("parameters"))
        for key, operation in node.items():
            method = key.lower()
            if method in METHODS and isinstance(operation, dict):
                fields, missing = _follow(operation, references)
                line = _format_line(method, path, fields)
                operations.append(Operation(line, fields, node, method, shared, missing))
    return operations


def list_unreachable_paths(document: Document, references: References) -> Iterator[tuple[str, str]]:
    """Yields the path and the `$ref` of each path that another document describes."""
    for path, item in as_mapping(document.tree.get("paths")).items():
        resolved = references.resolve(item)
        if resolved.node is None and resolved.name:
            yield one_line(path, MAX_PATH_LENGTH), resolved.name


def _read_path_node(item: object, references: References) -> dict[str, object]:
    """Returns the fields of a path. OpenAPI 3.1 allows other fields next to a `$ref`; they take precedence."""
    return _follow(item, references)[0]


def _follow(node: object, references: References) -> tuple[dict[str, object], str]:
    """Merges the target of a node's `$ref` with the fields next to it. Also returns the `$ref` if it has no target."""
    fields = as_mapping(node)
    if not isinstance(fields.get("$ref"), str):
        return fields, ""
    resolved = references.resolve(node)
    siblings = {key: value for key, value in fields.items() if key != "$ref"}
    return {**as_mapping(resolved.node), **siblings}, "" if isinstance(resolved.node, dict) else resolved.name


def _format_line(method: str, path: str, operation: dict[str, object]) -> str:
    id_ = one_line(as_text(operation.get("operationId")), MAX_ID_LENGTH)
    return f"{method.upper()} {one_line(path, MAX_PATH_LENGTH)}" + (f" ({id_})" if id_ else "")


class Reader:
    """Reads the parameters, bodies and responses of one document's operations."""

    def __init__(self, document: Document, references: References) -> None:
        self._tree = document.tree
        self._swagger = document.family == "swagger"
        self._references = references

    def parameters(self, operation: Operation) -> list[Parameter]:
        """Returns the parameters of the path and of the operation, required ones first. Bodies are not included.

        A parameter of the operation overrides the path's parameter with the same name and place.
        """
        parameters = [
            Parameter(
                name=one_line(name, 100),
                place=one_line(place, 20),
                required=node.get("required") is True or place == "path",
                node=node,
                schema=node if self._swagger else self._find_parameter_schema(node),
            )
            for (name, place), node in self._read_parameter_nodes(operation).items()
            if place not in ("body", "formData")
        ]
        return sorted(parameters, key=lambda parameter: not parameter.required)

    def body(self, operation: Operation) -> tuple[list[Content], bool, str]:
        """Returns the content types, whether the body is required, and its description. No body has no types."""
        if self._swagger:
            return self._read_swagger_body(operation)
        resolved = self._references.resolve(operation.node.get("requestBody"))
        if resolved.node is None and resolved.name:
            return [Content("", None, resolved.name)], False, ""
        body = as_mapping(resolved.node)
        return self._read_contents(body.get("content")), body.get("required") is True, as_text(body.get("description"))

    def responses(self, operation: Operation) -> list[Response]:
        """Returns the operation's responses in document order."""
        responses: list[Response] = []
        for code, node in islice(as_mapping(operation.node.get("responses")).items(), _MAX_ENTRIES):
            if code.startswith("x-"):
                continue
            resolved = self._references.resolve(node)
            response = as_mapping(resolved.node)
            if resolved.node is None and resolved.name:
                contents = [Content("", None, resolved.name)]
            elif self._swagger:
                types = self._read_media_types(operation, "produces") or ["application/json"]
                schema = response.get("schema")
                contents = [] if schema is None else [Content(type_, schema) for type_ in types]
            else:
                contents = self._read_contents(response.get("content"))
            responses.append(Response(one_line(code, 20), as_text(response.get("description")), contents))
        return responses

    def _read_parameter_nodes(self, operation: Operation) -> dict[tuple[str, str], dict[str, object]]:
        parameters = as_list(operation.node.get("parameters"))
        nodes: dict[tuple[str, str], dict[str, object]] = {}
        for entry in _take_first(operation.shared_parameters, parameters):
            resolved = self._references.resolve(entry)
            node = as_mapping(resolved.node)
            name = as_text(node.get("name"))
            if name:
                nodes[name, as_text(node.get("in"))] = node
            elif resolved.node is None and resolved.name:
                nodes[resolved.name, ""] = {}
        return nodes

    def _find_parameter_schema(self, node: dict[str, object]) -> object:
        if "schema" in node:
            return node["schema"]
        return next((content.schema for content in self._read_contents(node.get("content"))), None)

    def _read_contents(self, content: object) -> list[Content]:
        contents: list[Content] = []
        for type_, node in islice(as_mapping(content).items(), _MAX_CONTENT_TYPES):
            resolved = self._references.resolve(node)
            missing = resolved.name if resolved.node is None else ""
            contents.append(Content(one_line(type_, 80), as_mapping(resolved.node).get("schema"), missing))
        return contents

    def _read_swagger_body(self, operation: Operation) -> tuple[list[Content], bool, str]:
        nodes = self._read_parameter_nodes(operation)
        types = self._read_media_types(operation, "consumes")
        for (_, place), node in nodes.items():
            if place == "body":
                contents = [Content(type_, node.get("schema")) for type_ in types or ["application/json"]]
                return contents, node.get("required") is True, as_text(node.get("description"))
        fields = {name: node for (name, place), node in nodes.items() if place == "formData"}
        if not fields:
            return [], False, ""
        required: list[object] = [name for name, node in fields.items() if node.get("required") is True]
        form: dict[str, object] = {
            "type": "object",
            # `required` is a boolean in parameters, and a list in schemas.
            "properties": {name: {**node, "required": []} for name, node in fields.items()},
            "required": required,
        }
        has_file = any(node.get("type") == "file" for node in fields.values())
        default_type = "multipart/form-data" if has_file else "application/x-www-form-urlencoded"
        return [Content(type_, form) for type_ in types or [default_type]], bool(required), ""

    def _read_media_types(self, operation: Operation, key: str) -> list[str]:
        value = operation.node.get(key)
        types = as_list(value if value is not None else self._tree.get(key))
        return [one_line(type_, 80) for type_ in types[:_MAX_CONTENT_TYPES] if isinstance(type_, str)]


def _take_first(*lists: Iterable[object]) -> Iterator[object]:
    """Yields at most half of the limit from each list, so that a path's long list leaves room for the operation's."""
    for entries in lists:
        yield from islice(entries, _MAX_ENTRIES // 2)
