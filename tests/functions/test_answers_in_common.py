"""Tests responses that many operations share, for each operation that declares them: 401, 413, 422 and 503."""

import re
from collections.abc import Container
from typing import Any

import pytest

from contract.functions import functions
from tests.contract.answer_check import error_field, stored_document
from tests.contract.test_document import examples_of
from tests.functions.conftest import AuthHeaders, Serve

MODULES = {function.name: function.module for function in functions()}
NO_DATABASE = {
    "providers_get_provider",  # these three read the database only for the provider `gofannon`
    "providers_list_models",
    "providers_get_model",
    "agents_generate_code",  # these two read the database only when a model is called
    "agents_run_code",
}
WITHOUT_TOKEN = {"deployments_call"}  # only some published agents require a token


def operations_with(status: str, excluded: Container[str] = ()) -> Any:
    """Parametrizes a test with the path, method and definition of each operation that declares this status, except
    those in `excluded`."""
    operations = [
        pytest.param(path, method, operation, id=operation["operationId"])
        for path, item in stored_document()["paths"].items()
        for method, operation in item.items()
        if status in operation["responses"] and operation["operationId"] not in excluded
    ]
    return pytest.mark.parametrize(("path", "method", "operation"), operations)


def fill_path(path: str, **values: str) -> str:
    names = (
        "agent_id",
        "demo_id",
        "friendly_name",
        "key_id",
        "model",
        "provider",
        "schedule_id",
        "session_id",
        "user_id",
    )
    ticket = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"
    tickets = {"ticket_id": ticket, "run_id": ticket, "response_id": f"resp_{ticket.replace('-', '')}"}
    return path.format(**{**dict.fromkeys((*names, "webhook_id"), "x1"), **tickets, **values})


def example(operation: dict[str, Any]) -> Any:
    """Returns a valid body for the operation, or None if it takes no body."""
    if "requestBody" not in operation:
        return None
    return examples_of(operation["requestBody"]["content"]["application/json"]["schema"])[0]


PATHS = {path: {method: item[method] for method in item} for path, item in stored_document()["paths"].items()}
INVALID_PATH_PARTS = ["%FF", "%E0%A4%A", "%C3%28", "%ED%A0%80", "%00", "%2e%2e", "%2F", "%252F", "x" * 2000]


@pytest.mark.parametrize("path", [path for path, item in PATHS.items() if "get" in item])
async def test_head_returns_the_headers_of_get(serve: Serve, auth_headers: AuthHeaders, path: str) -> None:
    """HEAD returns the status and headers of GET on every path, for authorized and unauthorized callers."""
    client = serve(MODULES[PATHS[path]["get"]["tags"][0]], app_env="firebase", admin_panel_enabled=True)
    changing = {"x-request-id", "content-security-policy"}
    for who in ("admin", "anonymous"):
        get, head = [
            await client.request(method, fill_path(path), headers=auth_headers(who)) for method in ("GET", "HEAD")
        ]
        assert head.status_code == get.status_code
        assert head.content == b""
        assert get.content
        for name in get.headers.keys() - changing:
            assert head.headers[name] == get.headers[name], name


@pytest.mark.parametrize(("path", "item"), PATHS.items())
async def test_a_wrong_method_is_405_with_the_allowed_ones(
    serve: Serve, path: str, item: dict[str, dict[str, Any]]
) -> None:
    """`Allow` lists the documented methods, including those of a similar path with an id, and HEAD wherever there is
    GET."""
    (tag,) = {operation["tags"][0] for operation in item.values()}
    client = serve(MODULES[tag])
    matching_paths = [other for other in PATHS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other), fill_path(path))]
    allowed = {method.upper() for other in matching_paths for method in PATHS[other]}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    for method in ("PATCH", "TRACE", "BREW", *({"HEAD", "PUT", "DELETE"} - allowed)):
        response = await client.request(method, fill_path(path))
        assert response.status_code == 405, (method, response.text)
        assert set(response.headers["allow"].split(", ")) == allowed
        assert method == "HEAD" or f" does not support {method}; use " in str(response.json()[error_field(path)])


