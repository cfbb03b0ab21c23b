"""Where an API is reached: base URLs with the variables' defaults filled in."""

from collections.abc import Mapping

from shared.openapi.document import Document
from shared.openapi.prose import one_line, prose
from shared.openapi.tree import listing, mapping, text

_MOST = 5
"""Servers that are shown."""

_RELATIVE = "on the host that the document came from, which it does not name"

_URL_LENGTH = 300
"""Characters."""


def base_urls(document: Document, words: int) -> list[str]:
    """Of the whole document. Descriptions and a variable's other values take `words` characters at most, each."""
    if document.family == "swagger":
        return _swagger_urls(document.tree, document.tree.get("schemes"))
    return _urls(document.tree.get("servers"), words)


def own_urls(document: Document, path: Mapping[str, object], operation: Mapping[str, object]) -> list[str]:
    """Of one operation, where they differ from the document's; else empty."""
    if document.family == "swagger":
        own = _swagger_urls(document.tree, operation["schemes"]) if listing(operation.get("schemes")) else []
    else:
        own = _urls(operation.get("servers"), 0) or _urls(path.get("servers"), 0)
    return own if own and own != base_urls(document, 0) else []


def _urls(servers: object, words: int) -> list[str]:
    found: list[str] = []
    for server in listing(servers)[:_MOST]:
        url = filled(text(mapping(server).get("url")), mapping(server))
        if not url.rstrip("/"):
            continue
        notes = [_RELATIVE if url.startswith(("/", ".")) else "", prose(mapping(server).get("description"), words)]
        for name, variable in list(mapping(mapping(server).get("variables")).items())[:_MOST]:
            default = _value(mapping(variable).get("default"))
            values = [_value(value) for value in listing(mapping(variable).get("enum"))[:50]]
            others = [value for value in values if value and value != default]
            if others and words:
                notes.append(one_line(f"{name} may also be {', '.join(others)}", words))
        notes = [note for note in notes if note]
        # Paths begin with the slash.
        found.append(one_line(url, _URL_LENGTH).rstrip("/") + (f" ({'; '.join(notes)})" if notes else ""))
    return found


def filled(url: str, server: Mapping[str, object]) -> str:
    """`url`, of a Server Object, with its variables' defaults. Those without one stay in their braces."""
    url = url[:_URL_LENGTH]
    for name, variable in list(mapping(server.get("variables")).items())[:_MOST]:
        if default := _value(mapping(variable).get("default")):
            url = url.replace("{" + name + "}", default)[:_URL_LENGTH]
    return url


def _swagger_urls(tree: Mapping[str, object], schemes: object) -> list[str]:
    host = one_line(text(tree.get("host")), 200)
    base = one_line(text(tree.get("basePath")), 200).strip("/")
    base = f"/{base}" if base else ""
    if not host:
        return [f"{base} ({_RELATIVE})"] if base else []
    names = [one_line(scheme, 10) for scheme in listing(schemes)[:_MOST] if isinstance(scheme, str)] or ["https"]
    # The first is the one that gets used.
    names.sort(key=lambda name: name != "https")
    return [f"{name}://{host}{base}" for name in names]


def _value(value: object) -> str:
    return one_line(str(value), 100) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
