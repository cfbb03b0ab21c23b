"""Tests the demo routes: shapes, status codes, spellings, paths, who can open a demo's page, and the page's policy."""

import json
import re
from typing import Any

import httpx
import pytest

import functions.demos.main as demos
from shared.models.caller import Caller
from shared.models.demo import CreateDemoRequest
from shared.services.demos.demos import DemoService
from shared.services.generation.demo_prompt import write_request
from shared.store import Database
from tests.doubles.model_server import Answer, ModelServer
from tests.functions.conftest import Serve
from tests.services.publishing import publish
from tests.tokens import token

CODE = {"html": "<h1>Hi</h1>", "css": "h1 { color: red }", "js": "document.title = API_BASE_URL;"}
DEMO: dict[str, Any] = {
    "name": "Clock",
    "selectedApis": [],
    "modelConfig": {"provider": "openai", "model": "gpt-4.1-mini"},
    "userPrompt": "Show the time.",
    "generatedCode": CODE,
}
FULL: dict[str, Any] = {
    "name": "天気 ☀",
    "description": "Reports the weather.",
    "selectedApis": [
        {
            "friendlyName": "weather",
            "agentId": "x",
            "description": "Doc.",
            "inputSchema": {"inputText": "string"},
            "outputSchema": None,
        }
    ],
    "modelConfig": {"provider": "openai", "model": "m", "parameters": {"a": [[1], None]}, "builtInTool": "t"},
    "userPrompt": "Show the weather.",
    "generatedCode": CODE,
    "composerThoughts": {"deep": [[1.5, None, "😀"]]},
    "visibility": "shared",
}
SERVICE_FIELDS = ["_id", "_rev", "createdAt", "updatedAt"]
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
OTHER = Caller(uid="other")


async def save(database: Database, caller: Caller, **fields: Any) -> str:
    request = CreateDemoRequest.model_validate({**DEMO, **fields})
    return (await DemoService(database).create(caller, request)).id


async def test_a_saved_demo_has_the_documented_shape(serve: Serve) -> None:
    """The response to a saved demo is in camelCase, with `_id`, `_rev`, and every field as it was sent."""
    client = serve(demos)
    response = await client.post("/demos", json=FULL)
    assert response.status_code == 201
    saved = response.json()
    assert list(saved) == [*FULL, *SERVICE_FIELDS]
    assert {name: saved[name] for name in FULL} == FULL
    assert saved["createdAt"] == saved["updatedAt"]
    assert TIME.match(saved["createdAt"])
    read = await client.get(f"/demos/{saved['_id']}")
    assert (read.status_code, read.json()) == (200, saved)
    assert (await client.get("/demos")).json() == [saved]


async def test_missing_fields_have_defaults(serve: Serve) -> None:
    """Missing and null fields become null. By default, a demo is private, and its list of APIs is empty."""
    client = serve(demos)
    for body in (DEMO, {**DEMO, "description": None, "selectedApis": None, "composerThoughts": None}):
        saved = (await client.post("/demos", json=body)).json()
        assert (saved["description"], saved["composerThoughts"], saved["visibility"]) == (None, None, "private")
        assert saved["selectedApis"] == []
        assert saved["modelConfig"] == {**DEMO["modelConfig"], "parameters": {}, "builtInTool": None}
    api = {"friendlyName": "echo"}
    saved = (await client.post("/demos", json={**DEMO, "selectedApis": [api]})).json()
    assert saved["selectedApis"] == [
        {"friendlyName": "echo", "agentId": "", "description": "", "inputSchema": None, "outputSchema": None}
    ]


