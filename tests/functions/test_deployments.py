"""Tests the deployment routes: shapes, status codes, and all paths."""

import json
from datetime import datetime
from typing import Any

import pytest

import functions.deployments.main as deployments
from shared.models.caller import Caller
from shared.store import Database
from tests.functions.conftest import Serve
from tests.services.publishing import publish, save

ME = Caller(uid="local-dev-user")
OTHER = Caller(uid="other")


async def test_publishing_has_the_documented_shapes(serve: Serve, database: Database) -> None:
    """Publishing an agent twice changes nothing. Undeploying it returns 204 without a body, and 404 the second time."""
    agent = await save(database, ME, friendlyName="echo")
    client = serve(deployments)
    for _ in range(2):
        response = await client.post(f"/agents/{agent.id}/deploy")
        assert response.status_code == 201
        assert response.json() == {
            "message": "Agent deployed",
            "endpoint": "/rest/echo",
            "access": "public",
            "payer": "owner",
            "ratePerMinute": None,
            "budgetPerDay": 1.0,
            "warnings": [
                "Anyone who knows this agent's name can call it without signing in, and you pay for it, up to $1 a day."
                ' To change that, deploy it with "access": "signed-in" or "key".'
            ],
        }
    info = await client.get(f"/agents/{agent.id}/deployment")
    assert info.status_code == 200
    deployed_at = info.json().pop("deployedAt")
    assert datetime.fromisoformat(deployed_at).tzinfo is not None
    assert info.json() == {
        "is_deployed": True,
        "friendly_name": "echo",
        "agentId": agent.id,
        "endpoint": "/rest/echo",
        "deployedAt": deployed_at,
        "access": "public",
        "payer": "owner",
        "ratePerMinute": None,
        "budgetPerDay": 1.0,
    }
    undeployed = await client.delete(f"/agents/{agent.id}/undeploy")
    assert (undeployed.status_code, undeployed.content) == (204, b"")
    for response in (
        await client.get(f"/agents/{agent.id}/deployment"),
        await client.delete(f"/agents/{agent.id}/undeploy"),
    ):
        assert response.status_code == 404
        assert response.json() == {"detail": "The agent is not deployed."}


@pytest.mark.parametrize("body", [{"budgetPerDay": 2.5}, {"budget_per_day": 0}, {"budgetPerDay": 10_000}, {}, None])
async def test_a_budget_is_set_and_returned(serve: Serve, database: Database, body: dict[str, Any] | None) -> None:
    """A budget is set in US dollars, and returned by both routes. A missing or null budget means the current one or, at
    the first deployment, the default."""
    agent = await save(database, ME, friendlyName="echo")
    client = serve(deployments, deployment_budget_per_day=0.25)
    budget = next(iter((body or {}).values()), 0.25)
    for body_sent in (body, None, {"budgetPerDay": None, "somethingNew": 1}):
        deployed = await client.post(f"/agents/{agent.id}/deploy", json=body_sent)
        assert deployed.status_code == 201
        assert deployed.json()["budgetPerDay"] == budget
        assert (await client.get(f"/agents/{agent.id}/deployment")).json()["budgetPerDay"] == budget


@pytest.mark.parametrize("budget", [-1, 10_000.01, "1", True, [], 1e999])
async def test_an_invalid_budget_is_422(serve: Serve, database: Database, budget: Any) -> None:
    """If the budget is negative, excessive or not a number, the agent is not deployed."""
    agent = await save(database, ME, friendlyName="echo")
    client = serve(deployments)
    body = json.dumps({"budgetPerDay": budget}).replace("Infinity", "1e999")
    headers = {"Content-Type": "application/json"}
    assert (await client.post(f"/agents/{agent.id}/deploy", content=body, headers=headers)).status_code == 422
    assert (await client.get(f"/agents/{agent.id}/deployment")).status_code == 404


POLICY = {"access": "key", "payer": "caller", "ratePerMinute": 6000, "budgetPerDay": 2.5}


async def test_a_policy_is_set_and_returned(serve: Serve, database: Database) -> None:
    """Both routes return the policy. Null and unknown fields change nothing, and a policy that is not public has no
    warnings."""
    agent = await save(database, ME, friendlyName="echo")
    client = serve(deployments)
    for body in (POLICY, {"rate_per_minute": 6000}, dict.fromkeys(POLICY), {"limit": 1}, None):
        deployed = await client.post(f"/agents/{agent.id}/deploy", json=body)
        assert (deployed.status_code, deployed.json()["warnings"]) == (201, [])
        info = await client.get(f"/agents/{agent.id}/deployment")
        for response in (deployed, info):
            assert response.json().items() >= POLICY.items()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"access": "Public"}, 422),
        ({"access": ""}, 422),
        ({"access": ["key"]}, 422),
        ({"payer": "nobody"}, 422),
        ({"ratePerMinute": 0}, 422),
        ({"ratePerMinute": 6001}, 422),
        ({"ratePerMinute": 1.5}, 422),
        ({"ratePerMinute": "5"}, 422),
        ({"ratePerMinute": True}, 422),
        ({"payer": "caller"}, 400),
        ({"access": "public", "payer": "caller"}, 400),
    ],
)
async def test_an_invalid_policy_is_refused(serve: Serve, database: Database, body: Any, status: int) -> None:
    """Invalid values get a 422, callers who pay without signing in a 400, and the agent is not deployed."""
    agent = await save(database, ME, friendlyName="echo")
    client = serve(deployments)
    assert (await client.post(f"/agents/{agent.id}/deploy", json=body)).status_code == status
    assert (await client.get(f"/agents/{agent.id}/deployment")).status_code == 404


