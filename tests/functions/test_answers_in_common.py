"""What many operations answer alike, asked of each that tells it: 401, 413, 422, and 503 while the database is out."""

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
