"""Tests that the service's OpenAPI document is complete, correct and up to date."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from fastapi.routing import APIRoute

from contract.functions import PRIVATE, functions
from contract.refresh import DOCUMENTED, SERVED, text
from shared.openapi import parse
from tests.contract.answer_check import kept, problems, resolved

OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in kept()["paths"].items()
    for method, operation in item.items()
]
operations = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
PUBLIC_PATHS = {"/", "/health", "/openapi.json", "/docs", "/rest/{friendly_name}"}
OPTIONAL_TOKEN_PATHS = {"/log/client", "/demos/{demo_id}/page"}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yields every object in the document, except those in examples."""
    if isinstance(value, dict):
        yield value
        for name, part in value.items():
            if name != "examples":
                yield from parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts(part)


def test_the_document_is_up_to_date() -> None:
    """`make contract` would change nothing, and `meta` serves the same document as in `docs/`."""
    fresh = text()
    assert SERVED.read_text(encoding="utf-8") == fresh, "functions/meta/openapi.json is stale: run `make contract`"
    assert DOCUMENTED.read_text(encoding="utf-8") == fresh, "docs/openapi.json is stale: run `make contract`"


def test_the_document_is_valid_openapi() -> None:
    """FastAPI's model and our own parser, which reads agents' specs, accept the document."""
    assert kept()["openapi"].startswith("3.1.")
    OpenAPI.model_validate(kept())
    assert parse(DOCUMENTED.read_text(encoding="utf-8")).name == "User Service API"


def test_references_can_be_resolved() -> None:
    """References lead to components of the document, and every component is referred to."""
    used = {part["$ref"] for part in parts(kept()) if isinstance(part.get("$ref"), str)}
    for reference in used:
        resolved({"$ref": reference})
    components = kept()["components"]
    defined = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert defined == used


def test_every_public_route_is_in_the_document() -> None:
    """Public routes are listed with every method except HEAD. Routes for the queue and the scheduler are not."""
    for function in functions():
        for route in function.router.routes:
            assert isinstance(route, APIRoute)
            for method in (route.methods or set()) - {"HEAD"} if route.include_in_schema else ():
                operation = kept()["paths"].get(route.path.replace(":path", ""), {}).get(method.lower())
                if function.name in PRIVATE:
                    assert operation is None or operation["tags"] != [function.name]
                else:
                    assert operation is not None, (function.name, route.path)
                    assert operation["tags"] == [function.name]