async def test_both_spellings_are_accepted(serve: Serve) -> None:
    """camelCase and snake_case are accepted. Unknown fields, and those that callers cannot set, are ignored."""
    client = serve(demos)
    snake: dict[str, Any] = {
        "name": "Clock",
        "selected_apis": [{"friendly_name": "echo", "agent_id": "x", "input_schema": {"a": "string"}}],
        "model_config": {"provider": "openai", "model": "m", "built_in_tool": "t"},
        "user_prompt": "Show the time.",
        "generated_code": CODE,
        "composer_thoughts": "t",
        "somethingNew": 1,
        "_id": "mine",
        "owner": "o",
        "createdAt": "2000-01-01T00:00:00Z",
    }
    saved = (await client.post("/demos", json=snake)).json()
    assert saved["selectedApis"][0]["friendlyName"] == "echo"
    assert saved["selectedApis"][0]["inputSchema"] == {"a": "string"}
    assert saved["modelConfig"]["builtInTool"] == "t"
    assert (saved["userPrompt"], saved["composerThoughts"]) == ("Show the time.", "t")
    assert not {*snake} - {"name", "_id", "createdAt"} & set(saved)
    assert saved["_id"] != "mine"
    assert not saved["createdAt"].startswith("2000")


async def test_a_replacement_returns_the_demo(serve: Serve) -> None:
    """A demo can be sent back as it was received. `_id` and `createdAt` do not change. Fields that are not sent are
    removed."""
    client = serve(demos)
    saved = (await client.post("/demos", json=FULL)).json()
    path = f"/demos/{saved['_id']}"
    response = await client.put(path, json={**saved, "name": "New"})
    assert response.status_code == 200
    changed = response.json()
    assert list(changed) == list(saved)
    assert {name for name in saved if changed[name] != saved[name]} == {"name", "_rev", "updatedAt"}
    bare = (await client.put(path, json=DEMO)).json()
    assert (bare["description"], bare["composerThoughts"], bare["selectedApis"]) == (None, None, [])
    assert (bare["createdAt"], bare["visibility"]) == (saved["createdAt"], "shared")


async def test_an_outdated_revision_is_409(serve: Serve) -> None:
    """A replacement with an outdated `_rev` changes nothing. Without `_rev`, the demo is always replaced."""
    client = serve(demos)
    saved = (await client.post("/demos", json=DEMO)).json()
    path = f"/demos/{saved['_id']}"
    assert (await client.put(path, json={**DEMO, "_rev": saved["_rev"], "name": "One"})).status_code == 200
    rejected = await client.put(path, json={**DEMO, "_rev": saved["_rev"], "name": "Two"})
    assert rejected.status_code == 409
    assert set(rejected.json()) == {"detail"}
    assert (await client.get(path)).json()["name"] == "One"
    assert (await client.put(path, json={**DEMO, "name": "Three"})).status_code == 200


async def test_deleting_is_204_without_a_body(serve: Serve) -> None:
    """After a demo has been deleted, every route returns 404 for it."""
    client = serve(demos)
    path = f"/demos/{(await client.post('/demos', json=DEMO)).json()['_id']}"
    response = await client.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    for response in (
        await client.get(path),
        await client.delete(path),
        await client.put(path, json=DEMO),
        await client.get(f"{path}/page"),
    ):
        assert response.status_code == 404
        assert response.json() == {"detail": "There is no such demo."}


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": None},
        {"name": "x" * 201},
        {"description": 5},
        {"description": "x" * 100_001},
        {"selectedApis": "all"},
        {"selectedApis": [{"friendlyName": ""}]},
        {"selectedApis": [{}]},
        {"selectedApis": [{"friendlyName": "x"}] * 51},
        {"modelConfig": "gpt"},
        {"modelConfig": {"provider": "openai"}},
        {"userPrompt": None},
        {"userPrompt": "x" * 100_001},
        {"generatedCode": None},
        {"generatedCode": {"html": "", "css": ""}},
        {"generatedCode": {**CODE, "js": None}},
        {"visibility": "public"},
        {"visibility": None},
    ],
)
async def test_an_invalid_field_is_422(serve: Serve, change: dict[str, Any]) -> None:
    """If a field is invalid when a demo is saved or replaced, the error names the field, and nothing is stored."""
    client = serve(demos)
    saved = (await client.post("/demos", json=DEMO)).json()
    for response in (
        await client.post("/demos", json={**DEMO, **change}),
        await client.put(f"/demos/{saved['_id']}", json={**DEMO, **change}),
    ):
        assert response.status_code == 422
        (problem,) = response.json()["detail"][:1]
        assert set(problem) == {"type", "loc", "msg", "input"}
        assert problem["loc"][:2] == ["body", *change]
    (only,) = (await client.get("/demos")).json()
    assert only["_rev"] == saved["_rev"]


