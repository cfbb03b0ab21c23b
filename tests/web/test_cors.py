"""Tests cross-origin requests with different settings."""

import httpx
import pytest
from fastapi import APIRouter
from pydantic import ValidationError

from shared.settings import Settings
from shared.web import create_app

router = APIRouter()


@router.get("/")
async def root() -> str:
    return "here"


DEPLOYED = {"K_SERVICE": "meta", "GOOGLE_CLOUD_PROJECT": "a", "DEFAULT_ALLOWANCE": "20"}
PREFLIGHT = {"Access-Control-Request-Method": "GET"}


async def call(environ: dict[str, str], method: str, origin: str, open_prefix: str | None = None) -> httpx.Response:
    app = create_app("meta", router, Settings.from_environ(environ), open_prefix=open_prefix)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(
            method, "/", headers={"Origin": origin, **(PREFLIGHT if method == "OPTIONS" else {})}
        )


async def preflight(origins: str, origin: str, **environ: str) -> httpx.Response:
    return await call({"CORS_ORIGINS": origins, **environ}, "OPTIONS", origin)


@pytest.mark.parametrize("environ", [{}, DEPLOYED])
@pytest.mark.parametrize("origins", ["https://a.example, https://b.example", "https://B.example/"])
async def test_a_listed_origin_is_allowed(environ: dict[str, str], origins: str) -> None:
    """Origins in the comma-separated list `CORS_ORIGINS` may call with credentials."""
    response = await preflight(origins, "https://b.example", **environ)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://b.example"
    assert response.headers["access-control-allow-credentials"] == "true"


LOCAL_ORIGINS = [
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://localhost",
    "http://127.0.0.1",
    "http://[::1]:3000",
    "https://localhost:5173",
    "https://127.0.0.1",
    "https://[::1]",
]
OTHER_ORIGINS = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:80.evil.example",
    "http://evil.example:8000",
    "http://localhostx:3000",
    "http://127.0.0.12:3000",
    "http://127a0b0c1",
    "http://localhost:3000@evil.example",
    "http://localhost:",
    "https://localhost.evil.example",
    "http://[::12]:3000",
    "http://[::1]x:3000",
    "http://::1:3000",
    "ftp://localhost",
    "null",
    "",
]


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
@pytest.mark.parametrize("environ", [{}, {"APP_ENV": "firebase"}, {"K_SERVICE": "meta", "FUNCTIONS_EMULATOR": "true"}])
@pytest.mark.parametrize("origin", LOCAL_ORIGINS)
async def test_locally_pages_from_the_same_machine_may_call(environ: dict[str, str], origin: str, method: str) -> None:
    """In local use, pages from any port of the same machine may call with credentials, without any setting."""
    response = await call(environ, method, origin)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
async def test_locally_pages_from_elsewhere_may_not_call(origin: str) -> None:
    """Pages from the internet may not call a service on the machine of a user who opens them."""
    assert "access-control-allow-origin" not in (await call({}, "OPTIONS", origin)).headers
    assert "access-control-allow-origin" not in (await call({}, "GET", origin)).headers


@pytest.mark.parametrize("origin", ["https://evil.example", *LOCAL_ORIGINS])
@pytest.mark.parametrize("environ", [DEPLOYED, {**DEPLOYED, "CORS_ORIGINS": "https://a.example"}])
async def test_in_a_deployment_only_listed_origins_may_call(environ: dict[str, str], origin: str) -> None:
    """In a deployment, origins that are not in the setting may not call."""
    for method in ("OPTIONS", "GET"):
        assert "access-control-allow-origin" not in (await call(environ, method, origin)).headers


async def test_the_setting_replaces_the_local_default() -> None:
    """If the setting lists origins, pages from the same machine may call only if they are listed."""
    response = await preflight("https://a.example", "http://localhost:5173")
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("environ", [{}, DEPLOYED])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
async def test_all_origins_can_be_allowed_without_credentials(environ: dict[str, str], method: str) -> None:
    """With `*`, all origins may call, but the response does not allow credentials."""
    response = await call({**environ, "CORS_ORIGINS": "*"}, method, "https://any.example")
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("environ", [{}, DEPLOYED, {"CORS_ORIGINS": "https://a.example"}])
async def test_a_refused_preflight_names_the_setting(environ: dict[str, str]) -> None:
    """A refused preflight request gets an error in the usual format, which names the origin and the setting."""
    response = await call(environ, "OPTIONS", "https://evil.example")
    assert response.status_code == 400
    assert set(response.json()) == {"detail"}
    assert "https://evil.example" in response.json()["detail"]
    assert "CORS_ORIGINS" in response.json()["detail"]


