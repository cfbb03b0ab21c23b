"""Published agents, as anybody calls them over HTTP."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import functions.deployments.main as deployments
from shared.models.account import Account
from shared.models.agent import UpdateAgentRequest
from shared.models.caller import Caller
from shared.services.agents.agents import AgentService
from shared.store import Database
from tests.database_data import store_account
from tests.doubles.model_server import Answer, ModelServer
from tests.functions.conftest import Serve
from tests.services.publishing import ASK, publish

ME = Caller(uid="local-dev-user")
OTHER = Caller(uid="other")
GIVE_BACK = "async def run(input_dict, tools):\n    return input_dict.get('give')"

RESULTS = [{}, {"a": [None, {"b": "é😀"}]}, [], [1, "x", None], "text", "", None, 0, 1.5, True, False, 2**63]


@pytest.mark.parametrize("result", RESULTS, ids=repr)
async def test_the_result_is_the_whole_answer(serve: Serve, database: Database, result: Any) -> None:
    """200, JSON of whatever kind; the run's id in a header; no token is needed where tokens are demanded."""
    await publish(database, OTHER, "give", GIVE_BACK)
    response = await serve(deployments, app_env="firebase").post("/rest/give", json={"give": result})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == result
    assert response.headers["x-run-id"].startswith("run-")
    assert "warnings" not in response.headers


async def test_a_token_that_does_not_hold_keeps_nobody_out(serve: Serve, database: Database) -> None:
    """Whoever calls is not asked who that is."""
    await publish(database, OTHER, "echo")
    client = serve(deployments, app_env="firebase")
    response = await client.post("/rest/echo", json={"inputText": "x"}, headers={"Authorization": "Bearer stale"})
    assert response.status_code == 200


def warnings_of(response: httpx.Response) -> list[str]:
    header = response.headers["warnings"]
    assert header.isascii()
    return json.loads(header)


@pytest.mark.parametrize("name", ["outputText", "天気 100%", "a\r\nSet-Cookie: x=y", "é"])
async def test_a_broken_output_schema_is_told_in_a_header(serve: Serve, database: Database, name: str) -> None:
    """The result is answered all the same; the header is a JSON list in ASCII."""
    await publish(database, OTHER, "odd", GIVE_BACK, outputSchema={"properties": {name: {"type": "integer"}}})
    response = await serve(deployments).post("/rest/odd", json={"give": {name: "x"}})
    assert response.status_code == 200
    assert response.json() == {name: "x"}
    (warning,) = warnings_of(response)
    assert warning.startswith(f"{name}: ")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("length", [1, 300, 20_000])
async def test_many_warnings_make_no_endless_header(serve: Serve, database: Database, length: int) -> None:
    """Servers and clients take some kilobytes of headers: the first warnings are told, shortened."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    await publish(database, OTHER, "odd", GIVE_BACK, outputSchema=schema)
    result = {f"{'天' * length}{number}": "天" * length for number in range(min(1000, 50_000 // length))}
    response = await serve(deployments).post("/rest/odd", json={"give": result})
    assert response.status_code == 200
    assert response.json() == result
    assert all(warnings_of(response))
    assert len(response.headers["warnings"]) <= 4_000


async def test_half_a_character_is_answered_as_json(serve: Serve, database: Database) -> None:
    """What no UTF-8 holds does not break the answer, nor its header."""
    code = "async def run(input_dict, tools):\n    return {'x': '\\ud800', '\\udfff': 1}"
    await publish(database, OTHER, "half", code, outputSchema={"x": "integer", "y": "string"})
    response = await serve(deployments).post("/rest/half", json={})
    assert response.status_code == 500
    assert set(response.json()) == {"detail", "run_id"}


async def test_input_that_does_not_fit_is_422(serve: Serve, database: Database) -> None:
    """A list like FastAPI's own, by place; nothing runs."""
    await publish(database, OTHER, "echo", inputSchema={"inputText": "string", "n": "integer"})
    response = await serve(deployments).post("/rest/echo", json={"n": "x"})
    assert response.status_code == 422
    assert set(response.json()) == {"detail"}
    for problem in response.json()["detail"]:
        assert {"type", "loc", "msg"} <= set(problem)
    assert ["body", "n"] in [problem["loc"] for problem in response.json()["detail"]]
    assert "x-run-id" not in response.headers


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"1", b'{"a": NaN}', b'{"a": "\\ud800"}', b"\xff"])
async def test_what_is_no_json_object_is_422(serve: Serve, database: Database, body: bytes) -> None:
    """An agent's input is an object."""
    await publish(database, OTHER, "give", GIVE_BACK)
    headers = {"Content-Type": "application/json"}
    response = await serve(deployments).post("/rest/give", content=body, headers=headers)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)