@pytest.mark.parametrize("name", ["name", "selectedApis", "modelConfig", "userPrompt", "generatedCode"])
async def test_a_missing_required_field_is_422(serve: Serve, name: str) -> None:
    """The error for a missing field names it in camelCase."""
    body = {key: value for key, value in DEMO.items() if key != name}
    response = await serve(demos).post("/demos", json=body)
    assert response.status_code == 422
    assert [problem["loc"] for problem in response.json()["detail"]] == [["body", name]]


INVALID_BODIES = [b"", b"{", b"[]", b'"x"', b"null", b'{"name": NaN}', b'{"name": "\\ud800"}', b"\xff", b"[" * 100_000]


@pytest.mark.parametrize("body", INVALID_BODIES, ids=lambda body: repr(body[:20]))
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/demos"), ("PUT", "/demos/x"), ("POST", "/demos/generate-code")]
)
async def test_a_body_that_is_not_a_json_object_is_422(serve: Serve, method: str, path: str, body: bytes) -> None:
    """A body that is empty, malformed, or JSON other than an object is refused."""
    headers = {"Content-Type": "application/json"}
    response = await serve(demos).request(method, path, content=body, headers=headers)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)


async def test_a_demo_that_is_too_large_is_413(serve: Serve) -> None:
    """The error states the size of the demo or, if the body is too long to be read, the size of the body."""
    client = serve(demos)
    for length, text in ((1_050_000, "The demo is 1050"), (2_200_000, "The request body has at least")):
        response = await client.post("/demos", json={**DEMO, "generatedCode": {**CODE, "js": "x" * length}})
        assert response.status_code == 413
        assert text in response.json()["detail"]
        assert "the limit is" in response.json()["detail"]


async def test_another_users_demo_cannot_be_changed(serve: Serve, database: Database) -> None:
    """Another user's shared demo can be read, but changing it gets a 403. A private demo of another user gets a 404."""
    client = serve(demos)
    shared, private = await save(database, OTHER, visibility="shared"), await save(database, OTHER)
    assert (await client.get(f"/demos/{shared}")).status_code == 200
    for demo_id, status in ((shared, 403), (private, 404)):
        for response in (
            await client.put(f"/demos/{demo_id}", json=DEMO),
            await client.delete(f"/demos/{demo_id}"),
        ):
            assert response.status_code == status
            assert set(response.json()) == {"detail"}
    assert (await client.get(f"/demos/{private}")).status_code == 404
    assert [demo["_id"] for demo in (await client.get("/demos")).json()] == [shared]


async def test_demos_are_listed_in_pages(serve: Serve) -> None:
    """A header has the token of the next page. The last page and an unlimited list have no such header."""
    client = serve(demos)
    for number in range(5):
        await client.post("/demos", json={**DEMO, "name": str(number)})
    full_list = await client.get("/demos")
    names = [demo["name"] for demo in full_list.json()]
    assert names == ["4", "3", "2", "1", "0"]
    assert "x-next-page-token" not in full_list.headers
    paged: list[str] = []
    after: dict[str, str] = {}
    for length in (2, 2, 1):
        page = await client.get("/demos", params={"limit": "2", **after})
        assert len(page.json()) == length
        paged += [demo["name"] for demo in page.json()]
        after = {"pageToken": page.headers.get("x-next-page-token", "")}
    assert after == {"pageToken": ""}
    assert paged == names


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 1001}, 422),
        ({"limit": "many"}, 422),
        ({"limit": 1000}, 200),
        ({"pageToken": "x"}, 400),
        ({"pageToken": "x" * 5001}, 422),
    ],
)
async def test_page_parameters(serve: Serve, query: dict[str, Any], status: int) -> None:
    """A limit out of range gets a 422, and a page token that the service did not issue gets a 400."""
    assert (await serve(demos).get("/demos", params=query)).status_code == status