def test_operation_ids_are_unique() -> None:
    """Generated clients use the ids as names."""
    names = [operation["operationId"] for item in kept()["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


@operations
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    """An operation has a documented tag, a short summary, a description, and at least one successful response."""
    assert set(operation["tags"]) <= {tag["name"] for tag in kept()["tags"] if tag["description"]}
    assert 0 < len(operation["summary"]) <= 100
    assert operation["description"].endswith(".")
    assert any(status.startswith("2") for status in operation["responses"])


@operations
def test_an_operation_declares_the_errors_of_its_kind(path: str, method: str, operation: dict[str, Any]) -> None:
    """The declared errors follow from the operation's token, body and parameters.

    A required token may be missing, or cannot be checked now. A body may be too large or malformed, and a parameter
    may violate its constraints. An internal error may happen anywhere.
    """
    declared = set(operation["responses"])
    required = "security" in operation and {} not in operation["security"]
    assert ("401" in declared) == required
    assert "503" in declared or operation["tags"] == ["meta"]
    has_body = "requestBody" in operation
    assert ("413" in declared) == has_body
    bounded = any(
        {"minLength", "maxLength", "minimum", "pattern"} & set(part)
        for parameter in operation.get("parameters", [])
        for part in parts(parameter["schema"])
    )
    assert ("422" in declared) == (has_body or bounded)
    assert "500" in declared
    if "security" in operation and {"AdminPassword": []} in operation["security"]:
        assert {"403", "429"} <= declared


@operations
def test_every_error_has_a_detail(path: str, method: str, operation: dict[str, Any]) -> None:
    """Errors are JSON with a valid example. Those that may be retried later have a Retry-After header."""
    for status, response in operation["responses"].items():
        if status >= "400":
            error = resolved(response)
            content = error["content"]["application/json"]
            assert "detail" in resolved(content["schema"])["required"]
            assert not problems(content["schema"], content["example"])
            assert ("Retry-After" in error.get("headers", {})) == (status in ("429", "503"))


@operations
def test_operations_declare_whether_they_need_a_token(path: str, method: str, operation: dict[str, Any]) -> None:
    """All need one, except the service's own routes and published agents. For logs and demo pages it is optional."""
    security = operation.get("security")
    if path in PUBLIC_PATHS:
        assert security is None
    elif path in OPTIONAL_TOKEN_PATHS:
        assert security == [{"IdToken": []}, {}]
    else:
        assert security is not None
        assert {"IdToken": []} in security
        assert ({"AdminPassword": []} in security) == path.startswith("/admin/")
    assert kept()["components"]["securitySchemes"]["AdminPassword"]["name"] == "X-Admin-Password"


def examples_of(schema: dict[str, Any]) -> list[Any]:
    """Returns the examples of the schema, or of its items if it is a list or a map."""
    schema = resolved(schema)
    if found := schema.get("examples"):
        return found
    if schema.get("type") == "array":
        return [[example] for example in examples_of(schema["items"])]
    if isinstance(schema.get("additionalProperties"), dict):
        return [{"name": example} for example in examples_of(schema["additionalProperties"])]
    return []


@operations
def test_bodies_have_examples_that_fit(path: str, method: str, operation: dict[str, Any]) -> None:
    """Request and response bodies have at least one example each, and all of them are valid."""
    bodies = [response for status, response in operation["responses"].items() if status.startswith("2")]
    for body in (*bodies, operation.get("requestBody", {})):
        for media, content in body.get("content", {}).items():
            found = [content["example"]] if "example" in content else examples_of(content["schema"])
            if media == "application/json":
                assert found
            for example in found:
                assert not problems(content["schema"], example)


def test_response_only_models_always_have_all_fields() -> None:
    """Clients need not check whether a field of a response exists; a missing value is null."""
    schemas = kept()["components"]["schemas"]
    assert set(schemas["ChatResponse"]["required"]) == set(schemas["ChatResponse"]["properties"])
    assert schemas["ChatResponse"]["examples"][0]["error"] is None
    missing = set(schemas["Agent"]["properties"]) - set(schemas["Agent"]["required"])
    assert missing == {"warnings", "engine"}
    assert not [name for name in schemas if name.endswith(("-Input", "-Output"))]


def test_defaults_are_valid_values() -> None:
    """A client may send defaults explicitly without changing the outcome."""
    schemas = kept()["components"]["schemas"]
    for part in parts([schemas, kept()["paths"]]):
        if "default" in part and (isinstance(part.get("type"), str) or "anyOf" in part):
            assert not problems(part, part["default"]), part
    assert not [part for part in parts(schemas["UpdateAgentRequest"]) if "default" in part]


def test_the_servers_are_listed() -> None:
    """The servers are the local ones, the Hosting site, and each function, which the operation's tag names."""
    servers = {server["url"]: server for server in kept()["servers"]}
    assert list(servers) == [
        "http://127.0.0.1:8000/api",
        "http://127.0.0.1:8000",
        "https://{project}.web.app/api",
        "https://{region}-{project}.cloudfunctions.net/{function}",
    ]
    tags = [tag["name"] for tag in kept()["tags"]]
    own = servers["https://{region}-{project}.cloudfunctions.net/{function}"]
    assert own["variables"]["function"]["enum"] == tags
    assert set(tags) == {function.name for function in functions()} - set(PRIVATE)


@pytest.mark.parametrize(
    ("path", "method", "status", "header"),
    [
        ("/agents", "get", "200", "X-Next-Page-Token"),
        ("/demos", "get", "200", "X-Next-Page-Token"),
        ("/deployments", "get", "200", "X-Next-Page-Token"),
        ("/admin/users", "get", "200", "X-Next-Page-Token"),
        ("/rest/{friendly_name}", "post", "200", "X-Run-Id"),
        ("/rest/{friendly_name}", "post", "200", "warnings"),
        ("/users/me", "get", "401", "WWW-Authenticate"),
    ],
)
def test_response_headers_are_declared(path: str, method: str, status: str, header: str) -> None:
    """The document declares the response headers that clients need."""
    assert header in resolved(kept()["paths"][path][method]["responses"][status])["headers"]


@operations
def test_links_lead_to_operations(path: str, method: str, operation: dict[str, Any]) -> None:
    """A link names an operation in the document, and sets each of its path parameters."""
    parameters = {
        target["operationId"]: {
            parameter["name"] for parameter in target.get("parameters", []) if parameter["in"] == "path"
        }
        for item in kept()["paths"].values()
        for target in item.values()
    }
    for response in operation["responses"].values():
        for link in response.get("links", {}).values():
            assert set(link["parameters"]) == parameters[link["operationId"]]


def test_creating_operations_link_to_reading_ones() -> None:
    """An operation that returns a new id links to the operation that reads the resource."""
    targets = {
        operation["operationId"]: set(response.get("links", {}))
        for item in kept()["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status.startswith("2")
    }
    assert "agents_get_agent" in targets["agents_create"]
    assert "deployments_deployment" in targets["deployments_deploy"]
    assert "deployments_call" in targets["deployments_deployment"]
    assert targets["chat_submit"] == {"chat_look_up"}
    assert "sessions_get_config" in targets["sessions_configure"]
    assert "demos_open_page" in targets["demos_create"]


def test_the_idempotency_key_is_declared() -> None:
    """The header is declared with the pattern that keys must match."""
    (key,) = kept()["paths"]["/users/me/usage"]["post"]["parameters"]
    assert (key["name"], key["in"]) == ("Idempotency-Key", "header")
    assert "pattern" in json.dumps(key["schema"])
