"""Builds the OpenAPI document: FastAPI describes each function's routes, and this module adds the common parts."""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from contract import errors, events, openai_errors
from contract.functions import PRIVATE, ROOT, Function, functions
from contract.links import links

_DESCRIPTION = """\
Build, run and publish LLM agents.

Every error is JSON with a `detail`, except below `/v1`, where errors have OpenAI's form. A body or parameter that does
not validate gets 422. Requests may write field names in camelCase or in snake_case; unknown fields are ignored. Times
are in RFC 3339 and UTC, except `allowanceResetDate`, which is in epoch milliseconds. Amounts of money are in US
dollars. A `_rev` changes with every write, and a change that is sent with an outdated `_rev` gets 409.
"""
_SERVERS: list[dict[str, Any]] = [
    {"url": "http://127.0.0.1:8000/api", "description": "`make run`: through Hosting, like a frontend"},
    {"url": "http://127.0.0.1:8000", "description": "`make run`: the service root"},
    {
        "url": "https://{project}.web.app/api",
        "description": "the Hosting site",
        "variables": {"project": {"default": "demo-agents", "description": "the Firebase project's id"}},
    },
]
_DATA = ("examples", "example", "default", "enum")
"""Keys whose values contain no schemas."""


def document() -> dict[str, Any]:
    """Builds the OpenAPI 3.1 document of all public functions."""
    public = [function for function in functions() if function.name not in PRIVATE]
    app = FastAPI(generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}")
    for function in public:
        app.include_router(function.router, tags=[function.name])
    result = get_openapi(
        title="User Service API",
        version=tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        description=_DESCRIPTION,
        routes=app.routes,
        tags=[{"name": function.name, "description": function.about} for function in public],
        servers=[*_SERVERS, _build_function_server([function.name for function in public])],
    )
    for item in result["paths"].values():
        for operation in item.values():
            _complete_operation(operation)
    components = result["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    for name, examples in _collect_examples(public).items():
        components["schemas"][name]["examples"] = examples
    components["schemas"] = dict(
        sorted(
            (
                _drop_titles(events.schemas() | components["schemas"]) | errors.schemas() | openai_errors.schemas()
            ).items()
        )
    )
    components["responses"] = {
        kind.__name__: errors.response(kind) for kind in errors.KINDS
    } | openai_errors.responses()
    result["paths"] = _drop_titles(result["paths"])
    return result


def _complete_operation(operation: dict[str, Any]) -> None:
    """Adds the responses that all routes share, and a summary, which is the description's first clause."""
    operation["summary"] = re.split(r"[.;]\s", operation["description"] + " ", maxsplit=1)[0]
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "header":
            parameter["name"] = "-".join(part.capitalize() for part in parameter["name"].split("-"))
    responses: dict[str, Any] = operation["responses"]
    if "$ref" not in responses.get("422", {}):
        responses.pop("422", None)  # FastAPI adds this one to every route with a parameter
    responses.setdefault("500", {"$ref": "#/components/responses/Fault"})
    for status, response in responses.items():
        if status.startswith("2") and (operation_links := links(operation["operationId"])):
            response["links"] = operation_links
        for content in response.get("content", {}).values():
            if "itemSchema" in content:
                content.pop("schema", None)  # FastAPI adds one, for the stream as a whole
    operation["responses"] = {
        status: {"$ref": response["$ref"]} if "$ref" in response else response
        for status, response in sorted(responses.items())
    }


def _collect_examples(functions: Iterable[Function]) -> dict[str, list[Any]]:
    """Collects the examples by schema, including nulls, which FastAPI omits although responses have all fields."""
    result: dict[str, list[Any]] = {}
    for route in (route for function in functions for route in function.router.routes):
        if isinstance(route, APIRoute) and route.response_model is not None:
            schema = TypeAdapter[Any](route.response_model).json_schema(mode="serialization")
            for name, part in {**schema.pop("$defs", {}), schema.get("title", ""): schema}.items():
                if "examples" in part:
                    result[name] = part["examples"]
    return result


def _drop_titles(value: Any) -> Any:
    """Removes the titles that Pydantic derives from names."""
    match value:
        case dict():
            return {
                name: part if name in _DATA else _drop_titles(part)
                for name, part in value.items()
                if not (name == "title" and isinstance(part, str))
            }
        case list():
            return [_drop_titles(part) for part in value]
        case _:
            return value


def _build_function_server(names: list[str]) -> dict[str, Any]:
    return {
        "url": "https://{region}-{project}.cloudfunctions.net/{function}",
        "description": "the function itself, which the operation's tag names",
        "variables": {
            "region": {"default": "us-central1"},
            "project": {"default": "demo-agents", "description": "the Firebase project's id"},
            "function": {"default": "meta", "enum": names},
        },
    }