@pytest.mark.parametrize("prefix", ["/api/demos", "/demos", ""])
@pytest.mark.parametrize("end", ["", "/"])
async def test_every_route_works_at_every_path(serve: Serve, prefix: str, end: str) -> None:
    """Hosting's prefix, the function's name and a trailing slash are optional in the path."""
    client = serve(demos)
    root = f"{prefix}{end}" or "/"
    created = await client.post(root, json=DEMO)
    assert created.status_code == 201
    one = f"{prefix}/{created.json()['_id']}{end}"
    assert (await client.get(one)).status_code == 200
    assert (await client.put(one, json={**DEMO, "name": "New"})).status_code == 200
    assert [demo["name"] for demo in (await client.get(root)).json()] == ["New"]
    page = await client.get(f"{one.rstrip('/')}/page{end}")
    assert "<title>New</title>" in page.text
    written = await client.post(f"{prefix}/generate-code{end}", json={})
    assert written.status_code == 422
    assert {problem["loc"][1] for problem in written.json()["detail"]} == {"userPrompt", "selectedApis", "modelConfig"}
    assert (await client.delete(one)).status_code == 204


@pytest.mark.parametrize("demo_id", ["unknown", "%2e%2e", "%00", "__x__", "a%2Fb", "%ff", "😀", "x" * 2000])
async def test_an_unknown_demo_is_404(serve: Serve, demo_id: str) -> None:
    """Every route returns 404 in JSON for an unknown id, which can contain any characters."""
    client = serve(demos)
    for response in (
        await client.get(f"/demos/{demo_id}"),
        await client.get(f"/demos/{demo_id}/page"),
        await client.put(f"/demos/{demo_id}", json=DEMO),
        await client.delete(f"/demos/{demo_id}"),
    ):
        assert response.status_code == 404
        assert set(response.json()) == {"detail"}


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "/demos"), ("DELETE", "/demos"), ("POST", "/demos/x"), ("POST", "/demos/x/page")]
)
async def test_a_wrong_method_is_405(serve: Serve, method: str, path: str) -> None:
    """A wrong method gets a 405 in JSON."""
    response = await serve(demos).request(method, path)
    assert response.status_code == 405
    assert set(response.json()) == {"detail"}


async def test_generated_code_has_the_documented_shape(
    serve: Serve, database: Database, model_server: ModelServer
) -> None:
    """Both spellings of the request are accepted. Selecting an unknown API gets a 400."""
    await publish(database, Caller(uid="local-dev-user"), "echo")
    deployment = await database.deployments.get("echo")
    assert deployment
    body = {"userPrompt": "Echo it.", "selectedApis": [{"friendlyName": "echo"}], "modelConfig": DEMO["modelConfig"]}
    snake = {
        "user_prompt": "Echo it.",
        "selected_apis": [{"friendly_name": "echo"}],
        "model_config": DEMO["modelConfig"],
        "built_in_tools": None,
    }
    client = serve(demos)
    for request in (body, snake):
        model_server.script(write_request("Echo it.", [deployment]), Answer(json.dumps(CODE)))
        response = await client.post("/demos/generate-code", json=request)
        assert response.status_code == 200, response.text
        assert response.json() == {**CODE, "thoughts": None}
    unknown = await client.post("/demos/generate-code", json={**body, "selectedApis": [{"friendlyName": "unknown"}]})
    assert unknown.status_code == 400
    assert "'unknown'" in unknown.json()["detail"]
    failed = await client.post("/demos/generate-code", json=body)
    assert failed.status_code == 502
    assert set(failed.json()) == {"detail"}


def directives(response: httpx.Response) -> dict[str, str]:
    first, second = response.headers["content-security-policy"].split(", ")
    assert second == "script-src 'unsafe-inline'"
    pairs = (part.partition(" ") for part in first.split("; "))
    return {name: value for name, _, value in pairs}


async def test_any_cors_origin_does_not_allow_framing(serve: Serve, database: Database) -> None:
    """`CORS_ORIGINS=*` allows requests from all origins, but does not let other pages embed demos."""
    demo_id = await save(database, Caller(uid="local-dev-user"), name="A")
    page = await serve(demos, cors_origins=("*",)).get(f"/demos/{demo_id}/page")
    assert directives(page)["frame-ancestors"] == "'self'"


