"""Writes full server addresses into a document, derived from the document's own address.

Relative or missing server URLs refer to the document's own host (OpenAPI 3.1, "Server Object"; Swagger 2.0, "host").
Because the text is stored without its address, that host would be lost. The rest of the text stays unchanged if
possible.
"""

import json
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from shared.openapi.document import Document
from shared.openapi.errors import NotASpec
from shared.openapi.json_text import write_json
from shared.openapi.operations import METHODS
from shared.openapi.plain_data import read
from shared.openapi.servers import fill_variables
from shared.openapi.tree import as_list, as_mapping, as_text

_NO_SERVER = "The document names no server; it was fetched from this one."
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BLOCK_KEY = re.compile(r"[A-Za-z\"']")
_CONTINUATIONS = (" ", "\t", "#", "-", "\r", "\n")
"""The first characters of lines that belong to the key before them."""


def locate(document: Document, text: str, url: str) -> str:
    """Returns `text`, the document's text, with full addresses. `url`: the document's address after redirects.

    A document that has no operations or is too large to be rewritten is returned unchanged.
    """
    changes = _find_changes(document, urlsplit(url))
    if not changes:
        return text
    located = {**document.tree, **changes}
    if "paths" not in changes:
        edited = _edit(text, document.tree, changes)
        try:
            if edited is not None and read(edited) == located:
                return edited
        except NotASpec:
            pass
    return write_json(located) or text


def _find_changes(document: Document, base: SplitResult) -> dict[str, object]:
    """Returns the new values by top-level key."""
    tree = document.tree
    if not as_mapping(tree.get("paths")):
        return {}
    if document.family == "swagger":
        schemes = [] if as_list(tree.get("schemes")) else [base.scheme]
        if not as_text(tree.get("host")).strip():
            return {"host": base.netloc, **({"schemes": schemes} if schemes else {})}
        # Without schemes, the scheme of the document's address applies. https is the default and need not be written.
        return {"schemes": schemes} if schemes == ["http"] else {}
    changes: dict[str, object] = {}
    servers = as_list(tree.get("servers"))
    completed = _complete_servers(servers, base)
    completed = completed or [{"url": f"{base.scheme}://{base.netloc}", "description": _NO_SERVER}]
    if completed != servers:
        changes["servers"] = completed
    paths = as_mapping(tree.get("paths"))
    located_paths = {path: _locate_item(item, base) for path, item in paths.items()}
    if located_paths != paths:
        changes["paths"] = located_paths
    return changes


def _locate_item(item: object, base: SplitResult) -> object:
    """Completes the servers of a path and of its operations."""
    if not isinstance(item, dict):
        return item
    fields = as_mapping(item)
    located = {key: _locate_servers(value, base) if key.lower() in METHODS else value for key, value in fields.items()}
    return _locate_servers(located, base)


def _locate_servers(node: object, base: SplitResult) -> object:
    fields = as_mapping(node)
    servers = as_list(fields.get("servers"))
    return {**fields, "servers": _complete_servers(servers, base)} if servers else node


def _complete_servers(servers: list[object], base: SplitResult) -> list[object]:
    return [_complete_server(server, base) for server in servers]


def _complete_server(server: object, base: SplitResult) -> object:
    fields = as_mapping(server)
    url = as_text(fields.get("url")).strip()
    filled = fill_variables(url, fields)
    if not isinstance(server, dict) or _ABSOLUTE.match(filled):
        return server
    base_url = base._replace(query="", fragment="").geturl()
    # A URL that begins with a variable may be absolute, so its variables are filled in. Others keep their variables.
    relative = filled if url.startswith("{") else url
    try:
        return {**fields, "url": urljoin(base_url, relative or "/")}
    except ValueError:
        return server


def _edit(text: str, tree: Mapping[str, object], changes: Mapping[str, object]) -> str | None:
    """Edits only the lines of the changed keys. Returns None if that fails. The caller must check the result."""
    for key, value in changes.items():
        as_json = json.dumps(value, ensure_ascii=False)
        edited = (
            _edit_json(text, key, as_json)
            if text.lstrip()[:1] == "{"
            else _edit_yaml(text, key, as_json, has_key=key in tree)
        )
        if edited is None:
            return None
        text = edited
    return text


def _edit_json(text: str, key: str, value: str) -> str | None:
    decoder = json.JSONDecoder()
    blank = re.compile(r"[ \t\r\n]*")

    def skip_blanks(at: int) -> int:
        match = blank.match(text, at)
        return match.end() if match else at

    begin = at = skip_blanks(0) + 1
    try:
        while text[skip_blanks(at)] == '"':
            name, at = decoder.raw_decode(text, skip_blanks(at))
            at = skip_blanks(at) + 1  # the colon
            start = skip_blanks(at)
            _, at = decoder.raw_decode(text, start)
            if name == key:
                return f"{text[:start]}{value}{text[at:]}"
            at = skip_blanks(at) + 1  # the comma
    except (ValueError, IndexError, RecursionError):
        pass
    comma = "" if text[skip_blanks(begin) : skip_blanks(begin) + 1] == "}" else ","
    return f"{text[:begin]}\n  {json.dumps(key)}: {value}{comma}{text[begin:]}"


def _edit_yaml(text: str, key: str, value: str, *, has_key: bool) -> str | None:
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    first = next((at for at, line in enumerate(lines) if line.strip() and line[0] not in "#%" and line[:3] != "---"), 0)
    if not lines or not _BLOCK_KEY.match(lines[first]):
        return None
    start = stop = first
    if has_key:
        name = re.compile(rf"(?:{key}|\"{key}\"|'{key}')[ \t]*:")
        start = next((at for at, line in enumerate(lines) if name.match(line)), -1)
        if start < 0:
            return None
        stop = start + 1
        while stop < len(lines) and lines[stop].startswith(_CONTINUATIONS):
            stop += 1
    return "".join([*lines[:start], f"{key}: {value}{end}", *lines[stop:]])