@pytest.mark.parametrize("environ", [{}, DEPLOYED, {"CORS_ORIGINS": "https://a.example"}])
async def test_the_refusal_of_a_page_from_a_file_suggests_a_server(environ: dict[str, str]) -> None:
    """No setting allows pages that were opened from a file, so the error explains how to serve them."""
    response = await call(environ, "OPTIONS", "null")
    assert response.status_code == 400
    assert "opened from a file" in response.json()["detail"]
    assert "python3 -m http.server" in response.json()["detail"]
    assert "CORS_ORIGINS" not in response.json()["detail"]


async def test_a_refused_preflight_does_not_blame_the_origin_for_a_header() -> None:
    """If the header or the method is not allowed, the error names it instead of the origin."""
    app = create_app("meta", router, Settings())
    sent_headers = {"Origin": LOCAL_ORIGINS[0], **PREFLIGHT, "Access-Control-Request-Headers": "content-type, x-odd"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        header_refusal = await client.options("/", headers=sent_headers)
        method_refusal = await client.options("/", headers={**sent_headers, "Access-Control-Request-Method": "BREW"})
    assert (header_refusal.status_code, method_refusal.status_code) == (400, 400)
    assert "x-odd" in header_refusal.json()["detail"]
    assert "BREW" in method_refusal.json()["detail"]


async def test_the_refusal_of_a_preflight_is_short() -> None:
    """A long origin is shortened in the error."""
    assert len((await call({}, "OPTIONS", "https://" + "x" * 50_000)).json()["detail"]) < 1000


@pytest.mark.parametrize(
    "origins", ["app.example", "https://a.example/app", "https://*.example", "https://u@a.example"]
)
def test_invalid_origins_are_refused_at_startup(origins: str) -> None:
    """`CORS_ORIGINS` with a value that no browser sends as an origin is refused, because it would never match."""
    with pytest.raises(ValidationError, match="CORS_ORIGINS"):
        Settings.from_environ({"CORS_ORIGINS": origins})


@pytest.mark.parametrize("environ", [{}, DEPLOYED, {**DEPLOYED, "CORS_ORIGINS": "https://a.example"}])
async def test_any_origin_may_call_open_paths(environ: dict[str, str]) -> None:
    """Any origin may call open paths without credentials. Listed origins may still send credentials."""
    for method in ("OPTIONS", "GET"):
        app = create_app("meta", router, Settings.from_environ(environ), open_prefix="/")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            headers = {"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else {}
            response = await client.request(method, "/", headers={"Origin": "null", **headers})
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers
    if "CORS_ORIGINS" in environ:
        response = await call(environ, "GET", "https://a.example", open_prefix="/")
        assert response.headers["access-control-allow-credentials"] == "true"


async def test_a_listed_origin_may_send_and_read_the_services_headers() -> None:
    """Listed origins may send and read all headers that routes accept or return in addition to the standard ones."""
    app = create_app("meta", router, Settings.from_environ({"CORS_ORIGINS": "https://a.example"}))
    sent_names = "authorization, content-type, idempotency-key, x-admin-password, x-request-id, traceparent"
    sent_names += ", mcp-protocol-version, mcp-method, mcp-name"
    preflight_headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": sent_names}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        allowed = await client.options("/", headers={"Origin": "https://a.example", **preflight_headers})
        response = await client.get("/", headers={"Origin": "https://a.example"})
    assert allowed.status_code == 200
    readable = response.headers["access-control-expose-headers"].lower().split(", ")
    service_headers = {
        "idempotent-replayed",
        "retry-after",
        "x-next-page-token",
        "x-request-id",
        "x-run-id",
        "warnings",
        "www-authenticate",
    }
    assert service_headers == set(readable)


async def test_pages_of_any_origin_may_read_the_request_id() -> None:
    """On open paths, pages of any origin can read the request's id, so that users can report it."""
    app = create_app("meta", router, Settings(), open_prefix="/")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.get("/", headers={"Origin": "null"})
    assert "X-Request-Id" in response.headers["access-control-expose-headers"]
    assert response.headers["x-request-id"]


async def test_pages_may_use_openais_client() -> None:
    """The headers that the client sends from a page of an allowed origin are allowed."""
    app = create_app("meta", router, Settings.from_environ({"CORS_ORIGINS": "https://a.example"}))
    names = (
        "authorization,content-type,user-agent,x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-runtime,"
        "x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime-version,x-stainless-timeout"
    )
    sent = {**PREFLIGHT, "Origin": "https://a.example", "Access-Control-Request-Headers": names}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.options("/", headers=sent)
    assert response.status_code == 200, response.text
