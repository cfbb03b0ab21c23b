"""The service itself, and what it tells of its API."""

import re
from pathlib import Path

import pytest

import functions.meta.main as meta
from tests.functions.conftest import Serve

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["/health", "/api/health", "/health/"])
async def test_health_is_what_the_contract_says(serve: Serve, path: str) -> None:
    """To the letter, by every way."""
    response = await serve(meta).get(path)
    assert (response.status_code, response.json()) == (200, {"status": "healthy", "service": "user-service"})


@pytest.mark.parametrize("path", ["/", "/api", "/api/"])
async def test_the_root_names_the_service(serve: Serve, path: str) -> None:
    """A heartbeat, which also leads whoever finds it to the API's description."""
    response = await serve(meta).get(path)
    assert response.status_code == 200
    assert response.json() == {"service": "user-service", "status": "running", "docs": "/docs"}
    assert (await serve(meta).get(response.json()["docs"])).status_code == 200


@pytest.mark.parametrize("path", ["/nonsense", "/api/nonsense", "/api/agents/1/2/3"])
async def test_a_path_of_no_function_is_404_in_json(serve: Serve, path: str) -> None:
    """Hosting sends here what no other rewrite takes."""
    response = await serve(meta).get(path)
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_health_needs_no_token(serve: Serve) -> None:
    """In Firebase too: probes have none."""
    assert (await serve(meta, app_env="firebase").get("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/api/openapi.json"])
async def test_the_document_is_served_as_it_is_kept(serve: Serve, path: str) -> None:
    """Byte for byte, by every way, without a token; it may be kept for some minutes."""
    response = await serve(meta, app_env="firebase").get(path)
    assert response.status_code == 200
    assert response.content == (ROOT / "docs" / "openapi.json").read_bytes()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js"])
async def test_who_has_it_already_is_told_so(serve: Serve, path: str, known: str) -> None:
    """304 without a body, by an ETag of the contents; also by a weak one, which is what compression makes of it."""
    client = serve(meta)
    tag = (await client.get(path)).headers["etag"]
    again = await client.get(path, headers={"If-None-Match": known.format(tag)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    other = await client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js"])
async def test_what_is_served_can_be_asked_for_by_head(serve: Serve, path: str) -> None:
    """With the same headers."""
    client = serve(meta)
    one = {"X-Request-Id": "one"}
    head, get = await client.head(path, headers=one), await client.get(path, headers=one)
    assert head.status_code == 200
    assert dict(head.headers) == dict(get.headers)


async def test_the_page_runs_its_own_scripts_alone(serve: Serve) -> None:
    """Neither inline ones nor anybody else's; and everything that it names is here."""
    response = await serve(meta).get("/docs")
    assert response.headers["content-type"].startswith("text/html")
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy)
    named = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert "openapi.json" in named
    assert {f"docs/{name}" for name in meta.PAGE_PARTS} == set(named) - {"openapi.json"}
    assert not re.search(r"<script>|<style|https?://", response.text)


@pytest.mark.parametrize("path", ["/docs/", "/api/docs/"])
async def test_a_slash_too_much_leads_to_the_page(serve: Serve, path: str) -> None:
    """Relative to where it was asked for, whatever stands before it: the page names its parts in the same way."""
    response = await serve(meta).get(path)
    assert (response.status_code, response.headers["location"]) == (308, "../docs")


@pytest.mark.parametrize("name", ["main.py", "..%2Fmain.py", "vendor", "index.html", "%2e%2e", "a/b"])
async def test_nothing_else_is_served(serve: Serve, name: str) -> None:
    """Only the page's parts, by their names."""
    response = await serve(meta).get(f"/docs/{name}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_a_part_that_is_not_there_is_404(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nobody has set up the page."""
    monkeypatch.setitem(meta.PAGE_PARTS, "swagger-ui.css", tmp_path / "swagger-ui.css")
    response = await serve(meta).get("/docs/swagger-ui.css")
    assert (response.status_code, response.json()) == (404, {"detail": "There is no file swagger-ui.css."})