@pytest.mark.parametrize("invalid_part", INVALID_PATH_PARTS)
@pytest.mark.parametrize("path", [path for path in PATHS if "{" in path])
async def test_an_invalid_path_causes_no_internal_error(serve: Serve, path: str, invalid_part: str) -> None:
    """Invalid UTF-8 and impossible ids get a clear response on every route, and never reach another document."""
    for method, operation in PATHS[path].items():
        if method == "post":
            continue  # errors in the body are reported first
        client = serve(MODULES[operation["tags"][0]])
        response = await client.request(method, re.sub(r"\{\w+\}", invalid_part, path), json=example(operation))
        assert 200 <= response.status_code < 500, (method, response.text)
        if response.status_code >= 400:
            assert set(response.json()) == {error_field(path)}


UNUSUAL_VALUES = [
    "%FF",
    "%00",
    "9" * 5000,
    "1e400",
    "-0",
    "nan",
    "%F0%9F%98%80",
    "%ED%A0%80",
    "[]",
    "x" * 6000,
    "",
    "1&limit=2",
]
QUERY_PARAMETERS = [
    (path, parameter["name"]) for path, item in PATHS.items() for parameter in item.get("get", {}).get("parameters", [])
]


@pytest.mark.parametrize("value", UNUSUAL_VALUES, ids=lambda value: value[:12])
@pytest.mark.parametrize(("path", "name"), [pair for pair in QUERY_PARAMETERS if "{" not in pair[0]])
async def test_an_unusual_parameter_causes_no_internal_error(
    serve: Serve, auth_headers: AuthHeaders, path: str, name: str, value: str
) -> None:
    """An unusual value of a query parameter is refused or ignored."""
    client = serve(MODULES[PATHS[path]["get"]["tags"][0]], app_env="firebase")
    response = await client.get(f"{path}?{name}={value}", headers=auth_headers("admin"))
    assert response.status_code in (200, 400, 422), response.text
    if response.status_code >= 400:
        assert set(response.json()) == {error_field(path)}


@operations_with("401", excluded=WITHOUT_TOKEN)
async def test_a_missing_token_is_401(serve: Serve, path: str, method: str, operation: dict[str, Any]) -> None:
    """The response to a request without a token names the authentication scheme."""
    client = serve(MODULES[operation["tags"][0]], app_env="firebase", admin_panel_enabled=True)
    response = await client.request(method, fill_path(path), json=example(operation))
    assert response.status_code == 401
    scheme, _, where = response.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    assert where.startswith("resource_metadata=") == (path == "/mcp")


@operations_with("413")
async def test_a_body_that_is_too_large_is_413(serve: Serve, path: str, method: str, operation: dict[str, Any]) -> None:
    """A body that is too large gets a 413 whatever it contains, because the size is checked first."""
    client = serve(MODULES[operation["tags"][0]])
    response = await client.request(method, fill_path(path), content=b" " * 20_000_000)
    assert response.status_code == 413


@operations_with("422")
async def test_a_malformed_request_is_422(
    serve: Serve, auth_headers: AuthHeaders, path: str, method: str, operation: dict[str, Any]
) -> None:
    """Malformed JSON, a session name that is too long, a page limit of zero, and a negative cursor are refused."""
    client = serve(MODULES[operation["tags"][0]], app_env="firebase")
    body = b"{" if "requestBody" in operation else None
    response = await client.request(
        method,
        fill_path(path, session_id="x" * 501),
        params={"limit": "0", "starting_after": "-1"} if method == "get" else {},
        content=body,
        headers={**auth_headers("admin"), "Content-Type": "application/json"},
    )
    assert response.status_code == 422, response.text


@operations_with("503", excluded=NO_DATABASE)
async def test_an_unavailable_database_is_503(
    serve: Serve, auth_headers: AuthHeaders, path: str, method: str, operation: dict[str, Any]
) -> None:
    """If the database is unavailable, the response is a 503 that says when to retry."""
    client = serve(MODULES[operation["tags"][0]], app_env="firebase", store_timeout_seconds=1e-9)
    response = await client.request(method, fill_path(path), json=example(operation), headers=auth_headers("admin"))
    assert response.status_code == 503, response.text
    assert response.headers["retry-after"] == "5"
