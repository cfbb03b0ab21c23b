"""Tests published agents with a policy, called over HTTP with and without tokens."""

import pytest

import functions.deployments.main as deployments
import functions.runs.main as runs
from shared.models.api_key import CreateKeyRequest, Scope
from shared.models.caller import LOCAL_USER, Caller
from shared.models.deployment import DeployRequest
from shared.services.agents.deployments import DeploymentService
from shared.services.api_keys.key_text import make_key_text
from shared.services.api_keys.keys import ApiKeyService
from shared.settings import Settings
from shared.store import Database
from shared.web import authentication
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.publishing import save

OWNER = Caller(uid="mine")  # the user with the role "user"
BODY = {"inputText": "x"}
ROLES = ("nobody", "user", "other", "admin")


async def publish(database: Database, owner: Caller = OWNER, visibility: str = "private", **policy: object) -> None:
    agent = await save(database, owner, friendlyName="echo", visibility=visibility)
    service = DeploymentService(database, Settings())
    await service.deploy(owner, agent.id, DeployRequest.model_validate(policy))


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "respond-async"}])
@pytest.mark.parametrize(
    ("access", "visibility", "statuses"),
    [
        ("public", "private", (200, 200, 200, 200)),
        ("signed-in", "private", (401, 200, 200, 200)),
        ("key", "private", (401, 200, 404, 403)),
        ("key", "shared", (401, 200, 403, 403)),
    ],
)
async def test_the_policy_decides_who_may_call_an_agent(
    serve: Serve,
    database: Database,
    auth_headers: AuthHeaders,
    prefer: dict[str, str],
    access: str,
    visibility: str,
    statuses: tuple[int, ...],
) -> None:
    """Callers without a token, the owner, another user and an administrator get these statuses in both modes."""
    await publish(database, visibility=visibility, access=access)
    client = serve(deployments, app_env="firebase")
    for who, status in zip(ROLES, statuses, strict=True):
        response = await client.post("/rest/echo", json=BODY, headers={**auth_headers(who), **prefer})
        assert response.status_code == (202 if prefer and status == 200 else status), (who, response.text)
        if status >= 400:
            assert set(response.json()) == {"detail"}
        if status == 401:
            assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["Bearer expired", "Bearer", "Basic eDp5", "expired"])
async def test_an_invalid_token_is_401_unless_the_agent_is_public(
    serve: Serve, database: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public agent's callers are never verified, so an invalid token does no harm there."""
    headers = {"Authorization": token}
    client = serve(deployments, app_env="firebase")
    await publish(database, access="signed-in")
    refused = await client.post("/rest/echo", json=BODY, headers=headers)
    assert (refused.status_code, set(refused.json())) == (401, {"detail"})
    await publish_again(database, access="public")
    monkeypatch.delattr(authentication, "authenticate")
    assert (await client.post("/rest/echo", json=BODY, headers=headers)).status_code == 200


async def publish_again(database: Database, **policy: object) -> None:
    deployment = await database.deployments.get("echo")
    assert deployment is not None
    service = DeploymentService(database, Settings())
    await service.deploy(OWNER, deployment.agent_id, DeployRequest.model_validate(policy))


@pytest.mark.parametrize("access", ["public", "signed-in", "key"])
async def test_the_local_user_is_signed_in(serve: Serve, database: Database, access: str) -> None:
    """While authentication is bypassed, the local user may call each of their agents without a token."""
    await publish(database, Caller(uid=LOCAL_USER), access=access)
    assert (await serve(deployments).post("/rest/echo", json=BODY)).status_code == 200


@pytest.mark.parametrize(
    ("access", "visibility", "statuses"),
    [
        ("public", "private", (200, 200, 200, 200, 200)),
        ("signed-in", "private", (200, 403, 200, 403, 401)),
        ("key", "private", (200, 403, 404, 403, 401)),
        ("key", "shared", (200, 403, 200, 403, 401)),
    ],
)
async def test_the_policy_decides_what_a_key_opens(
    serve: Serve,
    database: Database,
    auth_headers: AuthHeaders,
    access: str,
    visibility: str,
    statuses: tuple[int, ...],
) -> None:
    """The owner's and another user's key, each with and without the scope `run`, and an unknown key get these
    statuses."""
    del auth_headers  # connects to no Auth
    await publish(database, visibility=visibility, access=access)
    keys = ApiKeyService(database, Settings())
    texts = [
        (await keys.create(caller, CreateKeyRequest(name="k", scopes=[scope]))).key
        for caller in (OWNER, Caller(uid="other"))
        for scope in (Scope.RUN, Scope.CHAT)
    ]
    client = serve(deployments, app_env="firebase", sign_in_check_seconds=0)
    for text, status in zip((*texts, make_key_text().text), statuses, strict=True):
        response = await client.post("/api/rest/echo", json=BODY, headers={"Authorization": f"Bearer {text}"})
        assert response.status_code == status, response.text


async def test_an_unknown_name_and_a_hidden_agent_look_alike(
    serve: Serve, database: Database, auth_headers: AuthHeaders
) -> None:
    """A user gets the same 404 for a name that is not published, and for a hidden agent that requires a key."""
    await publish(database, access="key")
    client = serve(deployments, app_env="firebase")
    hidden, unknown = [
        await client.post(f"/rest/{name}", json=BODY, headers=auth_headers("other")) for name in ("echo", "ohce")
    ]
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.json()["detail"].replace("echo", "ohce") == unknown.json()["detail"]


async def test_a_refused_caller_is_not_counted(serve: Serve, database: Database, auth_headers: AuthHeaders) -> None:
    """Requests without a valid token do not use up the rate of the users at the same address."""
    await publish(database, access="signed-in", ratePerMinute=1)
    client = serve(deployments, app_env="firebase")
    for who, status in (("nobody", 401), ("nobody", 401), ("user", 200), ("user", 429), ("other", 200)):
        assert (await client.post("/rest/echo", json=BODY, headers=auth_headers(who))).status_code == status


async def test_a_caller_looks_up_the_run_with_the_same_token(
    serve: Serve, database: Database, auth_headers: AuthHeaders
) -> None:
    """`Location` leads the caller to the run, whoever pays for it. It says 401 or 404 to others, except its owner."""
    await publish(database, access="signed-in")
    client, headers = serve(deployments, app_env="firebase"), {"Prefer": "respond-async"}
    for payer, owners_status in (("owner", 200), ("caller", 404)):
        await publish_again(database, payer=payer)
        started = await client.post("/rest/echo", json=BODY, headers={**auth_headers("other"), **headers})
        path = started.headers["location"]
        shown = {who: await serve(runs, app_env="firebase").get(path, headers=auth_headers(who)) for who in ROLES}
        statuses = {who: response.status_code for who, response in shown.items()}
        assert statuses == {"nobody": 401, "user": owners_status, "other": 200, "admin": 404}


async def test_pages_of_any_origin_can_send_a_token(serve: Serve, database: Database) -> None:
    """A page can call an agent that requires a token with one that it has. The browser sends no cookies, and the page
    can read the refusal."""
    await publish(database, access="signed-in")
    client = serve(deployments, app_env="firebase")
    origin = {"Origin": "https://elsewhere.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    preflight = await client.options("/rest/echo", headers={**origin, **asked})
    assert preflight.status_code == 200
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    refused = await client.post("/rest/echo", json=BODY, headers={**origin, "Authorization": "Bearer expired"})
    for response in (preflight, refused):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers
    assert refused.status_code == 401
