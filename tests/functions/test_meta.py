"""Tests the service's root, health check, OpenAPI document and API page."""

import re
from pathlib import Path

import pytest

import functions.meta.main as meta
from tests.functions.conftest import Serve

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["/health", "/api/health", "/health/"])
async def test_the_health_response_is_the_documented_one(serve: Serve, path: str) -> None:
    """The health check returns exactly the documented response at every path."""
    response = await serve(meta).get(path)
    assert (response.status_code, response.json()) == (200, {"status": "healthy", "service": "user-service"})


@pytest.mark.parametrize("path", ["/", "/api", "/api/"])
async def test_the_root_names_the_service(serve: Serve, path: str) -> None:
    """The root is a health check with a link to the API page."""
    response = await serve(meta).get(path)
    assert response.status_code == 200
    assert response.json() == {"service": "user-service", "status": "running", "docs": "/docs"}
    assert (await serve(meta).get(response.json()["docs"])).status_code == 200


@pytest.mark.parametrize("path", ["/nonsense", "/api/nonsense", "/api/agents/1/2/3"])
async def test_an_unknown_path_is_404_in_json(serve: Serve, path: str) -> None:
    """Unknown paths get a 404 in JSON. Hosting sends every path that no other rewrite matches to this function."""
    response = await serve(meta).get(path)
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_health_needs_no_token(serve: Serve) -> None:
    """The health check works without a token, even in a Firebase deployment, because probes have none."""
    assert (await serve(meta, app_env="firebase").get("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/api/openapi.json"])
async def test_the_document_is_served_as_stored(serve: Serve, path: str) -> None:
    """Every path returns the OpenAPI document byte for byte, without a token, and allows caching for five minutes."""
    response = await serve(meta, app_env="firebase").get(path)
    assert response.status_code == 200
    assert response.content == (ROOT / "docs" / "openapi.json").read_bytes()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("if_none_match", ["{}", "W/{}", '"other", {}', "*"])
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js"])
async def test_an_up_to_date_copy_is_304(serve: Serve, path: str, if_none_match: str) -> None:
    """A request with the current ETag gets a 304. A weak ETag, which compression produces, matches as well."""
    client = serve(meta)
    tag = (await client.get(path)).headers["etag"]
    repeated = await client.get(path, headers={"If-None-Match": if_none_match.format(tag)})
    assert (repeated.status_code, repeated.content) == (304, b"")
    assert repeated.headers["etag"] == tag
    other = await client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js"])
async def test_head_has_the_headers_of_get(serve: Serve, path: str) -> None:
    """For every file, HEAD returns the same headers as GET."""
    client = serve(meta)
    one = {"X-Request-Id": "one"}
    head, get = await client.head(path, headers=one), await client.get(path, headers=one)
    assert head.status_code == 200
    assert dict(head.headers) == dict(get.headers)


async def test_the_page_runs_only_its_own_scripts(serve: Serve) -> None:
    """The page's policy blocks inline and third-party scripts, and all files that the page refers to exist."""
    response = await serve(meta).get("/docs")
    assert response.headers["content-type"].startswith("text/html")
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy)
    references = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert "openapi.json" in references
    assert {f"docs/{name}" for name in meta.PAGE_PARTS} == set(references) - {"openapi.json"}
    assert not re.search(r"<script>|<style|https?://", response.text)


@pytest.mark.parametrize("path", ["/docs/", "/api/docs/"])
async def test_a_trailing_slash_redirects_to_the_page(serve: Serve, path: str) -> None:
    """`/docs/` redirects to `/docs`, because the page refers to its files by relative paths. Prefixes are preserved."""
    response = await serve(meta).get(path)
    assert (response.status_code, response.headers["location"]) == (308, "../docs")


@pytest.mark.parametrize("name", ["main.py", "..%2Fmain.py", "vendor", "index.html", "%2e%2e", "a/b"])
async def test_no_other_file_is_served(serve: Serve, name: str) -> None:
    """Names of anything but the page's files get a 404."""
    response = await serve(meta).get(f"/docs/{name}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_a_missing_page_file_is_404(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If a file of the page is missing, because its setup has not run, the response is a 404."""
    monkeypatch.setitem(meta.PAGE_PARTS, "swagger-ui.css", tmp_path / "swagger-ui.css")
    response = await serve(meta).get("/docs/swagger-ui.css")
    assert (response.status_code, response.json()) == (404, {"detail": "There is no file swagger-ui.css."})
