"""Tests that every operation of the document handles its example with a plan as FastAPI does without."""

from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel, SecretStr

from contract.functions import functions
from shared.services.accounts.admin_password import AdminPasswordAttempts
from shared.services.accounts.disabled_users import DisabledUserService
from shared.settings import Settings
from shared.web import create_app
from shared.web.plans import prepare
from tests.contract.answer_check import stored_document
from tests.contract.test_document import examples_of
from tests.functions.test_answers_in_common import example, fill_path
from tests.web.lanes import client, comparable, switch_plans_off

MODULES = {function.name: function.module for function in functions()}
HANDLED_BY_FASTAPI = {"/docs", "/demos/{demo_id}/page", "/chat/{ticket_id}/events", "/runs/{run_id}/events"}
OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, item in stored_document()["paths"].items()
    for method, operation in item.items()
]
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the two checks of callers that read the database."""

    async def do_nothing(*_: object) -> None: ...

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    monkeypatch.setattr(DisabledUserService, "refuse_disabled", do_nothing)
    monkeypatch.setattr(AdminPasswordAttempts, "take", do_nothing)
    monkeypatch.setattr(AdminPasswordAttempts, "remember", do_nothing)


def build(module: ModuleType) -> FastAPI:
    settings = Settings(admin_panel_enabled=True, admin_password=SecretStr(PASSWORD), google_cloud_project="demo-plans")
    return create_app(module.__name__.split(".")[-2], module.router, settings)


def context_of(app: FastAPI, path: str, method: str) -> RouteContext:
    """Returns the operation's route. The document has a path's parameters without their kinds."""
    for context in iter_route_contexts(app.router.routes):
        if str(context.path_format) == path and method.upper() in (context.methods or ()):
            return context
    raise AssertionError(f"no route for {method} {path}")


def result_of(operation: dict[str, Any]) -> Any:
    """Returns the example of the operation's response, with the names by which its model is created."""
    (content,) = [
        response["content"]["application/json"]["schema"]
        for status, response in operation["responses"].items()
        if status.startswith("2") and "schema" in response.get("content", {}).get("application/json", {})
    ] or [{}]
    examples = examples_of(content) if content else []
    return rename(examples[0]) if examples else {"a": 1}


def rename(value: Any) -> Any:
    match value:
        case dict():
            return {{"_id": "id", "_rev": "rev"}.get(name, name): rename(part) for name, part in value.items()}
        case list():
            return [rename(part) for part in value]
        case _:
            return value


def describe(arguments: dict[str, Any]) -> dict[str, Any]:
    """Returns what must be equal: values and models themselves, and the types of services and requests."""
    return {
        name: value if isinstance(value, BaseModel | str | int | float | list | dict | None) else type(value)
        for name, value in arguments.items()
    }


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
async def test_an_example_is_handled_equally(
    monkeypatch: pytest.MonkeyPatch, path: str, method: str, operation: dict[str, Any]
) -> None:
    """The endpoint gets the same arguments, and its result becomes the same response, also for invalid requests."""
    module, outcomes = MODULES[operation["tags"][0]], list[Any]()
    body = example(operation)
    requests: list[dict[str, Any]] = [
        {"json": body},
        {"json": body, "headers": {"Idempotency-Key": "k", "X-Admin-Password": "wrong"}},
        {"json": [body]},
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
        {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
        {"json": body, "params": {"limit": "0", "pageToken": "x" * 5001}},
        {"json": body, "params": {"limit": "7", "pageToken": "x"}},
        {},
    ]
    for planned in (True, False):
        app = build(module)
        dependant, calls = context_of(app, path, method).dependant, list[Any]()

        async def endpoint(_calls: list[Any] = calls, **arguments: Any) -> Any:
            _calls.append(describe(arguments))
            return result_of(operation)

        monkeypatch.setattr(dependant, "call", endpoint)
        if not planned:
            switch_plans_off(app, monkeypatch)
        async with client(app) as sender:
            for options in requests:
                headers = {"X-Admin-Password": PASSWORD, **options.get("headers", {})}
                sent: dict[str, Any] = {**options, "headers": headers}
                response = await sender.request(method, fill_path(path), **sent)
                calls.append(comparable(response))
        outcomes.append(calls)
    assert outcomes[0] == outcomes[1]
    assert any(isinstance(each, dict) for each in outcomes[0])  # the endpoint was called


def test_every_route_has_a_plan() -> None:
    """FastAPI handles only pages, whose response is HTML. Other routes would be slower without a reason."""
    without_plan: set[str | None] = set()
    for module in MODULES.values():
        contexts = list(iter_route_contexts(build(module).router.routes))
        assert all(isinstance(context.original_route, APIRoute) for context in contexts)
        without_plan |= {context.path for context in contexts if prepare(context) is None}
    assert without_plan == HANDLED_BY_FASTAPI
