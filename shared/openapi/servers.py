"""Lists the base URLs of an API, with their variables replaced by default values."""

from collections.abc import Mapping

from shared.openapi.document import Document
from shared.openapi.prose import one_line, prose
from shared.openapi.tree import as_list, as_mapping, as_text

_MAX_SHOWN = 5
"""The maximum number of servers that are shown, and of variables per server."""

_RELATIVE = "on the host that the document came from, which the document does not name"

_MAX_URL_LENGTH = 300
"""The maximum length of a base URL, in characters."""


def list_base_urls(document: Document, description_length: int) -> list[str]:
    """Returns the document's base URLs. `description_length`: in characters, per description or list of values."""
    if document.family == "swagger":
        return _list_swagger_urls(document.tree, document.tree.get("schemes"))
    return _list_urls(document.tree.get("servers"), description_length)


def list_own_urls(document: Document, path: Mapping[str, object], operation: Mapping[str, object]) -> list[str]:
    """Returns an operation's base URLs if they differ from the document's; otherwise an empty list."""
    if document.family == "swagger":
        urls = _list_swagger_urls(document.tree, operation["schemes"]) if as_list(operation.get("schemes")) else []
    else:
        urls = _list_urls(operation.get("servers"), 0) or _list_urls(path.get("servers"), 0)
    return urls if urls and urls != list_base_urls(document, 0) else []


def _list_urls(servers: object, description_length: int) -> list[str]:
    urls: list[str] = []
    for server in as_list(servers)[:_MAX_SHOWN]:
        url = fill_variables(as_text(as_mapping(server).get("url")), as_mapping(server))
        if not url.rstrip("/"):
            continue
        notes = [
            _RELATIVE if url.startswith(("/", ".")) else "",
            prose(as_mapping(server).get("description"), description_length),
        ]
        for name, variable in list(as_mapping(as_mapping(server).get("variables")).items())[:_MAX_SHOWN]:
            default = _to_text(as_mapping(variable).get("default"))
            values = [_to_text(value) for value in as_list(as_mapping(variable).get("enum"))[:50]]
            other_values = [value for value in values if value and value != default]
            if other_values and description_length:
                notes.append(one_line(f"{name} may also be {', '.join(other_values)}", description_length))
        notes = [note for note in notes if note]
        # The trailing slash is removed, because paths begin with one.
        urls.append(one_line(url, _MAX_URL_LENGTH).rstrip("/") + (f" ({'; '.join(notes)})" if notes else ""))
    return urls


def fill_variables(url: str, server: Mapping[str, object]) -> str:
    """Returns a Server Object's URL with default values in place of variables. Variables without one stay in braces."""
    url = url[:_MAX_URL_LENGTH]
    for name, variable in list(as_mapping(server.get("variables")).items())[:_MAX_SHOWN]:
        if default := _to_text(as_mapping(variable).get("default")):
            url = url.replace("{" + name + "}", default)[:_MAX_URL_LENGTH]
    return url


def _list_swagger_urls(tree: Mapping[str, object], schemes: object) -> list[str]:
    host = one_line(as_text(tree.get("host")), 200)
    base = one_line(as_text(tree.get("basePath")), 200).strip("/")
    base = f"/{base}" if base else ""
    if not host:
        return [f"{base} ({_RELATIVE})"] if base else []
    names = [one_line(scheme, 10) for scheme in as_list(schemes)[:_MAX_SHOWN] if isinstance(scheme, str)] or ["https"]
    # https comes first, because callers use the first URL.
    names.sort(key=lambda name: name != "https")
    return [f"{name}://{host}{base}" for name in names]


def _to_text(value: object) -> str:
    return one_line(str(value), 100) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
