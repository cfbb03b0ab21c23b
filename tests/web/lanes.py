"""Builds an application twice: with the plans of its routes, and so that FastAPI handles all of them."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext

from shared.web import routing

REQUEST_ID = "the-same-for-both"


def switch_plans_off(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """Has FastAPI handle all routes of an application that has not handled a request yet."""

    def prepare(_context: RouteContext) -> None: ...

    with monkeypatch.context() as patch:
        patch.setattr(routing, "prepare", prepare)
        app.middleware_stack = app.build_middleware_stack()
    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    """Returns a client of the application."""
    headers = {"X-Request-Id": REQUEST_ID}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers)


def comparable(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Returns what must be equal: the status, the headers in their order, and the body."""
    return response.status_code, response.headers.multi_items(), response.content
