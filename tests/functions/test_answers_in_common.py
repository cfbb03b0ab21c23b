"""What many operations answer alike, asked of each that tells it: 401, 413, 422, and 503 while the database is out."""

import re
from collections.abc import Container
from typing import Any

import pytest

from contract.functions import functions
from tests.contract.answer_check import kept
from tests.contract.test_document import examples_of
from tests.functions.conftest import Serve, Whom

MODULES = {function.name: function.module for function in functions()}
NO_DATABASE = {
    "providers_get_provider",  # these three ask it for the provider `gofannon` alone
    "providers_list_models",
    "providers_get_model",
    "agents_generate_code",  # these two, when a model is called
    "agents_run_code",
}


def telling(status: str, but: Container[str] = ()) -> Any:
    """Parametrizes with the operations that tell this status, but those named: path, method, operation."""
    found = [
        pytest.param(path, method, operation, id=operation["operationId"])
        for path, item in kept()["paths"].items()
        for method, operation in item.items()
        if status in operation["responses"] and operation["operationId"] not in but
    ]
    return pytest.mark.parametrize(("path", "method", "operation"), found)


def asked(path: str, **named: str) -> str:
    names = ("agent_id", "demo_id", "friendly_name", "model", "provider", "session_id", "ticket_id", "user_id")
    ticket = "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10"
    return path.format(**{**dict.fromkeys(names, "x1"), "ticket_id": ticket, **named})


def example(operation: dict[str, Any]) -> Any:
    """What may be sent; None where nothing is."""
    if "requestBody" not in operation:
        return None
    return examples_of(operation["requestBody"]["content"]["application/json"]["schema"])[0]


PATHS = {path: {method: item[method] for method in item} for path, item in kept()["paths"].items()}
BROKEN = ["%FF", "%E0%A4%A", "%C3%28", "%ED%A0%80", "%00", "%2e%2e", "%2F", "%252F", "x" * 2000]


@pytest.mark.parametrize("path", [path for path, item in PATHS.items() if "get" in item])
async def test_head_is_get_without_the_body(serve: Serve, as_whom: Whom, path: str) -> None:
    """Wherever GET is, whatever the status: for who may, and for who may not."""
    client = serve(MODULES[PATHS[path]["get"]["tags"][0]], app_env="firebase", admin_panel_enabled=True)
    changing = {"x-request-id", "content-security-policy"}
    for who in ("admin", "nobody"):
        get, head = [await client.request(method, asked(path), headers=as_whom(who)) for method in ("GET", "HEAD")]
        assert head.status_code == get.status_code
        assert head.content == b""
        assert get.content
        for name in get.headers.keys() - changing:
            assert head.headers[name] == get.headers[name], name


@pytest.mark.parametrize(("path", "item"), PATHS.items())
async def test_another_method_is_405_and_the_right_ones_are_named(
    serve: Serve, path: str, item: dict[str, dict[str, Any]]
) -> None:
    """In `Allow`: those of the document, also where a name could be an id, and HEAD where GET is."""
    (tag,) = {operation["tags"][0] for operation in item.values()}
    client = serve(MODULES[tag])
    fitting = [other for other in PATHS if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other), asked(path))]
    right = {method.upper() for other in fitting for method in PATHS[other]}
    right |= {"HEAD"} if "GET" in right else set()
    for method in ("PATCH", "TRACE", "BREW", *({"HEAD", "PUT", "DELETE"} - right)):
        wrong = await client.request(method, asked(path))
        assert wrong.status_code == 405, (method, wrong.text)
        assert set(wrong.headers["allow"].split(", ")) == right
        assert method == "HEAD" or f" does not support {method}; use " in wrong.json()["detail"]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("path", [path for path in PATHS if "{" in path])
async def test_a_broken_path_is_not_found(serve: Serve, path: str, broken: str) -> None:
    """What is no UTF-8, or can be nobody's id, has a clear answer everywhere: never a fault, never another's."""
    for method, operation in PATHS[path].items():
        if method == "post":
            continue  # what is wrong with the body comes first
        client = serve(MODULES[operation["tags"][0]])
        response = await client.request(method, re.sub(r"\{\w+\}", broken, path), json=example(operation))
        assert 200 <= response.status_code < 500, (method, response.text)
        if response.status_code >= 400:
            assert set(response.json()) == {"detail"}


ODD_VALUES = [
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
TAKING = [(path, name["name"]) for path, item in PATHS.items() for name in item.get("get", {}).get("parameters", [])]


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: value[:12])
@pytest.mark.parametrize(("path", "name"), [pair for pair in TAKING if "{" not in pair[0]])
async def test_an_odd_parameter_is_refused(serve: Serve, as_whom: Whom, path: str, name: str, value: str) -> None:
    """Or does not matter; it is never a fault."""
    client = serve(MODULES[PATHS[path]["get"]["tags"][0]], app_env="firebase")
    response = await client.get(f"{path}?{name}={value}", headers=as_whom("admin"))
    assert response.status_code in (200, 400, 422), response.text
    if response.status_code >= 400:
        assert set(response.json()) == {"detail"}


@telling("401")
async def test_without_a_token(serve: Serve, path: str, method: str, operation: dict[str, Any]) -> None:
    """401, and it says by which scheme to come."""
    client = serve(MODULES[operation["tags"][0]], app_env="firebase", admin_panel_enabled=True)
    response = await client.request(method, asked(path), json=example(operation))
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


@telling("413")
async def test_a_body_that_is_too_large(serve: Serve, path: str, method: str, operation: dict[str, Any]) -> None:
    """413, before anything else is looked at."""
    client = serve(MODULES[operation["tags"][0]])
    response = await client.request(method, asked(path), content=b" " * 20_000_000)
    assert response.status_code == 413


@telling("422")
async def test_what_is_malformed(
    serve: Serve, as_whom: Whom, path: str, method: str, operation: dict[str, Any]
) -> None:
    """422: a body that is no JSON, a session's name without end, a page of nothing."""
    client = serve(MODULES[operation["tags"][0]], app_env="firebase")
    body = b"{" if "requestBody" in operation else None
    response = await client.request(
        method,
        asked(path, session_id="x" * 501),
        params={"limit": "0"} if method == "get" else {},
        content=body,
        headers={**as_whom("admin"), "Content-Type": "application/json"},
    )
    assert response.status_code == 422, response.text


@telling("503", but=NO_DATABASE)
async def test_while_the_database_is_out(
    serve: Serve, as_whom: Whom, path: str, method: str, operation: dict[str, Any]
) -> None:
    """503, and when to come again."""
    client = serve(MODULES[operation["tags"][0]], app_env="firebase", store_timeout_seconds=1e-9)
    response = await client.request(method, asked(path), json=example(operation), headers=as_whom("admin"))
    assert response.status_code == 503, response.text
    assert response.headers["retry-after"] == "5"
