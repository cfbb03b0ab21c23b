"""Checks for the sentences about the whole service: authentication, errors, and routes."""

import time
from uuid import uuid4

from tests.doubles.model_server import Answer, Fail
from tests.e2e.sentences.context import MODEL, Check, CheckContext, eventually, fresh, ok
from tests.e2e.test_authentication import with_claims


def describes_itself(context: CheckContext) -> None:
    assert ok(context.anonymous.get("/openapi.json"))["info"]["title"] == "User Service API"


def relative_to_the_root(context: CheckContext) -> None:
    root = f"http://localhost:{context.suite.ports.hosting}"
    for path in ("/", "/health", "/providers", "/agents"):
        ok(context.mine.get(f"{root}{path}"))


def bypasses_authentication_locally(context: CheckContext) -> None:
    if context.with_tokens:
        ok(context.anonymous.get("/users/me"), 401)
    else:
        assert ok(context.anonymous.get("/users/me"))["_id"] == "local-dev-user"
        invalid_token = {"Authorization": "Bearer wrong"}
        assert ok(context.anonymous.get("/users/me", headers=invalid_token))["_id"] == "local-dev-user"


def accepts_a_token(context: CheckContext) -> None:
    """If authentication is bypassed, the token is ignored."""
    ok(context.mine.get("/users/me"))
    ok(context.anonymous.get("/users/me"), 401 if context.with_tokens else 200)


def token_is_verified(context: CheckContext) -> None:
    """The token identifies the user. In the mode without authentication, there is nothing to check."""
    if not context.with_tokens:
        return
    me, other = ok(context.mine.get("/users/me")), ok(context.other.get("/users/me"))
    assert me["_id"] != other["_id"]
    assert me["basicInfo"]["email"].endswith("@example.com")
    valid_token = context.mine.headers["authorization"].removeprefix("Bearer ")
    for token in (
        "wrong",
        with_claims(valid_token, exp=int(time.time()) - 5),
        with_claims(valid_token, aud="demo-other"),
    ):
        ok(context.anonymous.get("/users/me", headers={"Authorization": f"Bearer {token}"}), 401)


def authorized_by_route(context: CheckContext) -> None:
    for path in ("/providers", "/users/me", "/agents", "/deployments", "/demos"):
        ok(context.mine.get(path))
        ok(context.anonymous.get(path), 401 if context.with_tokens else 200)


def admins_only(context: CheckContext) -> None:
    ok(context.admin.get("/admin/users"))
    for client in (context.mine, context.anonymous):
        ok(client.get("/admin/users"), context.refused_status)
        ok(client.put("/admin/users/unknown", json={}), context.refused_status)


def errors_have_a_detail(context: CheckContext) -> None:
    invalid = ok(context.mine.post("/chat", json={}), 422)["detail"]
    assert {"type", "loc", "msg"} <= set(invalid[0])
    unknown = ok(context.mine.get(f"/agents/{uuid4()}"), 404)
    assert (set(unknown), type(unknown["detail"])) == ({"detail"}, str)
    failed = ok(context.mine.post("/specs/fetch", json={"url": f"{context.api_server.address}/status/500"}), 502)
    assert (set(failed), type(failed["detail"])) == ({"detail"}, str)


def tickets_have_status_and_errors(context: CheckContext) -> None:
    prompt = fresh("refuse")
    context.model_server.script(prompt, Fail(401, "Incorrect API key provided."))
    ticket = context.service.finished(context.service.ticket(prompt))
    assert (ticket["status"], ticket["result"]) == ("failed", None)
    assert "key" in ticket["error"]


def polling_ends(context: CheckContext) -> None:
    prompt = fresh("slow")
    context.model_server.script(prompt, Answer("done", delay=1))
    ticket_id = context.service.ticket(prompt)
    assert ok(context.mine.get(f"/chat/{ticket_id}"))["status"] in ("pending", "processing")
    assert context.service.finished(ticket_id)["status"] == "completed"
    assert ok(context.mine.get(f"/chat/{ticket_id}"))["status"] == "completed"


def routes(*expected: str) -> Check:
    """Returns a check that each route exists, so that the response comes from its operation and not from the router."""

    def check(context: CheckContext) -> None:
        fixed_values = {
            "provider": "openai",
            "model": "gpt-4.1-mini",
            "session_id": fresh("s"),
            "ticket_id": str(uuid4()),
        }
        for route in expected:
            method, template = route.split()
            ids = {name: fresh("x") for name in ("user_id", "agent_id", "demo_id", "friendly_name")}
            path = template.format(**fixed_values, **ids)
            response = context.mine.request(method, path)
            assert response.status_code != 405, route
            assert "There is no route" not in response.text, route
            assert response.headers["content-type"] == "application/json", route

    return check


def crud(path: str, item: str) -> tuple[str, ...]:
    return f"POST {path}", f"GET {path}", f"GET {path}/{item}", f"PUT {path}/{item}", f"DELETE {path}/{item}"


def heartbeat(context: CheckContext) -> None:
    assert "user-service" in ok(context.anonymous.get("/")).values()


def health(context: CheckContext) -> None:
    assert ok(context.anonymous.get("/health")) == {"status": "healthy", "service": "user-service"}


def accepts_a_client_log(context: CheckContext) -> None:
    for level in ("INFO", "WARN", "ERROR"):
        entry = {"eventType": "e", "message": "m", "level": level}
        ok(context.mine.post("/log/client", json=entry), 202)
        ok(context.mine.post("/log/client", json={**entry, "metadata": {"page": "/agents"}}), 202)
    ok(context.mine.post("/log/client", json={"eventType": "e"}), 422)


def writes_a_client_log(context: CheckContext) -> None:
    message = fresh("a message")
    body = {"eventType": "e", "message": message, "level": "WARN", "metadata": {"page": "/agents"}}
    ok(context.mine.post("/log/client", json=body, headers={"User-Agent": "a browser"}), 202)

    def line() -> str:
        lines = context.suite.log.path.read_text(errors="replace").splitlines()
        return next((line for line in lines if message in line), "")

    log_line = eventually(line)
    for part in ('"client_host": "127.0.0.1"', '"user_agent": "a browser"', '"page": "/agents"', '"WARNING"'):
        assert part in log_line


def confirms_a_client_log(context: CheckContext) -> None:
    response = context.mine.post("/log/client", json={"eventType": "e", "message": "m", "level": "INFO"})
    assert ok(response, 202) == {"status": "logged"}


def provider_map(context: CheckContext) -> None:
    providers = ok(context.mine.get("/providers"))
    assert "gpt-4.1-mini" in providers["openai"]["models"]


def one_provider(context: CheckContext) -> None:
    assert ok(context.mine.get("/providers/openai")) == ok(context.mine.get("/providers"))["openai"]
    ok(context.mine.get("/providers/unknown"), 404)


def model_slugs(context: CheckContext) -> None:
    slugs = ok(context.mine.get("/providers/openai/models"))
    assert slugs == list(ok(context.mine.get("/providers/openai"))["models"])
    assert MODEL["model"] in slugs


def one_model(context: CheckContext) -> None:
    model = ok(context.mine.get("/providers/openai/models/gpt-4.1-mini"))
    assert model == ok(context.mine.get("/providers/openai"))["models"]["gpt-4.1-mini"]
    assert "temperature" in model["parameters"]
    ok(context.mine.get("/providers/unknown/models/gpt-4.1-mini"), 404)
    ok(context.mine.get("/providers/openai/models/nothing"), 404)