async def test_a_page_is_html_with_a_strict_policy(serve: Serve, database: Database) -> None:
    """Each response has a new nonce, is not cached, and allows no referrer to be sent."""
    demo_id = await save(database, Caller(uid="local-dev-user"), name="A <b> & c")
    client = serve(demos, cors_origins=("https://front.example",))
    first, second = [await client.get(f"/demos/{demo_id}/page") for _ in range(2)]
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert "<title>A &lt;b&gt; &amp; c</title>" in first.text
    assert first.text.endswith(CODE["html"])
    policy = directives(first)
    assert policy["sandbox"] == "allow-scripts allow-forms allow-modals"
    assert policy["connect-src"] == "http://service/rest/"
    assert policy["frame-ancestors"] == "'self' https://front.example"
    nonce = re.search(r'<script nonce="([0-9a-f]{32})">', first.text)
    assert nonce
    assert f"'nonce-{nonce[1]}'" in policy["script-src"]
    assert nonce[1] not in second.text


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"X-Forwarded-Host": "app.example", "X-Forwarded-Proto": "https"}, "https://app.example/api"),
        ({"X-Forwarded-Host": "app.example, b.example", "X-Forwarded-Proto": "https,http"}, "https://app.example/api"),
        ({"X-Forwarded-Proto": "https"}, "https://service"),
        ({"Host": "demos-x-uc.a.run.app", "X-Forwarded-Proto": "https"}, "https://deployments-x-uc.a.run.app"),
    ],
)
async def test_a_page_calls_agents_at_its_own_address(
    serve: Serve, database: Database, headers: dict[str, str], base: str
) -> None:
    """A page calls agents at a base URL that is derived from the address at which the page was requested."""
    demo_id = await save(database, Caller(uid="local-dev-user"))
    response = await serve(demos).get(f"/demos/{demo_id}/page", headers=headers)
    assert f'const API_BASE_URL = "{base}";' in response.text
    assert directives(response)["connect-src"] == f"{base}/rest/"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": 'x"</script><script>alert(1)</script>'},
        {"Host": "x; script-src *"},
        {"X-Forwarded-Host": "x'y"},
        {"X-Forwarded-Proto": "javascript"},
    ],
)
async def test_an_invalid_host_is_400(serve: Serve, database: Database, headers: dict[str, str]) -> None:
    """An invalid host or scheme in the headers gets a 400, and never appears in a page."""
    demo_id = await save(database, Caller(uid="local-dev-user"))
    response = await serve(demos).get(f"/demos/{demo_id}/page", headers=headers)
    assert response.status_code == 400
    assert set(response.json()) == {"detail"}


async def test_only_authorized_users_can_open_a_page(
    serve: Serve, database: Database, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anyone can open a shared page, with any token or none. Only the owner and administrators can open a private
    page."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    import firebase_admin

    for app in list(firebase_admin._apps.values()):  # pyright: ignore[reportPrivateUsage]
        firebase_admin.delete_app(app)
    shared, private = await save(database, OTHER, visibility="shared"), await save(database, OTHER)
    client = serve(demos, app_env="firebase")
    viewers: dict[str, dict[str, str]] = {
        "anonymous": {},
        "an expired token": {"Authorization": "Bearer expired"},
        "another user": {"Authorization": f"Bearer {token(project, 'another')}"},
        "the owner": {"Authorization": f"Bearer {token(project, 'other')}"},
        "an admin": {"Authorization": f"Bearer {token(project, 'boss', admin=True)}"},
    }
    for who, headers in viewers.items():
        assert (await client.get(f"/demos/{shared}/page", headers=headers)).status_code == 200, who
        expected = 200 if who in ("the owner", "an admin") else 404
        assert (await client.get(f"/demos/{private}/page", headers=headers)).status_code == expected, who
    for path in ("/demos", f"/demos/{shared}"):
        assert (await client.get(path)).status_code == 401
