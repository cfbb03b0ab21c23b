"""The specs route: documents as they were published, by every way; what is refused, with its reason."""

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
from tests.functions.test_mcp import only_the_tables_names, refused_without_a_connection
from tests.openapi.documents import NAMES, written
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
HEAD = "openapi: 3.0.0\ninfo: {title: T, version: 1}\npaths: {}\n"
BOMB = (
    HEAD
    + "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
)


@pytest.mark.parametrize("name", NAMES)
async def test_a_document_as_it_was_published(serve: Serve, api_server: ApiServer, name: str) -> None:
    """200, letter by letter, JSON or YAML, OpenAPI or Swagger; its name is its title. Warnings, if there are any."""
    text = written(name)
    api_server.documents[name] = (text.encode(), {})
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/{name}"})
    assert response.status_code == 200
    answer = response.json()
    warnings = answer.pop("warnings", None)
    assert list(answer) == ["name", "content"]
    assert answer == {"name": TITLES[name], "content": text}
    assert (warnings is not None) == (name == "completions.yaml")  # which leaves a path to another document


@pytest.mark.parametrize("name", TITLES)
async def test_what_is_fetched_becomes_docs_without_losing_an_operation(
    serve: Serve, api_server: ApiServer, name: str
) -> None:
    """Within a budget, as the prompt of whoever writes an agent has one."""
    api_server.documents[name] = (written(name).encode(), {})
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/{name}"})
    document = parse(response.json()["content"])
    named = [operation.line for operation in list_operations(document, References(document.tree))]
    for budget in (2_000, 20_000):
        docs = write_tool_docs(document, budget)
        assert named
        assert all(line in docs for line in named)
        assert len(docs) <= max(budget, sum(len(line) + 1 for line in named))


@pytest.mark.parametrize("path", ["/specs/fetch", "/api/specs/fetch", "/fetch", "/specs/fetch/", "/api/specs/fetch/"])
async def test_every_way_leads_there(serve: Serve, api_server: ApiServer, path: str) -> None:
    """Hosting with and without its prefix, and what cloudfunctions.net leaves."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post(path, json={"url": f"{api_server.address}/openapi.json"})
    assert response.status_code == 200
    assert response.json()["name"] == openapi(api_server.address)["info"]["title"]
    assert json.loads(response.json()["content"]) == openapi(api_server.address)


@pytest.mark.parametrize("version", ["openapi: 3.0.4", "openapi: 3.1.1", "openapi: 3.2.0", "swagger: '2.0'"])
async def test_every_version_in_use(serve: Serve, api_server: ApiServer, version: str) -> None:
    """OpenAPI 3.0 to 3.2, and Swagger 2; line ends, tabs and letters stay; a byte order mark does not."""
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
async def test_a_document_without_a_title(serve: Serve, api_server: ApiServer, name: str, expected: str) -> None:
    """Is named after the end of its address, or after its host."""
    api_server.documents |= dict.fromkeys(
        ("weather api.yaml", "v1/", "\u200b", "x" * 500, "spec.json"), (b"swagger: 2.0\npaths: {}", {})
    )
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/{name}"})
    assert response.status_code == 200
    assert response.json()["name"] == expected


async def test_redirects_are_followed(serve: Serve, api_server: ApiServer) -> None:
    """Five of them, and no more: 502 for the sixth, as for a circle."""
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
    ("body", "headers", "says"),
    [
        (b"<!DOCTYPE html><html><body>Docs</body></html>", {"Content-Type": "text/html"}, "This is an HTML page."),
        (b"<?xml version='1.0'?><wsdl/>", {}, "XML or HTML"),
        (b"Just some words.", {}, "plain text"),
        (b"", {}, "This is empty."),
        (b'{"hello": "world"}', {}, "neither `openapi` nor `swagger`"),
        (b'{"openapi": "3.0.0",', {}, "not valid JSON"),
        (b'{"openapi": "4.0.0", "paths": {}}', {}, "openapi: 4.0.0"),
        (b'{"asyncapi": "2.0.0"}', {}, "AsyncAPI"),
        (b"a: [", {}, "neither JSON nor YAML"),
        (BOMB.encode(), {}, "The aliases of this YAML expand to more than"),
        (b"[" * 100_000, {}, "nested too deep"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", {"Content-Type": "image/png"}, "This is not text in UTF-8"),
        ("swagger: 2.0 # ä".encode("latin-1"), {"Content-Type": "text/yaml; charset=utf-8"}, "not text in UTF-8"),
    ],
)
async def test_what_is_no_spec(
    serve: Serve, api_server: ApiServer, body: bytes, headers: dict[str, str], says: str
) -> None:
    """400, with what it is instead."""
    api_server.documents["x"] = (body, headers)
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/documents/x"})
    assert response.status_code == 400
    assert list(response.json()) == ["detail"]
    assert says in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/status/401", "127.0.0.1 requires a sign-in (status 401)"),
        ("/status/403", "127.0.0.1 requires a sign-in (status 403)"),
        ("/status/404", "127.0.0.1 responded with status 404 instead of a document."),
        ("/status/304", "127.0.0.1 responded with status 304"),
        ("/status/429", "127.0.0.1 responded with status 429"),
        ("/status/500", "127.0.0.1 responded with status 500"),
        ("/status/503", "127.0.0.1 responded with status 503"),
        ("/half", " did not answer in valid HTTP."),
        ("/redirect?to=http://[::1", "127.0.0.1 redirects to an invalid URL."),
    ],
)
async def test_a_server_that_fails(serve: Serve, api_server: ApiServer, path: str, says: str) -> None:
    """502, with the status, or with what went wrong."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}{path}"})
    assert response.status_code == 502
    assert says in response.json()["detail"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/openapi.json", "http://nowhere.invalid/openapi.json"])
async def test_nobody_there(serve: Serve, url: str) -> None:
    """502."""
    response = await serve(specs, outbound_allowed_hosts=("127.0.0.1:1",)).post("/specs/fetch", json={"url": url})
    assert response.status_code == 502


@pytest.mark.parametrize("path", ["/slow?seconds=5", "/drip"])
async def test_a_slow_server(serve: Serve, api_server: ApiServer, path: str) -> None:
    """504 when the deployment's time is up, whether nothing comes or never all of it."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,), outbound_timeout_seconds=0.3)
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}{path}"})
    assert response.status_code == 504
    assert response.json() == {"detail": "127.0.0.1 did not answer within 0.3 seconds."}


@pytest.mark.parametrize("path", ["/huge", "/huge?told=1", "/bomb"])
async def test_a_document_that_is_too_long(serve: Serve, api_server: ApiServer, path: str) -> None:
    """400, whether its length is told, shows, or is packed away."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,), outbound_max_bytes=100_000)
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}{path}"})
    assert response.status_code == 400
    assert response.json() == {"detail": "The document is too long. The answer is longer than 100000 bytes."}