async def test_an_agent_without_a_free_name_is_not_published(serve: Serve, database: Database) -> None:
    """An agent without a friendly name gets a 400, and one whose name another agent already has gets a 409."""
    client = serve(deployments)
    await publish(database, OTHER, "taken")
    unnamed, duplicate = await save(database, ME), await save(database, ME, friendlyName="taken")
    for agent, status, quoted_text in ((unnamed, 400, "friendlyName"), (duplicate, 409, "'taken'")):
        response = await client.post(f"/agents/{agent.id}/deploy")
        assert response.status_code == status
        assert quoted_text in response.json()["detail"]
        assert set(response.json()) == {"detail"}


async def test_another_users_deployment_cannot_be_changed(serve: Serve, database: Database) -> None:
    """Another user's private agent is unknown. The deployment of a shared agent can be read but not changed."""
    client = serve(deployments)
    private = await publish(database, OTHER, "private")
    shared = await publish(database, OTHER, "shared", visibility="shared")
    for agent, statuses in ((private, (404, 404, 404)), (shared, (403, 403, 200))):
        responses = (
            await client.post(f"/agents/{agent.id}/deploy"),
            await client.delete(f"/agents/{agent.id}/undeploy"),
            await client.get(f"/agents/{agent.id}/deployment"),
        )
        assert tuple(response.status_code for response in responses) == statuses


async def test_the_list_has_the_documented_shape(serve: Serve, database: Database) -> None:
    """The list has the user's own deployments and those of shared agents, sorted by name."""
    mine = await publish(database, ME, "b", inputSchema={"inputText": "string"}, outputSchema={"type": "object"})
    other_agent = await publish(database, OTHER, "a", visibility="shared")
    await publish(database, OTHER, "c")
    response = await serve(deployments).get("/deployments")
    assert response.status_code == 200
    assert response.json() == [
        {
            "friendlyName": "a",
            "agentId": other_agent.id,
            "description": "Repeats its input.",
            "inputSchema": None,
            "outputSchema": None,
        },
        {
            "friendlyName": "b",
            "agentId": mine.id,
            "description": "Repeats its input.",
            "inputSchema": {"inputText": "string"},
            "outputSchema": {"type": "object"},
        },
    ]
    assert "x-next-page-token" not in response.headers


async def test_deployments_are_listed_in_pages(serve: Serve, database: Database) -> None:
    """A header has the token of the next page. The last page has no such header."""
    names = [f"n{number}" for number in range(5)]
    for name in names:
        await publish(database, ME, name)
    client = serve(deployments)
    paged: list[str] = []
    after: dict[str, str] = {}
    for length in (2, 2, 1):
        page = await client.get("/deployments", params={"limit": "2", **after})
        assert len(page.json()) == length
        paged += [api["friendlyName"] for api in page.json()]
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
    assert (await serve(deployments).get("/deployments", params=query)).status_code == status


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("listed", ["/deployments", "/"])
async def test_every_route_works_at_every_path(
    serve: Serve, database: Database, prefix: str, end: str, listed: str
) -> None:
    """Hosting's prefix, the function's name and a trailing slash are optional in the path."""
    agent = await save(database, ME, friendlyName="echo")
    client = serve(deployments)
    one = f"{prefix}/agents/{agent.id}"
    assert (await client.post(f"{one}/deploy{end}")).status_code == 201
    assert (await client.get(f"{one}/deployment{end}")).status_code == 200
    root = listed if listed == "/" else f"{prefix}{listed}{end}"
    assert [api["friendlyName"] for api in (await client.get(root)).json()] == ["echo"]
    response = await client.post(f"{prefix}/rest/echo{end}", json={"inputText": "x"})
    assert response.json() == {"outputText": "x"}
    assert (await client.delete(f"{one}/undeploy{end}")).status_code == 204


@pytest.mark.parametrize("agent_id", ["unknown", "%2e%2e", "%00", "__x__", "%ff", "x" * 2000])
async def test_an_unknown_agent_is_404(serve: Serve, agent_id: str) -> None:
    """Every route returns 404 for an unknown id, which can contain any characters."""
    client = serve(deployments)
    for method, route in (("POST", "deploy"), ("DELETE", "undeploy"), ("GET", "deployment")):
        response = await client.request(method, f"/agents/{agent_id}/{route}")
        assert response.status_code == 404
        assert set(response.json()) == {"detail"}