async def test_a_failure_is_500_with_its_run(serve: Serve, database: Database) -> None:
    """The run's id, and nothing of somebody else's code."""
    await publish(database, OTHER, "bad", "async def run(input_dict, tools):\n    raise ValueError('a secret')")
    response = await serve(deployments).post("/rest/bad", json={})
    assert response.status_code == 500
    assert list(response.json()) == ["detail", "run_id"]
    assert response.json()["run_id"].startswith("run-")
    assert response.json()["run_id"] in response.json()["detail"]
    assert "secret" not in response.text
    assert "ValueError" not in response.text


async def test_an_owner_without_money_is_402(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """Whoever calls; no model is asked, and nothing is told of how much there was."""
    await publish(database, OTHER, "ask", ASK)
    now = datetime.now(UTC)
    await store_account(database, Account(uid=OTHER.uid, allowance=5, remaining=0, created_at=now, updated_at=now))
    response = await serve(deployments).post("/rest/ask", json={"inputText": "hi"})
    assert response.status_code == 402
    assert set(response.json()) == {"detail"}
    assert "owner" in response.json()["detail"]
    assert model_server.calls == []


async def test_a_request_comes_twice_under_its_key(serve: Serve, database: Database) -> None:
    """It is run once: the same answer, by the same run, which says that it was given before."""
    await publish(database, OTHER, "odd", GIVE_BACK, outputSchema={"properties": {"x": {"type": "integer"}}})
    client, headers = serve(deployments), {"Idempotency-Key": "k" * 255}
    first, again = [await client.post("/rest/odd", json={"give": {"x": "é"}}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    for header in ("x-run-id", "warnings", "content-type"):
        assert again.headers[header] == first.headers[header]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = await client.post("/rest/odd", json={"give": 1}, headers=headers)
    assert other.status_code == 409
    assert set(other.json()) == {"detail"}
    for key in ("", "k" * 256, "a\tb"):
        assert (await client.post("/rest/odd", json={}, headers={"Idempotency-Key": key})).status_code == 422


async def test_a_failure_comes_twice_under_its_key(serve: Serve, database: Database) -> None:
    """The agent does not run again."""
    await publish(database, OTHER, "bad", "async def run(input_dict, tools):\n    raise ValueError('no')")
    client, headers = serve(deployments), {"Idempotency-Key": "1"}
    first, again = [await client.post("/rest/bad", json={}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (500, 500)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_strangers_key_is_another(serve: Serve, database: Database) -> None:
    """By the address: who guesses a key is not answered what somebody else was."""
    await publish(database, OTHER, "echo")
    client = serve(deployments, trusted_proxies=1)
    runs = [
        (
            await client.post(
                "/rest/echo", json={"inputText": "x"}, headers={"Idempotency-Key": "1", "X-Forwarded-For": address}
            )
        ).headers["x-run-id"]
        for address in ("9.8.7.6", "9.8.7.7", "9.8.7.6")
    ]
    assert runs[0] == runs[2] != runs[1]


async def test_a_spent_budget_is_429(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """Whoever calls, from whatever address, until midnight in UTC."""
    model_server.script("dear", Answer("Here.", prompt_tokens=1000, completion_tokens=1_000_000))
    await publish(database, OTHER, "ask", ASK)
    client = serve(deployments, trusted_proxies=1)
    answers = [
        await client.post("/rest/ask", json={"inputText": "dear"}, headers={"X-Forwarded-For": f"9.8.7.{number}"})
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert set(answers[1].json()) == {"detail"}
    assert " 00:00 UTC" in answers[1].json()["detail"]
    assert 0 < int(answers[1].headers["retry-after"]) <= 24 * 3600
    assert len(model_server.calls) == 1


@pytest.mark.parametrize("name", ["unknown", "%2e%2e", "%00", "__x__", "%ff", "é", "x" * 2000])
async def test_an_unknown_name_is_404(serve: Serve, name: str) -> None:
    """Whatever it looks like."""
    response = await serve(deployments).post(f"/rest/{name}", json={})
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_too_many_requests_are_429(serve: Serve, database: Database) -> None:
    """Of one address to one agent, with the time to wait; another address is answered."""
    await publish(database, OTHER, "echo")
    client = serve(deployments, rest_rate_per_minute=2, trusted_proxies=1)

    async def call(address: str) -> httpx.Response:
        return await client.post("/rest/echo", json={"inputText": "x"}, headers={"X-Forwarded-For": address})

    assert [(await call("9.8.7.6")).status_code for _ in range(2)] == [200, 200]
    refused = await call("9.8.7.6")
    assert refused.status_code == 429
    assert set(refused.json()) == {"detail"}
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await call("9.8.7.7")).status_code == 200


async def test_a_large_body_is_413(serve: Serve, database: Database) -> None:
    """Before anything runs."""
    await publish(database, OTHER, "echo")
    response = await serve(deployments).post("/rest/echo", json={"inputText": "x" * 1_100_000})
    assert response.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_published_agent_is_called_by_post(serve: Serve, method: str) -> None:
    """405 otherwise, in JSON."""
    response = await serve(deployments).request(method, "/rest/echo")
    assert response.status_code == 405
    assert "POST" in response.json()["detail"]


async def test_a_change_of_the_agent_shows_at_once(serve: Serve, database: Database) -> None:
    """In the list, and in what is called."""
    agent = await publish(database, ME, "echo")
    changes = {"description": "New.", "code": GIVE_BACK, "input_schema": {"give": "integer"}}
    await AgentService(database).update(ME, agent.id, UpdateAgentRequest.model_validate(changes))
    client = serve(deployments)
    (listed,) = (await client.get("/deployments")).json()
    assert (listed["description"], listed["inputSchema"]) == ("New.", {"give": "integer"})
    assert (await client.post("/rest/echo", json={"give": 7})).json() == 7
    assert (await client.post("/rest/echo", json={"give": "x"})).status_code == 422


async def test_a_page_of_any_origin_may_call_it(serve: Serve) -> None:
    """A sandboxed demo's origin is `null`; refusals can be read there, too. Nothing else of the function is open."""
    client = serve(deployments)
    asking = {
        "Origin": "null",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    for path in ("/rest/unknown", "/api/rest/unknown"):
        preflight = await client.options(path, headers=asking)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
        refused = await client.post(path, json={}, headers={"Origin": "null"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (404, "*")
        assert "access-control-allow-credentials" not in refused.headers
        assert "Idempotent-Replayed" in refused.headers["access-control-expose-headers"]
    listed = await client.get("/deployments", headers={"Origin": "null"})
    assert "access-control-allow-origin" not in listed.headers
    refused = await client.options("/agents/x/deploy", headers=asking)
    assert refused.status_code == 400
    assert "has no origin of its own" in refused.json()["detail"]


NESTED = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}}}
LONG_NAME = {"n" * 500_000: {str(number): "x" for number in range(20)}}


async def test_warnings_with_a_long_name_keep_no_answer_from_being_kept(serve: Serve, database: Database) -> None:
    """The same request gets the same answer again, by the same run."""
    await publish(database, OTHER, "odd", GIVE_BACK, outputSchema=NESTED)
    client, headers = serve(deployments), {"Idempotency-Key": "k"}
    first, again = [await client.post("/rest/odd", json={"give": LONG_NAME}, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["x-run-id"] == first.headers["x-run-id"]
    assert again.headers["warnings"] == first.headers["warnings"]


async def test_a_long_name_is_not_repeated_in_each_problem(serve: Serve, database: Database) -> None:
    """The answer stays short, however long the request was."""
    await publish(database, OTHER, "echo", inputSchema=NESTED)
    response = await serve(deployments).post("/rest/echo", json=LONG_NAME)
    assert response.status_code == 422
    assert len(response.json()["detail"]) == 20
    assert response.json()["detail"][0]["loc"][1] == "n" * 99 + "…"
    assert len(response.content) < 20_000
