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
from tests.contract.answer_check import OPENAI_PATHS, error_field, resolve, stored_document, violations

OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in stored_document()["paths"].items()
    for method, operation in item.items()
]
operations = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
METADATA_PATH = "/.well-known/oauth-protected-resource"
PUBLIC_PATHS = {"/", "/health", "/openapi.json", "/docs", METADATA_PATH}
PUBLISHED_AGENT = "/rest/{friendly_name}"
OPTIONAL_TOKEN_PATHS = {"/log/client", "/demos/{demo_id}/page", PUBLISHED_AGENT}
OTHER_PROTOCOL = "/mcp"
"""A path with a protocol of its own, which defines what errors look like."""


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
    """`make contract` would change nothing, and `meta` serves the document that is in `docs/`."""
    generated = text()
    assert SERVED.read_text(encoding="utf-8") == generated, (
        "functions/meta/openapi.json is out of date: run `make contract`"
    )
    assert DOCUMENTED.read_text(encoding="utf-8") == generated, "docs/openapi.json is out of date: run `make contract`"


def test_the_document_is_valid_openapi() -> None:
    """The document is accepted by FastAPI's model, and by this service's parser for agents' specs."""
    assert stored_document()["openapi"].startswith("3.1.")
    OpenAPI.model_validate(stored_document())
    assert parse(DOCUMENTED.read_text(encoding="utf-8")).name == "User Service API"


def test_references_can_be_resolved() -> None:
    """Every reference leads to a component, and every component is referred to."""
    used = {part["$ref"] for part in parts(stored_document()) if isinstance(part.get("$ref"), str)}
    for reference in used:
        resolve({"$ref": reference})
    components = stored_document()["components"]
    defined = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert defined == used


def test_every_public_route_is_in_the_document() -> None:
    """The document has every public route with each of its methods except HEAD, but no routes for the queue and the
    scheduler."""
    for function in functions():
        for route in function.router.routes:
            assert isinstance(route, APIRoute)
            for method in (route.methods or set()) - {"HEAD"} if route.include_in_schema else ():
                operation = stored_document()["paths"].get(route.path.replace(":path", ""), {}).get(method.lower())
                if function.name in PRIVATE:
                    assert operation is None or operation["tags"] != [function.name]
                else:
                    assert operation is not None, (function.name, route.path)
                    assert operation["tags"] == [function.name]


