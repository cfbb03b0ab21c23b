"""The service's OpenAPI document: complete, true to the routes, and as fresh as they are."""

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
WITHOUT_A_TOKEN = {"/", "/health", "/openapi.json", "/docs", "/rest/{friendly_name}"}
TOKEN_OR_NOT = {"/log/client", "/demos/{demo_id}/page"}


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document, but those in examples."""
    if isinstance(value, dict):
        yield value
        for name, part in value.items():
            if name != "examples":
                yield from parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from parts(part)


def test_it_is_fresh() -> None:
    """`make contract` would change nothing; what `meta` serves is what `docs/` keeps."""
    fresh = text()
    assert SERVED.read_text(encoding="utf-8") == fresh, "functions/meta/openapi.json is stale: run `make contract`"
    assert DOCUMENTED.read_text(encoding="utf-8") == fresh, "docs/openapi.json is stale: run `make contract`"


def test_it_is_an_openapi_document() -> None:
    """By FastAPI's model of one, and for our own reader, which agents' specs go through."""
    assert kept()["openapi"].startswith("3.1.")
    OpenAPI.model_validate(kept())
    assert parse(DOCUMENTED.read_text(encoding="utf-8")).name == "User Service API"


def test_its_references_lead_somewhere() -> None:
    """Within itself; and nothing in it is described for nobody."""
    used = {part["$ref"] for part in parts(kept()) if isinstance(part.get("$ref"), str)}
    for reference in used:
        resolved({"$ref": reference})
    components = kept()["components"]
    described = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert described == used


def test_every_public_route_is_in_it() -> None:
    """By every method that it answers, HEAD apart. What only the queue and the scheduler call is not."""
    for function in functions():
        for route in function.router.routes:
            assert isinstance(route, APIRoute)
            for method in (route.methods or set()) - {"HEAD"} if route.include_in_schema else ():
                told = kept()["paths"].get(route.path.replace(":path", ""), {}).get(method.lower())
                if function.name in PRIVATE:
                    assert told is None or told["tags"] != [function.name]
                else:
                    assert told is not None, (function.name, route.path)
                    assert told["tags"] == [function.name]


def test_operations_are_named_once() -> None:
    """Generated clients take the ids for names."""
    names = [operation["operationId"] for item in kept()["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


@operations
def test_an_operation_says_what_it_is(path: str, method: str, operation: dict[str, Any]) -> None:
    """A tag that is explained, a short summary, a description, and at least one success."""
    assert set(operation["tags"]) <= {tag["name"] for tag in kept()["tags"] if tag["description"]}
    assert 0 < len(operation["summary"]) <= 100
    assert operation["description"].endswith(".")
    assert any(status.startswith("2") for status in operation["responses"])


@operations
def test_an_operation_tells_the_errors_that_its_kind_has(path: str, method: str, operation: dict[str, Any]) -> None:
    """A token that is demanded may be missing, or not be checkable now; a body may be too large or malformed.

    A parameter with rules may break them; our own fault may happen anywhere.
    """
    told = set(operation["responses"])
    demanded = "security" in operation and {} not in operation["security"]
    assert ("401" in told) == demanded
    assert "503" in told or operation["tags"] == ["meta"]
    has_body = "requestBody" in operation
    assert ("413" in told) == has_body
    bounded = any(
        {"minLength", "maxLength", "minimum", "pattern"} & set(part)
        for parameter in operation.get("parameters", [])
        for part in parts(parameter["schema"])
    )
    assert ("422" in told) == (has_body or bounded)
    assert "500" in told
    if "security" in operation and {"AdminPassword": []} in operation["security"]:
        assert {"403", "429"} <= told


@operations
def test_every_error_has_a_detail(path: str, method: str, operation: dict[str, Any]) -> None:
    """As JSON, with an example that its schema takes; Retry-After where it helps to wait."""
    for status, answer in operation["responses"].items():
        if status >= "400":
            error = resolved(answer)
            content = error["content"]["application/json"]
            assert "detail" in resolved(content["schema"])["required"]
            assert not problems(content["schema"], content["example"])
            assert ("Retry-After" in error.get("headers", {})) == (status in ("429", "503"))


@operations
def test_who_needs_a_token(path: str, method: str, operation: dict[str, Any]) -> None:
    """All but the service's own routes and published agents; logs and demos' pages may do with or without."""
    security = operation.get("security")
    if path in WITHOUT_A_TOKEN:
        assert security is None
    elif path in TOKEN_OR_NOT:
        assert security == [{"IdToken": []}, {}]
    else:
        assert security is not None
        assert {"IdToken": []} in security
        assert ({"AdminPassword": []} in security) == path.startswith("/admin/")
    assert kept()["components"]["securitySchemes"]["AdminPassword"]["name"] == "X-Admin-Password"


def examples_of(schema: dict[str, Any]) -> list[Any]:
    """Those of the schema, or of what it is a list or a map of."""
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
    """What is sent and what is answered: at least one of each, and none that its schema refuses."""
    bodies = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for body in (*bodies, operation.get("requestBody", {})):
        for media, content in body.get("content", {}).items():
            found = [content["example"]] if "example" in content else examples_of(content["schema"])
            if media == "application/json":
                assert found
            for example in found:
                assert not problems(content["schema"], example)


def test_what_is_only_answered_has_all_its_fields() -> None:
    """Whoever reads an answer need not ask of each field whether it is there; null is told as null."""
    schemas = kept()["components"]["schemas"]
    assert set(schemas["ChatResponse"]["required"]) == set(schemas["ChatResponse"]["properties"])
    assert schemas["ChatResponse"]["examples"][0]["error"] is None
    missing = set(schemas["Agent"]["properties"]) - set(schemas["Agent"]["required"])
    assert missing == {"warnings", "engine"}
    assert not [name for name in schemas if name.endswith(("-Input", "-Output"))]


def test_defaults_are_values_that_may_be_sent() -> None:
    """A client that sends what it did not set changes nothing by it."""
    schemas = kept()["components"]["schemas"]
    for part in parts([schemas, kept()["paths"]]):
        if "default" in part and (isinstance(part.get("type"), str) or "anyOf" in part):
            assert not problems(part, part["default"]), part
    assert not [part for part in parts(schemas["UpdateAgentRequest"]) if "default" in part]


def test_the_base_addresses() -> None:
    """The local ones, the Hosting site, and the function's own, which the operation's tag names."""
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
def test_headers_of_answers_are_told(path: str, method: str, status: str, header: str) -> None:
    """Where a client has use for them."""
    assert header in resolved(kept()["paths"][path][method]["responses"][status])["headers"]


@operations
def test_links_lead_to_operations(path: str, method: str, operation: dict[str, Any]) -> None:
    """That the document tells, by each of the parameters of their paths."""
    parameters = {
        told["operationId"]: {
            parameter["name"] for parameter in told.get("parameters", []) if parameter["in"] == "path"
        }
        for item in kept()["paths"].values()
        for told in item.values()
    }
    for answer in operation["responses"].values():
        for link in answer.get("links", {}).values():
            assert set(link["parameters"]) == parameters[link["operationId"]]


def test_what_is_made_leads_on() -> None:
    """Whatever answers with the id of something new links to where it can be read."""
    targets = {
        operation["operationId"]: set(answer.get("links", {}))
        for item in kept()["paths"].values()
        for operation in item.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }
    assert "agents_get_agent" in targets["agents_create"]
    assert "deployments_deployment" in targets["deployments_deploy"]
    assert "deployments_call" in targets["deployments_deployment"]
    assert targets["chat_submit"] == {"chat_look_up"}
    assert "sessions_get_config" in targets["sessions_configure"]
    assert "demos_open_page" in targets["demos_create"]


def test_the_idempotency_key_is_told() -> None:
    """With the form that it has to have."""
    (key,) = kept()["paths"]["/users/me/usage"]["post"]["parameters"]
    assert (key["name"], key["in"]) == ("Idempotency-Key", "header")
    assert "pattern" in json.dumps(key["schema"])
