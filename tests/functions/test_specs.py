"""Tests the specs route: it returns documents as they were published, at all paths, and explains what it refuses."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import functions.specs.main as specs
from shared.openapi import parse, write_tool_docs
from shared.openapi.operations import list_operations
from shared.openapi.tree import References
from tests.doubles.api_server import ApiServer, openapi
from tests.functions.conftest import Serve
from tests.functions.test_mcp import assert_refused_without_a_connection, resolve_only_table_names
from tests.openapi.documents import NAMES, read_text
from tests.outbound.conftest import Connections
from tests.outbound.conftest import connections as connections
from tests.outbound.test_hostile_urls import REDIRECTS, URLS

ROOT = Path(__file__).parents[2]
TITLES = {
    "payments.yaml": "Payments",
    "weather.yaml": "Weather",
    "petstore.json": "Petstore",
    "completions.yaml": "Completions",
    "crm.yaml": "CRM",
}
MINIMAL_SPEC = "openapi: 3.0.0\ninfo: {title: T, version: 1}\npaths: {}\n"
ALIAS_BOMB = (
    MINIMAL_SPEC
    + "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_document_is_returned_as_published(serve: Serve, api_server: ApiServer, name: str) -> None:
    """JSON and YAML documents are returned unchanged. Their title becomes the name of the spec."""
    text = read_text(name)
    api_server.documents[name] = (text.encode(), {})
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/{name}"})
    assert response.status_code == 200
    body = response.json()
    warnings = body.pop("warnings", None)
    assert list(body) == ["name", "content"]
    assert body == {"name": TITLES[name], "content": text}
    assert (warnings is not None) == (name == "completions.yaml")  # it refers to another document


@pytest.mark.parametrize("name", TITLES)
async def test_the_docs_of_a_fetched_document_list_all_operations(
    serve: Serve, api_server: ApiServer, name: str
) -> None:
    """The docs list all operations. They stay within the prompt's budget, unless the list alone exceeds it."""
    api_server.documents[name] = (read_text(name).encode(), {})
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/{name}"})
    document = parse(response.json()["content"])
    lines = [operation.line for operation in list_operations(document, References(document.tree))]
    for budget in (2_000, 20_000):
        docs = write_tool_docs(document, budget)
        assert lines
        assert all(line in docs for line in lines)
        assert len(docs) <= max(budget, sum(len(line) + 1 for line in lines))


@pytest.mark.parametrize("path", ["/specs/fetch", "/api/specs/fetch", "/fetch", "/specs/fetch/", "/api/specs/fetch/"])
async def test_every_path_leads_to_the_route(serve: Serve, api_server: ApiServer, path: str) -> None:
    """The route works at the paths of Hosting, with and without its prefix, and of cloudfunctions.net."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post(path, json={"url": f"{api_server.address}/openapi.json"})
    assert response.status_code == 200
    assert response.json()["name"] == openapi(api_server.address)["info"]["title"]
    assert json.loads(response.json()["content"]) == openapi(api_server.address)


@pytest.mark.parametrize("version", ["openapi: 3.0.4", "openapi: 3.1.1", "openapi: 3.2.0", "swagger: '2.0'"])
async def test_every_version_is_accepted(serve: Serve, api_server: ApiServer, version: str) -> None:
    """OpenAPI 3.0 to 3.2 and Swagger 2 are returned unchanged, except for a byte order mark."""
    text = f"{version}\r\ninfo: {{title: Größe 大きさ, version: 1}}\r\npaths: {{}}\r\n# 🎉\t\r\n\r\n"
    api_server.documents["x"] = (b"\xef\xbb\xbf" + text.encode(), {"Content-Type": "text/plain"})
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/x"})
    assert response.status_code == 200
    assert response.json() == {"name": "Größe 大きさ", "content": text}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("weather%20api.yaml", "weather api.yaml"),
        ("v1/", "v1"),
        ("%E2%80%8B", "127.0.0.1"),
        ("x" * 500, "x" * 199 + "…"),
        ("spec.json?key=1#top", "spec.json"),
    ],
)
async def test_a_document_without_a_title_is_named_after_its_url(
    serve: Serve, api_server: ApiServer, name: str, expected: str
) -> None:
    """If a document has no title, the spec is named after the last part of its URL, or after its host."""
    api_server.documents |= dict.fromkeys(
        ("weather api.yaml", "v1/", "\u200b", "x" * 500, "spec.json"), (b"swagger: 2.0\npaths: {}", {})
    )
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/{name}"})
    assert response.status_code == 200
    assert response.json()["name"] == expected


async def test_redirects_are_followed(serve: Serve, api_server: ApiServer) -> None:
    """Up to five redirects are followed. A sixth redirect or a loop gets a 502."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    api_server.documents["x"] = (b"swagger: 2.0\npaths: {}", {})
    response = await client.post("/specs/fetch", json={"url": api_server.address + _redirects(5)})
    assert response.status_code == 200
    for path in (_redirects(6), "/loop"):
        response = await client.post("/specs/fetch", json={"url": api_server.address + path})
        assert response.status_code == 502
        assert response.json() == {"detail": "127.0.0.1 redirects more than 5 times."}


