"""Checks responses against the OpenAPI document: an undeclared status, media type or body is an error."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from contract.refresh import DOCUMENTED

_ROUTER_STATUSES = (405,)
"""The statuses of responses that the router sends without calling an operation."""


OPENAI_PATHS = "/v1/"
"""Below these paths, requests, responses and errors have OpenAI's form."""


def error_field(path: str) -> str:
    """Returns the field of an error that describes it: that of OpenAI's form for the paths that have it."""
    return "error" if path.startswith(OPENAI_PATHS) else "detail"


@cache
def stored_document() -> dict[str, Any]:
    """Returns the OpenAPI document in `docs/`."""
    document: dict[str, Any] = json.loads(DOCUMENTED.read_text(encoding="utf-8"))
    return document


def resolve(part: dict[str, Any]) -> dict[str, Any]:
    """Returns the part of the document that a reference leads to. Returns anything but a reference unchanged."""
    target: Any = part
    while "$ref" in target:
        names = target["$ref"].removeprefix("#/").split("/")
        target = stored_document()
        for name in names:
            target = target[name]
    return target


def find_operation(function: str, method: str, path: str) -> dict[str, Any] | None:
    """Returns the function's operation for a request, whichever form its path has, or None if there is none."""
    path = re.sub(r"^/api(?=/|$)", "", path).rstrip("/") or "/"
    for candidate in (path, f"/{function}{path}".rstrip("/")):
        for template in sorted(stored_document()["paths"], key=lambda template: template.count("{")):
            operation: dict[str, Any] | None = stored_document()["paths"][template].get(method.lower())
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
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": stored_document()["components"]})


def violations(schema: dict[str, Any], value: Any) -> list[str]:
    """Returns a description of each way in which a JSON value violates a schema of the document."""
    return [error.message for error in _validator(json.dumps(schema)).iter_errors(value)]


def response_check(function: str) -> Callable[[httpx.Response], Awaitable[None]]:
    """Returns an event hook for the client of a function. It raises `AssertionError` for an undeclared response, and
    ignores requests that are not for an operation.
    """

    async def check(response: httpx.Response) -> None:
        request = response.request
        operation = find_operation(function, request.method, request.url.path)
        if operation is None or response.status_code in _ROUTER_STATUSES:
            return
        await response.aread()
        name = f"{request.method} {request.url.path} ({operation['operationId']}) returns {response.status_code}"
        declared = operation["responses"].get(str(response.status_code))
        assert declared is not None, f"{name}, which the document does not declare"
        content: dict[str, Any] = resolve(declared).get("content", {})
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if not content:
            assert not response.content, f"{name} with a body that the document does not declare"
            return
        assert media_type in content, f"{name} as {media_type}, which the document does not declare"
        if media_type == "application/json":
            errors = violations(content[media_type]["schema"], response.json())
            assert not errors, f"{name} with a body that violates the document: {errors[:3]}"

    return check