@pytest.mark.parametrize(
    "body", [{}, {"url": None}, {"url": 5}, {"url": ["http://x.example"]}, {"url": "x" * 8001}, [], "http://x.example"]
)
async def test_a_malformed_body(serve: Serve, body: Any) -> None:
    """422 in FastAPI's shape."""
    response = await serve(specs).post("/specs/fetch", json=body)
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert list(problem) == ["type", "loc", "msg", "input"]


async def test_a_body_that_is_no_json_or_too_long(serve: Serve) -> None:
    """422, and 413 above 64 KB."""
    client = serve(specs)
    assert (await client.post("/specs/fetch", content=b"{")).status_code == 422
    assert (await client.post("/specs/fetch", json={"url": "x" * 70_000})).status_code == 413


async def test_only_by_post(serve: Serve) -> None:
    """405 for what is there by another method, 404 for what is not."""
    client = serve(specs)
    assert (await client.get("/specs/fetch")).status_code == 405
    assert (await client.post("/specs/nothing", json={})).status_code == 404


async def test_nobody_gets_nothing(serve: Serve, api_server: ApiServer) -> None:
    """401 without an ID token in a Firebase deployment, and nothing is fetched."""
    client = serve(specs, app_env="firebase", outbound_allowed_hosts=(api_server.host,))
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/openapi.json"})
    assert response.status_code == 401
    assert list(response.json()) == ["detail"]
    assert api_server.calls == []


async def test_what_the_caller_sent_stays_here(serve: Serve, api_server: ApiServer) -> None:
    """Neither an ID token nor a cookie nor an address of the caller goes along."""
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    mine = {"Authorization": "Bearer mine", "Cookie": "a=mine", "X-Forwarded-For": "9.8.7.6", "X-Mine": "mine"}
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/openapi.json"}, headers=mine)
    assert response.status_code == 200
    (call,) = api_server.calls
    assert set(call.headers) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert "mine" not in str(call.headers)


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_refused(
    serve: Serve, url: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 for whatever leads inside, without one connection."""
    only_the_tables_names(monkeypatch)
    await refused_without_a_connection(serve(specs), "/specs/fetch", "url", url, connections)


@pytest.mark.parametrize("target", [target for target in REDIRECTS if target != "http://[::1"])
async def test_a_redirect_inside_is_refused(
    serve: Serve, api_server: ApiServer, target: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400; the server that redirects is the only one that is connected to."""
    only_the_tables_names(monkeypatch)
    client = serve(specs, outbound_allowed_hosts=(api_server.host,))
    there = target.replace("{port}", "9").replace("&", "%26")
    response = await client.post("/specs/fetch", json={"url": f"{api_server.address}/redirect?to={there}"})
    assert response.status_code == 400
    assert "secret" not in response.text
    assert {port for _, port in connections.tried} == {int(api_server.host.partition(":")[2])}