def _redirects(times: int) -> str:
    path = "/documents/x"
    for _ in range(times):
        path = f"/redirect?to={quote(path, safe='')}"
    return path


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (b"<!DOCTYPE html><html><body>Docs</body></html>", {"Content-Type": "text/html"}, "This is an HTML page."),
        (b"<?xml version='1.0'?><wsdl/>", {}, "XML or HTML"),
        (b"Just some text.", {}, "plain text"),
        (b"", {}, "This is empty."),
        (b'{"hello": "world"}', {}, "no top-level `openapi` or `swagger`"),
        (b'{"openapi": "3.0.0",', {}, "not valid JSON"),
        (b'{"openapi": "4.0.0", "paths": {}}', {}, "openapi: 4.0.0"),
        (b'{"asyncapi": "2.0.0"}', {}, "AsyncAPI"),
        (b"a: [", {}, "neither JSON nor YAML"),
        (ALIAS_BOMB.encode(), {}, "The aliases of this YAML expand to more than"),
        (b"[" * 100_000, {}, "nested too deeply"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", {"Content-Type": "image/png"}, "This is not text in UTF-8"),
        ("swagger: 2.0 # ä".encode("latin-1"), {"Content-Type": "text/yaml; charset=utf-8"}, "not text in UTF-8"),
    ],
)
async def test_a_document_that_is_not_a_spec_is_400(
    serve: Serve, api_server: ApiServer, body: bytes, headers: dict[str, str], text: str
) -> None:
    """If a document is not a spec, the error says what it is instead."""
    api_server.documents["x"] = (body, headers)
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/x"})
    assert response.status_code == 400
    assert list(response.json()) == ["detail"]
    assert text in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/status/401", "127.0.0.1 requires a sign-in (status 401)"),
        ("/status/403", "127.0.0.1 requires a sign-in (status 403)"),
        ("/status/404", "127.0.0.1 responded with status 404 instead of a document."),
        ("/status/304", "127.0.0.1 responded with status 304"),
        ("/status/429", "127.0.0.1 responded with status 429"),
        ("/status/500", "127.0.0.1 responded with status 500"),
        ("/status/503", "127.0.0.1 responded with status 503"),
        ("/half", " did not send a valid HTTP response."),
        ("/redirect?to=http://[::1", "127.0.0.1 redirects to an invalid URL."),
    ],
)
async def test_a_failing_server_is_502(serve: Serve, api_server: ApiServer, path: str, text: str) -> None:
    """If the server fails, the error states its status or describes the failure."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}{path}"})
    assert response.status_code == 502
    assert text in response.json()["detail"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/openapi.json", "http://nowhere.invalid/openapi.json"])
async def test_an_unreachable_server_is_502(serve: Serve, url: str) -> None:
    """A closed port and an unknown host get a 502."""
    response = await serve(specs, outbound_allowed_hosts=("127.0.0.1:1",)).post("/specs/fetch", json={"url": url})
    assert response.status_code == 502


@pytest.mark.parametrize("path", ["/slow?seconds=5", "/drip"])
async def test_a_slow_server_is_504(serve: Serve, api_server: ApiServer, path: str) -> None:
    """A request to a slow server ends after `OUTBOUND_TIMEOUT_SECONDS`, even if the server sends a byte now and
    then."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,), outbound_timeout_seconds=0.3)
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}{path}"})
    assert response.status_code == 504
    assert response.json() == {"detail": "127.0.0.1 did not answer within 0.3 seconds."}


