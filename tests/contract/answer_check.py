"""Checks responses against the document: an undeclared status, media type or body is an error."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from contract.refresh import DOCUMENTED

_ROUTER_STATUSES = (405,)
"""Statuses of responses that the router sends without calling an operation."""


@cache
def kept() -> dict[str, Any]:
    """Returns the document in `docs/`."""
    document: dict[str, Any] = json.loads(DOCUMENTED.read_text(encoding="utf-8"))
    return document


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Resolves a reference into the document; returns any other part unchanged."""
    found: Any = part
    while "$ref" in found:
        names = found["$ref"].removeprefix("#/").split("/")
        found = kept()
        for name in names:
            found = found[name]
    return found


def operation_of(function: str, method: str, path: str) -> dict[str, Any] | None:
    """Finds the operation of a function that a request is for, in any of the path forms."""
    path = re.sub(r"^/api(?=/|$)", "", path).rstrip("/") or "/"
    for candidate in (path, f"/{function}{path}".rstrip("/")):
        for template in sorted(kept()["paths"], key=lambda template: template.count("{")):
            operation: dict[str, Any] | None = kept()["paths"][template].get(method.lower())
            if operation and operation["tags"] == [function] and re.fullmatch(_pattern(template), candidate):
                return operation
    return None


def _pattern(template: str) -> str:
    return "".join(
        (".+" if part == "{model}" else "[^/]+") if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", template)
    )


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": kept()["components"]})


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    """Returns how a JSON value violates a schema of the document."""
    return [error.message for error in _validator(json.dumps(schema)).iter_errors(value)]


def answer_check(function: str) -> Callable[[httpx.Response], Awaitable[None]]:
    """Returns an event hook for a function's client. It raises `AssertionError`; requests for no operation pass."""

    async def check(response: httpx.Response) -> None:
        request = response.request
        operation = operation_of(function, request.method, request.url.path)
        if operation is None or response.status_code in _ROUTER_STATUSES:
            return
        await response.aread()
        name = f"{request.method} {request.url.path} ({operation['operationId']}) returns {response.status_code}"
        declared = operation["responses"].get(str(response.status_code))
        assert declared is not None, f"{name}, which the document does not declare"
        content: dict[str, Any] = resolved(declared).get("content", {})
        media = response.headers.get("content-type", "").partition(";")[0]
        if not content:
            assert not response.content, f"{name} with a body that the document does not declare"
            return
        assert media in content, f"{name} as {media}"
        if media == "application/json":
            found = problems(content[media]["schema"], response.json())
            assert not found, f"{name} with a body that violates the document: {found[:3]}"

    return check
