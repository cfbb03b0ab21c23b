"""Cross-origin requests, by setting."""

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
ASKING = {"Access-Control-Request-Method": "GET"}


async def call(environ: dict[str, str], method: str, origin: str, open_prefix: str | None = None) -> httpx.Response:
    app = create_app("meta", router, Settings.from_environ(environ), open_prefix=open_prefix)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(method, "/", headers={"Origin": origin, **(ASKING if method == "OPTIONS" else {})})


async def preflight(origins: str, origin: str, **environ: str) -> httpx.Response:
    return await call({"CORS_ORIGINS": origins, **environ}, "OPTIONS", origin)


@pytest.mark.parametrize("environ", [{}, DEPLOYED])
@pytest.mark.parametrize("origins", ["https://a.example, https://b.example", "https://B.example/"])
async def test_a_listed_origin_is_let_in(environ: dict[str, str], origins: str) -> None:
    """`CORS_ORIGINS` is a comma-separated list. With credentials, as a frontend of one's own may need them."""
    response = await preflight(origins, "https://b.example", **environ)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://b.example"
    assert response.headers["access-control-allow-credentials"] == "true"


LOCAL = [
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://localhost",
    "http://127.0.0.1",
    "http://[::1]:3000",
    "https://localhost:5173",
    "https://127.0.0.1",
    "https://[::1]",
]
ELSEWHERE = [
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
@pytest.mark.parametrize("origin", LOCAL)
async def test_locally_pages_of_the_same_machine_may_call(environ: dict[str, str], origin: str, method: str) -> None:
    """On any port, with credentials, and without a setting."""
    response = await call(environ, method, origin)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_locally_pages_from_elsewhere_may_not(origin: str) -> None:
    """A page on the internet that somebody opens must not use what runs on their machine."""
    assert "access-control-allow-origin" not in (await call({}, "OPTIONS", origin)).headers
    assert "access-control-allow-origin" not in (await call({}, "GET", origin)).headers


@pytest.mark.parametrize("origin", ["https://evil.example", *LOCAL])
@pytest.mark.parametrize("environ", [DEPLOYED, {**DEPLOYED, "CORS_ORIGINS": "https://a.example"}])
async def test_in_a_deployment_nobody_else_may(environ: dict[str, str], origin: str) -> None:
    """Until the setting says so."""
    for method in ("OPTIONS", "GET"):
        assert "access-control-allow-origin" not in (await call(environ, method, origin)).headers


async def test_the_setting_takes_the_place_of_the_local_default() -> None:
    """Locally, too."""
    response = await preflight("https://a.example", "http://localhost:5173")
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("environ", [{}, DEPLOYED])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
async def test_all_origins_may_be_allowed_without_credentials(environ: dict[str, str], method: str) -> None:
    """`*`: browsers send no cookies then, and must not be told otherwise."""
    response = await call({**environ, "CORS_ORIGINS": "*"}, method, "https://any.example")
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("environ", [{}, DEPLOYED, {"CORS_ORIGINS": "https://a.example"}])
async def test_a_refused_preflight_says_which_setting_opens_it(environ: dict[str, str]) -> None:
    """In the shape of every other error, whether or not anything is set."""
    response = await call(environ, "OPTIONS", "https://evil.example")
    assert response.status_code == 400
    assert set(response.json()) == {"detail"}
    assert "https://evil.example" in response.json()["detail"]
    assert "CORS_ORIGINS" in response.json()["detail"]


@pytest.mark.parametrize("environ", [{}, DEPLOYED, {"CORS_ORIGINS": "https://a.example"}])
async def test_a_page_without_an_origin_is_told_to_be_served(environ: dict[str, str]) -> None:
    """One that was opened from a file: no setting lets it in."""
    response = await call(environ, "OPTIONS", "null")
    assert response.status_code == 400
    assert "opened from a file" in response.json()["detail"]
    assert "python3 -m http.server" in response.json()["detail"]
    assert "CORS_ORIGINS" not in response.json()["detail"]


async def test_a_refused_preflight_does_not_blame_the_origin_for_a_header() -> None:
    """It names the header."""
    app = create_app("meta", router, Settings())
    asking = {"Origin": LOCAL[0], **ASKING, "Access-Control-Request-Headers": "content-type, x-odd"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        headers = await client.options("/", headers=asking)
        method = await client.options("/", headers={**asking, "Access-Control-Request-Method": "BREW"})
    assert (headers.status_code, method.status_code) == (400, 400)
    assert "x-odd" in headers.json()["detail"]
    assert "BREW" in method.json()["detail"]


async def test_a_refused_preflight_is_bounded() -> None:
    """Whatever was sent is not repeated at length."""
    assert len((await call({}, "OPTIONS", "https://" + "x" * 50_000)).json()["detail"]) < 1000


@pytest.mark.parametrize(
    "origins", ["app.example", "https://a.example/app", "https://*.example", "https://u@a.example"]
)
def test_what_no_browser_sends_is_refused_at_the_start(origins: str) -> None:
    """Rather than never match."""
    with pytest.raises(ValidationError, match="CORS_ORIGINS"):
        Settings.from_environ({"CORS_ORIGINS": origins})


@pytest.mark.parametrize("environ", [{}, DEPLOYED, {**DEPLOYED, "CORS_ORIGINS": "https://a.example"}])
async def test_what_is_open_is_open_to_any_origin(environ: dict[str, str]) -> None:
    """Without credentials; but those that may call everything else keep theirs."""
    for method in ("OPTIONS", "GET"):
        app = create_app("meta", router, Settings.from_environ(environ), open_prefix="/")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            asking = {"Access-Control-Request-Method": "POST"} if method == "OPTIONS" else {}
            response = await client.request(method, "/", headers={"Origin": "null", **asking})
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers
    if "CORS_ORIGINS" in environ:
        response = await call(environ, "GET", "https://a.example", open_prefix="/")
        assert response.headers["access-control-allow-credentials"] == "true"


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
    ours = {"idempotent-replayed", "retry-after", "x-next-page-token", "x-request-id", "x-run-id", "warnings"}
    assert ours == set(readable)


async def test_pages_of_any_origin_read_the_request_id_too() -> None:
    """Where any origin may call, it may report what failed, too."""
    app = create_app("meta", router, Settings(), open_prefix="/")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/", headers={"Origin": "null"})
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert answer.headers["x-request-id"]
