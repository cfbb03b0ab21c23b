"""Checks who may call the agent routes: anonymous callers, the owner, other users and administrators."""

from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

import functions.agents.main as agents
import functions.chat.main as chat
import functions.deployments.main as deployments
import functions.providers.main as providers
from shared.models.agent import AgentFields, StoredAgent
from shared.models.caller import Caller
from shared.models.owned import Visibility
from shared.services.agents.deployments import DeploymentService
from shared.settings import Settings
from shared.store import Database, Transaction
from tests.functions.conftest import AuthHeaders, Serve
from tests.services.publishing import ECHO

AGENT = {"name": "n", "code": ECHO}
RUN = {"code": ECHO, "inputDict": {"inputText": "x"}, "tools": {}}
WRITE = {"description": "d", "modelConfig": {"provider": "unknown", "model": "m"}}
INPUT = {"inputText": "x"}
OWNER = Caller(uid="mine")

OPEN = (200, 200, 200, 200)  # the statuses for an anonymous caller, the owner, another user and an administrator
SIGNED_IN = (401, 200, 200, 200)
PRIVATE = (401, 200, 404, 200)


def chat_with(name: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}], "provider": "gofannon", "model": name}


ROUTES: list[tuple[ModuleType, str, str, Any, tuple[int, int, int, int]]] = [
    (agents, "GET", "/agents", None, SIGNED_IN),
    (agents, "POST", "/agents", AGENT, (401, 201, 201, 201)),
    (agents, "POST", "/agents/run-code", RUN, SIGNED_IN),
    (agents, "POST", "/agents/generate-code", WRITE, (401, 400, 400, 400)),
    (agents, "GET", "/agents/private", None, PRIVATE),
    (agents, "GET", "/agents/shared", None, SIGNED_IN),
    (agents, "PUT", "/agents/private", {"name": "x"}, PRIVATE),
    (agents, "PUT", "/agents/shared", {"name": "x"}, (401, 200, 403, 200)),
    (agents, "DELETE", "/agents/private", None, (401, 204, 404, 204)),
    (agents, "DELETE", "/agents/shared", None, (401, 204, 403, 204)),
    (deployments, "POST", "/agents/private/deploy", None, (401, 201, 404, 201)),
    (deployments, "POST", "/agents/shared/deploy", None, (401, 201, 403, 201)),
    (deployments, "DELETE", "/agents/private/undeploy", None, (401, 204, 404, 204)),
    (deployments, "DELETE", "/agents/shared/undeploy", None, (401, 204, 403, 204)),
    (deployments, "GET", "/agents/private/deployment", None, PRIVATE),
    (deployments, "GET", "/agents/shared/deployment", None, SIGNED_IN),
    (deployments, "GET", "/deployments", None, SIGNED_IN),
    (deployments, "POST", "/rest/private", INPUT, OPEN),
    (deployments, "POST", "/rest/shared", INPUT, OPEN),
    (providers, "GET", "/providers/gofannon", None, SIGNED_IN),
    (providers, "GET", "/providers/gofannon/models", None, SIGNED_IN),
    (providers, "GET", "/providers/gofannon/models/private", None, PRIVATE),
    (providers, "GET", "/providers/gofannon/models/shared", None, SIGNED_IN),
    (chat, "POST", "/chat", chat_with("private"), (401, 200, 400, 200)),
    (chat, "POST", "/chat", chat_with("shared"), SIGNED_IN),
]


async def seed(database: Database) -> None:
    """Stores and publishes a private and a shared agent of the owner, each named after its visibility."""
    for visibility in ("private", "shared"):
        await _store(database, visibility)
        await DeploymentService(database, Settings()).deploy(OWNER, visibility)


async def _store(database: Database, visibility: Visibility) -> None:
    fields = AgentFields(name=visibility, code=ECHO, friendly_name=visibility, visibility=visibility)
    now = datetime.now(UTC)
    agent = StoredAgent(
        id=visibility, owner=OWNER.uid, fields=fields, rev="1", deployed_as=visibility, created_at=now, updated_at=now
    )

    async def put(transaction: Transaction) -> None:
        await database.agents.get(agent.id, transaction)
        database.agents.put(agent, transaction)

    await database.transaction(put)


@pytest.mark.parametrize(
    ("module", "method", "path", "body", "expected"), ROUTES, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_every_route_checks_the_role(
    serve: Serve,
    auth_headers: AuthHeaders,
    database: Database,
    module: ModuleType,
    method: str,
    path: str,
    body: Any,
    expected: tuple[int, int, int, int],
) -> None:
    """Each role gets exactly the expected status, and every error has the documented shape."""
    client = serve(module, app_env="firebase")
    for who, status in zip(("anonymous", "user", "other", "admin"), expected, strict=True):
        await seed(database)
        response = await client.request(method, path, json=body, headers=auth_headers(who))
        assert response.status_code == status, (who, response.text)
        if status >= 400:
            assert set(response.json()) == {"detail"}


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("user", ["private", "shared"]),
        ("other", ["shared"]),
        ("almost an admin", ["shared"]),
        ("admin", ["private", "shared"]),
    ],
)
async def test_lists_contain_what_a_user_may_see(
    serve: Serve, auth_headers: AuthHeaders, database: Database, who: str, seen: list[str]
) -> None:
    """The lists of agents, deployments and models contain the user's own agents and shared agents. For an
    administrator, they contain all agents."""
    await seed(database)
    headers = auth_headers(who)
    listed = (await serve(agents, app_env="firebase").get("/agents", headers=headers)).json()
    assert sorted(agent["_id"] for agent in listed) == seen
    apis = (await serve(deployments, app_env="firebase").get("/deployments", headers=headers)).json()
    assert [api["friendlyName"] for api in apis] == seen
    catalog = (await serve(providers, app_env="firebase").get("/providers", headers=headers)).json()
    assert list(catalog["gofannon"]["models"]) == seen


async def test_a_private_agent_looks_like_an_unknown_one(
    serve: Serve, auth_headers: AuthHeaders, database: Database
) -> None:
    """For another user, every route returns the same text for a private agent as for an unknown one."""
    await seed(database)
    for module, method, path in (
        (agents, "GET", "/agents/{}"),
        (agents, "DELETE", "/agents/{}"),
        (deployments, "POST", "/agents/{}/deploy"),
        (deployments, "GET", "/agents/{}/deployment"),
        (providers, "GET", "/providers/gofannon/models/{}"),
    ):
        client = serve(module, app_env="firebase")
        texts = [
            (await client.request(method, path.format(name), headers=auth_headers("other"))).text.replace(name, "…")
            for name in ("private", "unknown")
        ]
        assert texts[0] == texts[1]


async def test_an_agent_keeps_its_owner(serve: Serve, auth_headers: AuthHeaders, database: Database) -> None:
    """If an administrator changes or deploys an agent, its owner stays the same and still pays for it."""
    await seed(database)
    client = serve(agents, app_env="firebase")
    await client.put("/agents/private", json={"name": "x"}, headers=auth_headers("admin"))
    await serve(deployments, app_env="firebase").post("/agents/private/deploy", headers=auth_headers("admin"))
    assert (await client.get("/agents/private", headers=auth_headers("user"))).json()["name"] == "x"
    deployment = await database.deployments.get("private")
    assert deployment is not None
    assert deployment.owner == OWNER.uid
