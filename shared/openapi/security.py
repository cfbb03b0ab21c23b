"""Describes an API's authentication: the credentials for each scheme, and the schemes that an operation requires."""

from collections.abc import Mapping
from itertools import islice

from shared.openapi.document import Document
from shared.openapi.prose import one_line, prose
from shared.openapi.tree import References, as_list, as_mapping, as_text

_MAX_SHOWN = 12
"""The maximum number of schemes that are shown, and likewise of flows, scopes and alternatives."""

_BEARER = "header `Authorization: Bearer <token>`"


def describe_schemes(document: Document, references: References, description_length: int) -> list[str]:
    """Returns one line per scheme, with its name and credentials. `description_length`: in characters."""
    if document.family == "swagger":
        schemes = as_mapping(document.tree.get("securityDefinitions"))
    else:
        schemes = as_mapping(as_mapping(document.tree.get("components")).get("securitySchemes"))
    lines: list[str] = []
    for name, node in islice(schemes.items(), _MAX_SHOWN):
        resolved = references.resolve(node)
        scheme = as_mapping(resolved.node)
        description = prose(scheme.get("description"), description_length)
        credentials = _describe_scheme(scheme, description_length) if resolved.node is not None else resolved.name
        lines.append(f"{one_line(name, 80)}: {credentials}" + (f". {description}" if description else ""))
    if len(schemes) > _MAX_SHOWN:
        lines.append(f"… {len(schemes) - _MAX_SHOWN} more")
    return lines


def describe_requirement(node: Mapping[str, object]) -> str | None:
    """Returns the required schemes, such as `a or b + c (scope)`.

    Returns "none" if no scheme is required, and None if `node` has no list of schemes.
    """
    if not isinstance(node.get("security"), list):
        return None
    alternatives = [_describe_alternative(as_mapping(entry)) for entry in as_list(node["security"])[:_MAX_SHOWN]]
    return " or ".join(dict.fromkeys(alternatives)) or "none"


def _describe_alternative(alternative: dict[str, object]) -> str:
    parts: list[str] = []
    for name, scopes in islice(alternative.items(), _MAX_SHOWN):
        required = [one_line(scope, 80) for scope in as_list(scopes)[:_MAX_SHOWN] if isinstance(scope, str)]
        parts.append(one_line(name, 80) + (f" ({', '.join(required)})" if required else ""))
    return " + ".join(parts) or "none"


def _describe_scheme(scheme: dict[str, object], description_length: int) -> str:
    type_ = as_text(scheme.get("type"))
    if type_ == "apiKey":
        place = one_line(as_text(scheme.get("in")), 20) or "header"
        name = one_line(as_text(scheme.get("name")), 100)
        return f"API key in {'query parameter' if place == 'query' else place} `{name}`"
    if type_ == "basic":
        return _describe_http("basic")
    if type_ == "http":
        hint = one_line(as_text(scheme.get("bearerFormat")), 40)
        return _describe_http(one_line(as_text(scheme.get("scheme")), 40)) + (f", format {hint}" if hint else "")
    if type_ == "oauth2":
        return f"OAuth 2.0 access token in {_BEARER}{_describe_flows(scheme, description_length)}"
    if type_ == "openIdConnect":
        url = one_line(as_text(scheme.get("openIdConnectUrl")), 300)
        return f"OpenID Connect token in {_BEARER}" + (f", described at {url}" if url else "")
    if type_ == "mutualTLS":
        return "client certificate (mutual TLS)"
    return one_line(type_, 40) or "not described"


def _describe_http(scheme: str) -> str:
    if scheme.lower() == "bearer":
        return _BEARER
    if scheme.lower() == "basic":
        return "HTTP basic, header `Authorization: Basic <base64 of user:password>`"
    return f"header `Authorization: {scheme} <credentials>`"


def _describe_flows(scheme: dict[str, object], description_length: int) -> str:
    """Describes the OAuth flows and scopes. In Swagger, the scheme itself is the only flow."""
    if not description_length:
        return ""
    flows = as_mapping(scheme.get("flows")) or {as_text(scheme.get("flow")): scheme}
    shown: list[str] = []
    scopes: dict[str, None] = {}
    for name, flow in islice(flows.items(), _MAX_SHOWN):
        token = one_line(as_text(as_mapping(flow).get("tokenUrl")), 300)
        shown.append(one_line(name, 40) + (f" (token from {token})" if token else ""))
        scopes |= dict.fromkeys(
            one_line(scope, 80) for scope in islice(as_mapping(as_mapping(flow).get("scopes")), _MAX_SHOWN)
        )
    flow_text = ", ".join(entry for entry in shown if entry)
    scope_text = ", ".join(list(scopes)[:_MAX_SHOWN]) + (", …" if len(scopes) >= _MAX_SHOWN else "")
    return (f"; flows: {flow_text}" if flow_text else "") + (f"; scopes: {scope_text}" if scopes else "")
