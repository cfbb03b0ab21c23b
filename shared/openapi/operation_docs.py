"""Writes an operation as Markdown at a given level of detail. The operation's line comes first and is never cut."""

import re
from collections.abc import Iterator

from shared.openapi.detail import Detail
from shared.openapi.document import Document
from shared.openapi.operations import Content, Operation, Parameter, Reader, Response
from shared.openapi.prose import literal, prose
from shared.openapi.schemas import Schemas
from shared.openapi.security import describe_requirement
from shared.openapi.servers import list_own_urls
from shared.openapi.sketch import Direction, Extent, Sketcher
from shared.openapi.tree import References, as_text

_PARAMETER = Extent(levels=2, length=400)
_SHORT_PARAMETER = Extent(levels=1, length=100)

_SUCCESS = re.compile(r"2(?:\d\d|XX|xx)$")

_MAX_PARAMETERS = 100
_MAX_ERRORS = 30


class OperationDocs:
    """Writes the docs of one document's operations. Sketches are cached, because schemas are often used repeatedly."""

    def __init__(self, document: Document, references: References) -> None:
        self._document = document
        self._reader = Reader(document, references)
        self._schemas = Schemas(references)
        self._sketcher = Sketcher(self._schemas)
        self._default_requirement = describe_requirement(document.tree)

    def lines(self, operation: Operation, detail: Detail) -> list[str]:
        """Returns the docs of an operation, line by line."""
        if detail.parameters == "none":
            return [operation.line]
        if detail.parameters == "required":
            return [": ".join(filter(None, [operation.line, "; ".join(self._list_required(operation, detail))]))]
        return ["", f"### {operation.line}", *self._write_details(operation, detail)]

    def _list_required(self, operation: Operation, detail: Detail) -> Iterator[str]:
        """Yields the required values. String parameters in the path are omitted, because the path shows them."""
        if operation.missing:
            yield f"described elsewhere, in {operation.missing}"
        if summary := prose(operation.summary or operation.description, detail.summary):
            yield summary
        for parameter in self._reader.parameters(operation)[:_MAX_PARAMETERS]:
            if not parameter.place:
                yield parameter.name
            elif parameter.required:
                schema = self._sketcher.sketch(parameter.schema, _SHORT_PARAMETER, "send")
                if (parameter.place, schema) != ("path", "string"):
                    yield f"{parameter.name} ({parameter.place}): {schema}{_describe_style(parameter.node)}"
        contents, required, _ = self._reader.body(operation)
        if contents and detail.body is not None:
            (types, sketch), *_ = self._sketch_contents(contents, detail.body, "send")
            notes = ", ".join(filter(None, ["" if "json" in types else types, "" if required else "optional"]))
            yield f"body{f' ({notes})' if notes else ''}: {sketch}"

    def _write_details(self, operation: Operation, detail: Detail) -> Iterator[str]:
        if operation.missing:
            yield (
                f"> Described elsewhere, in {operation.missing}. What it takes and returns is unknown: do not guess."
            )
        yield from _write_description(operation, detail)
        urls = list_own_urls(self._document, operation.path_node, operation.node)
        if urls:
            yield f"Base URL of this operation: {', '.join(urls)}"
        security = describe_requirement(operation.node)
        if security is not None and security != (self._default_requirement or "none"):
            yield f"Authentication: {security}"
        yield from self._write_parameters(operation, detail)
        yield from self._write_body(operation, detail)
        yield from self._write_responses(operation, detail)

    def _write_parameters(self, operation: Operation, detail: Detail) -> Iterator[str]:
        parameters = self._reader.parameters(operation)
        shown, hidden = parameters[:_MAX_PARAMETERS], len(parameters) - _MAX_PARAMETERS
        if not shown:
            return
        if detail.parameters == "named":
            names = ", ".join(self._write_short_parameter(parameter) for parameter in shown)
            yield f"Parameters: {names}" + (f", … {hidden} more" if hidden > 0 else "")
            return
        yield "Parameters:"
        for parameter in shown:
            yield self._write_parameter(parameter, detail)
        if hidden > 0:
            yield f"- … {hidden} more"

    def _write_short_parameter(self, parameter: Parameter) -> str:
        if not parameter.required:
            return parameter.name
        schema = self._sketcher.sketch(parameter.schema, _SHORT_PARAMETER, "send")
        return f"{parameter.name}* ({parameter.place}): {schema}{_describe_style(parameter.node)}"

    def _write_parameter(self, parameter: Parameter, detail: Detail) -> str:
        if not parameter.place:
            return f"- {parameter.name}"
        schema = self._sketcher.sketch(parameter.schema, _PARAMETER, "send")
        default = self._schemas.merge(parameter.schema).fields.get("default")
        description = prose(parameter.node.get("description"), detail.parameter_length)
        default_text = "" if default is None else f" = {literal(default)}"
        return (
            f"- {parameter.name} ({parameter.place}{', required' if parameter.required else ''}): {schema}"
            f"{default_text}{_describe_style(parameter.node)}{f' — {description}' if description else ''}"
        )

    def _write_body(self, operation: Operation, detail: Detail) -> Iterator[str]:
        contents, required, description = self._reader.body(operation)
        if not contents or detail.body is None:
            return
        description = prose(description, detail.parameter_length)
        for types, sketch in self._sketch_contents(contents, detail.body, "send"):
            notes = ", ".join(filter(None, [types, "required" if required else ""]))
            yield f"Body{f' ({notes})' if notes else ''}: {sketch}{f' — {description}' if description else ''}"
            description = ""

    def _write_responses(self, operation: Operation, detail: Detail) -> Iterator[str]:
        responses = self._reader.responses(operation)
        successes = [response for response in responses if _SUCCESS.match(response.code)]
        if not successes:
            successes = [response for response in responses if response.code == "default"]
        if successes and detail.response is not None:
            # Callers need the response that has content.
            main = next((response for response in successes if response.contents), successes[0])
            yield from self._write_success(
                main, [response.code for response in successes if response is not main], detail
            )
        errors = [
            f"{response.code} {description}"
            if (description := prose(response.description, detail.error_length))
            else response.code
            for response in responses
            if response not in successes
        ]
        if errors and detail.response is not None:
            yield f"Errors: {'; '.join(errors[:_MAX_ERRORS])}" + ("; …" if len(errors) > _MAX_ERRORS else "")

    def _write_success(self, response: Response, other_codes: list[str], detail: Detail) -> Iterator[str]:
        extent = detail.response or Extent(0, 100)
        description = prose(response.description, detail.error_length)
        suffix = (f" — {description}" if description else "") + (
            f" (or {', '.join(other_codes[:_MAX_ERRORS])})" if other_codes else ""
        )
        contents = self._sketch_contents(response.contents, extent, "receive")
        if not contents:
            yield f"Returns {response.code} without content{suffix}"
        for types, sketch in contents:
            yield f"Returns {response.code}{f' ({types})' if types else ''}: {sketch}{suffix}"
            suffix = ""

    def _sketch_contents(self, contents: list[Content], extent: Extent, direction: Direction) -> list[tuple[str, str]]:
        """Returns pairs of content types and their sketch, JSON first. Types with the same sketch share a pair."""
        types: dict[str, list[str]] = {}
        for content in sorted(contents, key=lambda content: "json" not in content.media_type):
            sketch = content.missing or self._sketcher.sketch(content.schema, extent, direction)
            types.setdefault(sketch, []).append(content.media_type)
        return [(" or ".join(filter(None, names)), sketch) for sketch, names in types.items()]


def _write_description(operation: Operation, detail: Detail) -> Iterator[str]:
    summary = prose(operation.summary, detail.summary)
    description = prose(operation.description, detail.description if summary else detail.description or detail.summary)
    if operation.deprecated:
        summary = f"Deprecated. {summary}".strip()
    if summary:
        yield f"> {summary}"
    if description and description != summary:
        yield f"> {description}"


def _describe_style(node: dict[str, object]) -> str:
    """Describes how lists and objects are serialized, unless that is the default way."""
    style = as_text(node.get("style")) or as_text(node.get("collectionFormat"))
    descriptions = {
        "deepObject": "as name[key]=value",
        "spaceDelimited": "separated by spaces",
        "pipeDelimited": "separated by |",
        "ssv": "separated by spaces",
        "tsv": "separated by tabs",
        "pipes": "separated by |",
        "multi": "repeated for each value",
        "csv": "separated by commas",
    }
    if style in descriptions:
        return f", {descriptions[style]}"
    # Only Swagger's parameters have a type of their own. Their lists are separated by commas by default.
    commas = node.get("type") == "array" or (node.get("explode") is False and node.get("in") == "query")
    return ", separated by commas" if commas else ""