@pytest.mark.parametrize("path", ["/huge", "/huge?told=1", "/bomb"])
async def test_a_document_that_is_too_long_is_400(serve: Serve, api_server: ApiServer, path: str) -> None:
    """The size limit applies with and without a `Content-Length`, and after decompression."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,), outbound_max_bytes=100_000)
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}{path}"})
    assert response.status_code == 400
    assert response.json() == {"detail": "The document is too long. The response is longer than 100000 bytes."}


@pytest.mark.parametrize(
    "body", [{}, {"url": None}, {"url": 5}, {"url": ["http://x.example"]}, {"url": "x" * 8001}, [], "http://x.example"]
)
async def test_a_malformed_body_is_422(serve: Serve, body: Any) -> None:
    """The error for a malformed body has FastAPI's shape."""
    response = await serve(specs).post("/specs/fetch", json=body)
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert list(problem) == ["type", "loc", "msg", "input"]


async def test_a_body_that_is_not_json_or_too_long_is_refused(serve: Serve) -> None:
    """Malformed JSON gets a 422, and a body of more than 64 KB gets a 413."""
    client = serve(specs)
    assert (await client.post("/specs/fetch", content=b"{")).status_code == 422
    assert (await client.post("/specs/fetch", json={"url": "x" * 70_000})).status_code == 413


async def test_only_post_is_allowed(serve: Serve) -> None:
    """A method other than POST gets a 405, and an unknown path gets a 404."""
    client = serve(specs)
    assert (await client.get("/specs/fetch")).status_code == 405
    assert (await client.post("/specs/nothing", json={})).status_code == 404


async def test_an_anonymous_caller_is_401(serve: Serve, api_server: ApiServer) -> None:
    """In a Firebase deployment, nothing is fetched without an ID token."""
    client = serve(specs, app_env="firebase", outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/openapi.json"})
    assert response.status_code == 401
    assert list(response.json()) == ["detail"]
    assert api_server.calls == []


async def test_the_callers_headers_are_not_forwarded(serve: Serve, api_server: ApiServer) -> None:
    """The server from which a document is fetched does not get the caller's ID token, cookies or address."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    headers = {"Authorization": "Bearer mine", "Cookie": "a=mine", "X-Forwarded-For": "9.8.7.6", "X-Mine": "mine"}
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/openapi.json"}, headers=headers)
    assert response.status_code == 200
    (call,) = api_server.calls
    assert set(call.headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert "mine" not in str(call.headers)


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_refused(
    serve: Serve, url: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL that leads to an internal address is refused before any connection is opened."""
    resolve_only_table_names(monkeypatch)
    await assert_refused_without_a_connection(serve(specs), "/specs/fetch", "url", url, connections)


@pytest.mark.parametrize("target", [target for target in REDIRECTS if target != "http://[::1"])
async def test_a_redirect_to_an_internal_address_is_400(
    serve: Serve, api_server: ApiServer, target: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a server redirects to an internal address, the request is refused, and the service does not connect to it."""
    resolve_only_table_names(monkeypatch)
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    redirect = target.replace("{port}", "9").replace("&", "%26")
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/redirect?to={redirect}"})
    assert response.status_code == 400
    assert "secret" not in response.text
    assert {port for _, port in connections.tried} == {int(api_server.host.partition(":")[2])}
