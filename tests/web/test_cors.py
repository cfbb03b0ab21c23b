"""Cross-origin requests, by setting."""

import httpx
import pytest
from fastapi import APIRouter

from shared.settings import Settings
from shared.web import create_app

router = APIRouter()


@router.get("/")
async def root() -> str:
    return "here"


async def preflight(origins: str, origin: str) -> httpx.Response:
    app = create_app("meta", router, Settings.from_environ({"CORS_ORIGINS": origins}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        return await client.options("/", headers=headers)


async def test_a_listed_origin_is_let_in() -> None:
    """`CORS_ORIGINS` is a comma-separated list."""
    response = await preflight("https://a.example, https://b.example", "https://b.example")
    assert response.headers["access-control-allow-origin"] == "https://b.example"


@pytest.mark.parametrize("origins", ["", "https://a.example"])
async def test_any_other_origin_is_not(origins: str) -> None:
    """Nobody is, unless the setting says so."""
    response = await preflight(origins, "https://evil.example")
    assert "access-control-allow-origin" not in response.headers


async def test_a_refused_preflight_is_json() -> None:
    """Like every other error."""
    response = await preflight("https://a.example", "https://evil.example")
    assert response.status_code == 400
    assert response.json() == {"detail": "Disallowed CORS origin."}


async def test_a_listed_origin_sends_and_reads_our_headers() -> None:
    """All that routes take and give beside the usual ones."""
    app = create_app("meta", router, Settings.from_environ({"CORS_ORIGINS": "https://a.example"}))
    sent = "authorization, content-type, idempotency-key, x-admin-password, x-request-id, traceparent"
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": sent}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        allowed = await client.options("/", headers={"Origin": "https://a.example", **asking})
        answer = await client.get("/", headers={"Origin": "https://a.example"})
    assert allowed.status_code == 200
    readable = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"idempotent-replayed", "retry-after", "x-next-page-token", "x-request-id", "x-run-id", "warnings"} == set(
        readable
    )


async def test_pages_of_any_origin_read_the_request_id_too() -> None:
    """Where any origin may call, it may report what failed, too."""
    app = create_app("meta", router, Settings(), open_prefix="/")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/", headers={"Origin": "null"})
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert answer.headers["x-request-id"]
