"""The service's root, health check, OpenAPI document and API page."""

import re
from pathlib import Path

import pytest

import functions.meta.main as meta
from tests.functions.conftest import Serve

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", ["/health", "/api/health", "/health/"])
async def test_health_is_what_the_contract_says(serve: Serve, path: str) -> None:
    """The response equals the contract's at every path."""
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
    """Hosting sends every path here that no other rewrite matches."""
    response = await serve(meta).get(path)
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_health_needs_no_token(serve: Serve) -> None:
    """Probes have no token, even in a Firebase deployment."""
    assert (await serve(meta, app_env="firebase").get("/health")).status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/api/openapi.json"])
async def test_the_document_is_served_as_stored(serve: Serve, path: str) -> None:
    """Every path returns the file byte for byte, without a token, and allows caching for five minutes."""
    response = await serve(meta, app_env="firebase").get(path)
    assert response.status_code == 200
    assert response.content == (ROOT / "docs" / "openapi.json").read_bytes()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js"])
async def test_a_current_copy_is_304(serve: Serve, path: str, known: str) -> None:
    """The ETag depends on the contents. A weak one, which compression produces, matches as well."""
    client = serve(meta)
    tag = (await client.get(path)).headers["etag"]
    repeated = await client.get(path, headers={"If-None-Match": known.format(tag)})
    assert (repeated.status_code, repeated.content) == (304, b"")
    assert repeated.headers["etag"] == tag
    other = await client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/page.js"])
async def test_head_has_the_headers_of_get(serve: Serve, path: str) -> None:
    """HEAD requests are possible for all files."""
    client = serve(meta)
    one = {"X-Request-Id": "one"}
    head, get = await client.head(path, headers=one), await client.get(path, headers=one)
    assert head.status_code == 200
    assert dict(head.headers) == dict(get.headers)


async def test_the_page_runs_only_its_own_scripts(serve: Serve) -> None:
    """Inline and third-party scripts are blocked, and all files that the page names exist."""
    response = await serve(meta).get("/docs")
    assert response.headers["content-type"].startswith("text/html")
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy)
    named = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert "openapi.json" in named
    assert {f"docs/{name}" for name in meta.PAGE_PARTS} == set(named) - {"openapi.json"}
    assert not re.search(r"<script>|<style|https?://", response.text)


@pytest.mark.parametrize("path", ["/docs/", "/api/docs/"])
async def test_a_trailing_slash_redirects_to_the_page(serve: Serve, path: str) -> None:
    """The redirect is relative to any prefix, because the page names its files relatively."""
    response = await serve(meta).get(path)
    assert (response.status_code, response.headers["location"]) == (308, "../docs")


@pytest.mark.parametrize("name", ["main.py", "..%2Fmain.py", "vendor", "index.html", "%2e%2e", "a/b"])
async def test_nothing_else_is_served(serve: Serve, name: str) -> None:
    """Only the page's files are served, by their names."""
    response = await serve(meta).get(f"/docs/{name}")
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_a_missing_page_file_is_404(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The page's files are missing if its setup has not run."""
    monkeypatch.setitem(meta.PAGE_PARTS, "swagger-ui.css", tmp_path / "swagger-ui.css")
    response = await serve(meta).get("/docs/swagger-ui.css")
    assert (response.status_code, response.json()) == (404, {"detail": "There is no file swagger-ui.css."})