def test_operation_ids_are_unique() -> None:
    """Operation ids are unique, because generated clients use them as names."""
    names = [operation["operationId"] for item in stored_document()["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


@operations
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    """An operation has a documented tag, a short summary, a description, and at least one successful response."""
    assert set(operation["tags"]) <= {tag["name"] for tag in stored_document()["tags"] if tag["description"]}
    assert 0 < len(operation["summary"]) <= 100
    assert operation["description"].endswith(".")
    assert any(status.startswith("2") for status in operation["responses"])


@operations
def test_an_operation_declares_the_errors_of_its_kind(path: str, method: str, operation: dict[str, Any]) -> None:
    """The declared errors follow from the operation's token, body and parameters.

    A required token can be missing, or its check can be unavailable. Some published agents require one. A body can be
    too large or malformed, and a parameter can violate its constraints. Any operation can have an internal error.
    """
    declared = set(operation["responses"])
    required = "security" in operation and {} not in operation["security"]
    assert ("401" in declared) == (required or path == PUBLISHED_AGENT)
    assert "503" in declared or operation["tags"] == ["meta"] or path == METADATA_PATH
    has_body = "requestBody" in operation
    assert ("413" in declared) == has_body
    has_constraints = any(
        {"minLength", "maxLength", "minimum", "pattern"} & set(part)
        for parameter in operation.get("parameters", [])
        for part in parts(parameter["schema"])
    )
    invalid = "400" if path.startswith(OPENAI_PATHS) else "422"
    if has_body or has_constraints:
        assert invalid in declared or path == OTHER_PROTOCOL
    else:
        assert "422" not in declared
    assert "500" in declared
    if "security" in operation and {"AdminPassword": []} in operation["security"]:
        assert {"403", "429"} <= declared


@operations
def test_every_error_has_a_detail(path: str, method: str, operation: dict[str, Any]) -> None:
    """Every error is JSON with a `detail` and a valid example. Errors after which a request can be retried have a
    `Retry-After` header."""
    for status, response in operation["responses"].items():
        if status >= "400":
            error = resolve(response)
            content = error["content"]["application/json"]
            if path != OTHER_PROTOCOL or status not in ("400", "404"):
                assert error_field(path) in resolve(content["schema"])["required"]
            assert not violations(content["schema"], content["example"])
            assert ("Retry-After" in error.get("headers", {})) == (status in ("429", "503"))


@operations
def test_operations_declare_whether_they_need_a_token(path: str, method: str, operation: dict[str, Any]) -> None:
    """All operations require a token except those of the service itself. For logs and demo pages, it is optional, as it
    is for published agents, some of which require one."""
    security = operation.get("security")
    if path in PUBLIC_PATHS:
        assert security is None
    elif path in OPTIONAL_TOKEN_PATHS:
        assert security == [{"IdToken": []}, {}]
    else:
        assert security is not None
        assert {"IdToken": []} in security
        assert ({"AdminPassword": []} in security) == path.startswith("/admin/")
    assert stored_document()["components"]["securitySchemes"]["AdminPassword"]["name"] == "X-Admin-Password"


def examples_of(schema: dict[str, Any]) -> list[Any]:
    """Returns the examples of the schema. For a list or a map, returns examples with one item each."""
    schema = resolve(schema)
    if examples := schema.get("examples"):
        return examples
    if schema.get("type") == "array":
        return [[example] for example in examples_of(schema["items"])]
    if isinstance(schema.get("additionalProperties"), dict):
        return [{"name": example} for example in examples_of(schema["additionalProperties"])]
    return []


@operations
def test_bodies_have_valid_examples(path: str, method: str, operation: dict[str, Any]) -> None:
    """Request and response bodies have at least one example each, and all of them are valid."""
    bodies = [response for status, response in operation["responses"].items() if status.startswith("2")]
    for body in (*bodies, operation.get("requestBody", {})):
        for media_type, content in body.get("content", {}).items():
            if "schema" not in content:  # a stream, whose items have a schema
                continue
            examples = [content["example"]] if "example" in content else examples_of(content["schema"])
            if media_type == "application/json":
                assert examples
            for example in examples:
                assert not violations(content["schema"], example)


def test_response_only_models_always_have_all_fields() -> None:
    """Every field is present in responses, so clients need not check whether it exists. A missing value is null."""
    schemas = stored_document()["components"]["schemas"]
    assert set(schemas["ChatResponse"]["required"]) == set(schemas["ChatResponse"]["properties"])
    assert schemas["ChatResponse"]["examples"][0]["error"] is None
    missing = set(schemas["Agent"]["properties"]) - set(schemas["Agent"]["required"])
    assert missing == {"warnings", "engine"}
    assert not [name for name in schemas if name.endswith(("-Input", "-Output"))]


def test_defaults_are_valid_values() -> None:
    """Every default is a valid value, so a client can send defaults explicitly without changing the outcome."""
    schemas = stored_document()["components"]["schemas"]
    for part in parts([schemas, stored_document()["paths"]]):
        if "default" in part and (isinstance(part.get("type"), str) or "anyOf" in part):
            assert not violations(part, part["default"]), part
    assert not [part for part in parts(schemas["UpdateAgentRequest"]) if "default" in part]


def test_the_servers_are_listed() -> None:
    """The listed servers are the local ones, the Hosting site, and each function, which is named like the operation's
    tag."""
    servers = {server["url"]: server for server in stored_document()["servers"]}
    assert list(servers) == [
        "http://127.0.0.1:8000/api",
        "http://127.0.0.1:8000",
        "https://{project}.web.app/api",
        "https://{region}-{project}.cloudfunctions.net/{function}",
    ]
    tags = [tag["name"] for tag in stored_document()["tags"]]
    function_server = servers["https://{region}-{project}.cloudfunctions.net/{function}"]
    assert function_server["variables"]["function"]["enum"] == tags
    assert set(tags) == {function.name for function in functions()} - set(PRIVATE)


@pytest.mark.parametrize(
    ("path", "method", "status", "header"),
    [
        ("/agents", "get", "200", "X-Next-Page-Token"),
        ("/demos", "get", "200", "X-Next-Page-Token"),
        ("/deployments", "get", "200", "X-Next-Page-Token"),
        ("/schedules", "get", "200", "X-Next-Page-Token"),
        ("/admin/users", "get", "200", "X-Next-Page-Token"),
        ("/rest/{friendly_name}", "post", "200", "X-Run-Id"),
        ("/rest/{friendly_name}", "post", "200", "warnings"),
        ("/users/me", "get", "401", "WWW-Authenticate"),
    ],
)
def test_response_headers_are_declared(path: str, method: str, status: str, header: str) -> None:
    """The document declares the response headers that clients use."""
    assert header in resolve(stored_document()["paths"][path][method]["responses"][status])["headers"]


@operations
def test_links_lead_to_operations(path: str, method: str, operation: dict[str, Any]) -> None:
    """Every link names an operation in the document, and sets all of its path parameters."""
    parameters = {
        target["operationId"]: {
            parameter["name"] for parameter in target.get("parameters", []) if parameter["in"] == "path"
        }
        for item in stored_document()["paths"].values()
        for target in item.values()
    }
    for response in operation["responses"].values():
        for link in response.get("links", {}).values():
            assert set(link["parameters"]) == parameters[link["operationId"]]


def test_operations_that_create_resources_link_to_those_that_read_them() -> None:
    """An operation that returns a new id links to the operation that reads the resource."""
    targets = {
        operation["operationId"]: set(response.get("links", {}))
        for item in stored_document()["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status.startswith("2")
    }
    assert "agents_get_agent" in targets["agents_create"]
    assert "deployments_deployment" in targets["deployments_deploy"]
    assert "deployments_call" in targets["deployments_deployment"]
    assert targets["chat_submit"] == {"chat_look_up", "chat_watch", "chat_cancel", "chat_delete"}
    assert "sessions_get_config" in targets["sessions_configure"]
    assert "demos_open_page" in targets["demos_create"]
    assert "schedules_get_schedule" in targets["schedules_create"]


def test_the_idempotency_key_is_declared() -> None:
    """The `Idempotency-Key` header is declared with the pattern that keys must match."""
    (key,) = stored_document()["paths"]["/users/me/usage"]["post"]["parameters"]
    assert (key["name"], key["in"]) == ("Idempotency-Key", "header")
    assert "pattern" in json.dumps(key["schema"])
