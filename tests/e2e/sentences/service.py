"""Checks of the sentences about the whole service: authentication, errors, and routes."""

import time
from uuid import uuid4

from tests.doubles.model_server import Answer, Fail
from tests.e2e.sentences.world import MODEL, Check, World, eventually, fresh, ok
from tests.e2e.test_authentication import altered


def describes_itself(world: World) -> None:
    assert ok(world.anybody.get("/openapi.json"))["info"]["title"] == "User Service API"


def relative_to_the_root(world: World) -> None:
    root = f"http://localhost:{world.suite.ports.hosting}"
    for path in ("/", "/health", "/providers", "/agents"):
        ok(world.mine.get(f"{root}{path}"))


def bypassed_or_not(world: World) -> None:
    if world.with_tokens:
        ok(world.anybody.get("/users/me"), 401)
    else:
        assert ok(world.anybody.get("/users/me"))["_id"] == "local-dev-user"
        wrong = {"Authorization": "Bearer wrong"}
        assert ok(world.anybody.get("/users/me", headers=wrong))["_id"] == "local-dev-user"


def takes_a_token(world: World) -> None:
    """Without authentication, the token is ignored."""
    ok(world.mine.get("/users/me"))
    ok(world.anybody.get("/users/me"), 401 if world.with_tokens else 200)


def token_is_verified(world: World) -> None:
    """The token identifies the user. This does not apply to other environments."""
    if not world.with_tokens:
        return
    me, other = ok(world.mine.get("/users/me")), ok(world.other.get("/users/me"))
    assert me["_id"] != other["_id"]
    assert me["basicInfo"]["email"].endswith("@example.com")
    good = world.mine.headers["authorization"].removeprefix("Bearer ")
    for token in ("wrong", altered(good, exp=int(time.time()) - 5), altered(good, aud="demo-other")):
        ok(world.anybody.get("/users/me", headers={"Authorization": f"Bearer {token}"}), 401)


def authorized_by_route(world: World) -> None:
    for path in ("/providers", "/users/me", "/agents", "/deployments", "/demos"):
        ok(world.mine.get(path))
        ok(world.anybody.get(path), 401 if world.with_tokens else 200)


def admins_only(world: World) -> None:
    ok(world.admin.get("/admin/users"))
    for client in (world.mine, world.anybody):
        ok(client.get("/admin/users"), world.no_admin)
        ok(client.put("/admin/users/nobody", json={}), world.no_admin)


def errors_have_a_detail(world: World) -> None:
    invalid = ok(world.mine.post("/chat", json={}), 422)["detail"]
    assert {"type", "loc", "msg"} <= set(invalid[0])
    unknown = ok(world.mine.get(f"/agents/{uuid4()}"), 404)
    assert (set(unknown), type(unknown["detail"])) == ({"detail"}, str)
    failed = ok(world.mine.post("/specs/fetch", json={"url": f"{world.api_server.address}/status/500"}), 502)
    assert (set(failed), type(failed["detail"])) == ({"detail"}, str)


def tickets_have_status_and_errors(world: World) -> None:
    prompt = fresh("refuse")
    world.model_server.script(prompt, Fail(401, "Incorrect API key provided."))
    ticket = world.service.finished(world.service.ticket(prompt))
    assert (ticket["status"], ticket["result"]) == ("failed", None)
    assert "key" in ticket["error"]


def polling_ends(world: World) -> None:
    prompt = fresh("slow")
    world.model_server.script(prompt, Answer("done", delay=1))
    ticket_id = world.service.ticket(prompt)
    assert ok(world.mine.get(f"/chat/{ticket_id}"))["status"] in ("pending", "processing")
    assert world.service.finished(ticket_id)["status"] == "completed"
    assert ok(world.mine.get(f"/chat/{ticket_id}"))["status"] == "completed"


def routes(*named: str) -> Check:
    """Each route exists: the operation answers, not the router."""

    def check(world: World) -> None:
        known = {"provider": "openai", "model": "gpt-4.1-mini", "session_id": fresh("s"), "ticket_id": str(uuid4())}
        for route in named:
            method, template = route.split()
            ids = {name: fresh("x") for name in ("user_id", "agent_id", "demo_id", "friendly_name")}
            path = template.format(**known, **ids)
            response = world.mine.request(method, path)
            assert response.status_code != 405, route
            assert "There is no route" not in response.text, route
            assert response.headers["content-type"] == "application/json", route

    return check


def crud(at: str, one: str) -> tuple[str, ...]:
    return f"POST {at}", f"GET {at}", f"GET {at}/{one}", f"PUT {at}/{one}", f"DELETE {at}/{one}"


def heartbeat(world: World) -> None:
    assert "user-service" in ok(world.anybody.get("/")).values()


def health(world: World) -> None:
    assert ok(world.anybody.get("/health")) == {"status": "healthy", "service": "user-service"}


def takes_a_client_log(world: World) -> None:
    for level in ("INFO", "WARN", "ERROR"):
        entry = {"eventType": "e", "message": "m", "level": level}
        ok(world.mine.post("/log/client", json=entry), 202)
        ok(world.mine.post("/log/client", json={**entry, "metadata": {"page": "/agents"}}), 202)
    ok(world.mine.post("/log/client", json={"eventType": "e"}), 422)


def writes_a_client_log(world: World) -> None:
    message = fresh("a message")
    body = {"eventType": "e", "message": message, "level": "WARN", "metadata": {"page": "/agents"}}
    ok(world.mine.post("/log/client", json=body, headers={"User-Agent": "a browser"}), 202)

    def line() -> str:
        lines = world.suite.log.path.read_text(errors="replace").splitlines()
        return next((line for line in lines if message in line), "")

    written = eventually(line)
    for part in ('"client_host": "127.0.0.1"', '"user_agent": "a browser"', '"page": "/agents"', '"WARNING"'):
        assert part in written


def says_logged(world: World) -> None:
    answer = world.mine.post("/log/client", json={"eventType": "e", "message": "m", "level": "INFO"})
    assert ok(answer, 202) == {"status": "logged"}


def provider_map(world: World) -> None:
    providers = ok(world.mine.get("/providers"))
    assert "gpt-4.1-mini" in providers["openai"]["models"]


def one_provider(world: World) -> None:
    assert ok(world.mine.get("/providers/openai")) == ok(world.mine.get("/providers"))["openai"]
    ok(world.mine.get("/providers/nobody"), 404)


def model_slugs(world: World) -> None:
    slugs = ok(world.mine.get("/providers/openai/models"))
    assert slugs == list(ok(world.mine.get("/providers/openai"))["models"])
    assert MODEL["model"] in slugs


def one_model(world: World) -> None:
    model = ok(world.mine.get("/providers/openai/models/gpt-4.1-mini"))
    assert model == ok(world.mine.get("/providers/openai"))["models"]["gpt-4.1-mini"]
    assert "temperature" in model["parameters"]
    ok(world.mine.get("/providers/nobody/models/gpt-4.1-mini"), 404)
    ok(world.mine.get("/providers/openai/models/nothing"), 404)
