"""Tests published agents, called over HTTP by anonymous callers."""

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
from tests.services.publishing import MODEL_CALLER, publish

ME = Caller(uid="local-dev-user")
OTHER = Caller(uid="other")
RETURN_INPUT = "async def run(input_dict, tools):\n    return input_dict.get('give')"

RESULTS = [{}, {"a": [None, {"b": "é😀"}]}, [], [1, "x", None], "text", "", None, 0, 1.5, True, False, 2**63]


@pytest.mark.parametrize("result", RESULTS, ids=repr)
async def test_the_result_is_the_whole_response(serve: Serve, database: Database, result: Any) -> None:
    """The response's body is the result, which can be any JSON, and a header has the run's id. No token is needed."""
    await publish(database, OTHER, "give", RETURN_INPUT)
    response = await serve(deployments, app_env="firebase").post("/rest/give", json={"give": result})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == result
    assert response.headers["x-run-id"].startswith("run-")
    assert "warnings" not in response.headers


async def test_an_invalid_token_is_ignored(serve: Serve, database: Database) -> None:
    """A call with an invalid token works, because the caller's identity is not checked."""
    await publish(database, OTHER, "echo")
    client = serve(deployments, app_env="firebase")
    response = await client.post("/rest/echo", json={"inputText": "x"}, headers={"Authorization": "Bearer expired"})
    assert response.status_code == 200


def parse_warnings(response: httpx.Response) -> list[str]:
    header = response.headers["warnings"]
    assert header.isascii()
    return json.loads(header)


@pytest.mark.parametrize("name", ["outputText", "天気 100%", "a\r\nSet-Cookie: x=y", "é"])
async def test_a_violated_output_schema_is_reported_in_a_header(serve: Serve, database: Database, name: str) -> None:
    """A result that violates the output schema is still returned. A header describes it as a JSON list in ASCII."""
    await publish(database, OTHER, "odd", RETURN_INPUT, outputSchema={"properties": {name: {"type": "integer"}}})
    response = await serve(deployments).post("/rest/odd", json={"give": {name: "x"}})
    assert response.status_code == 200
    assert response.json() == {name: "x"}
    (warning,) = parse_warnings(response)
    assert warning.startswith(f"{name}: ")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("length", [1, 300, 20_000])
async def test_the_length_of_the_warnings_header_is_limited(serve: Serve, database: Database, length: int) -> None:
    """Only the first warnings are sent, shortened, because servers and clients accept only a few kilobytes of
    headers."""
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    await publish(database, OTHER, "odd", RETURN_INPUT, outputSchema=schema)
    result = {f"{'天' * length}{number}": "天" * length for number in range(min(1000, 50_000 // length))}
    response = await serve(deployments).post("/rest/odd", json={"give": result})
    assert response.status_code == 200
    assert response.json() == result
    assert all(parse_warnings(response))
    assert len(response.headers["warnings"]) <= 4_000


async def test_a_result_with_a_lone_surrogate_is_500(serve: Serve, database: Database) -> None:
    """A result with text that UTF-8 cannot represent gets a well-formed 500."""
    code = "async def run(input_dict, tools):\n    return {'x': '\\ud800', '\\udfff': 1}"
    await publish(database, OTHER, "half", code, outputSchema={"x": "integer", "y": "string"})
    response = await serve(deployments).post("/rest/half", json={})
    assert response.status_code == 500
    assert set(response.json()) == {"detail", "run_id"}


async def test_invalid_input_is_422(serve: Serve, database: Database) -> None:
    """Invalid input gets a list of problems like FastAPI's, each with its location, and the agent does not run."""
    await publish(database, OTHER, "echo", inputSchema={"inputText": "string", "n": "integer"})
    response = await serve(deployments).post("/rest/echo", json={"n": "x"})
    assert response.status_code == 422
    assert set(response.json()) == {"detail"}
    for problem in response.json()["detail"]:
        assert {"type", "loc", "msg"} <= set(problem)
    assert ["body", "n"] in [problem["loc"] for problem in response.json()["detail"]]
    assert "x-run-id" not in response.headers


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"1", b'{"a": NaN}', b'{"a": "\\ud800"}', b"\xff"])
async def test_input_that_is_not_a_json_object_is_422(serve: Serve, database: Database, body: bytes) -> None:
    """Input that is not a JSON object gets a 422."""
    await publish(database, OTHER, "give", RETURN_INPUT)
    headers = {"Content-Type": "application/json"}
    response = await serve(deployments).post("/rest/give", content=body, headers=headers)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)


async def test_a_failed_run_is_500_with_the_runs_id(serve: Serve, database: Database) -> None:
    """The response to a failed run has the run's id, but nothing of the owner's code or its error."""
    await publish(database, OTHER, "bad", "async def run(input_dict, tools):\n    raise ValueError('a secret')")
    response = await serve(deployments).post("/rest/bad", json={})
    assert response.status_code == 500
    assert list(response.json()) == ["detail", "run_id"]
    assert response.json()["run_id"].startswith("run-")
    assert response.json()["run_id"] in response.json()["detail"]
    assert "secret" not in response.text
    assert "ValueError" not in response.text


async def test_an_owner_without_allowance_is_402(serve: Serve, database: Database, model_server: ModelServer) -> None:
    """If the owner has no allowance left, the error says so without an amount, and no model is called."""
    await publish(database, OTHER, "ask", MODEL_CALLER)
    now = datetime.now(UTC)
    await store_account(database, Account(uid=OTHER.uid, allowance=5, remaining=0, created_at=now, updated_at=now))
    response = await serve(deployments).post("/rest/ask", json={"inputText": "hi"})
    assert response.status_code == 402
    assert set(response.json()) == {"detail"}
    assert "owner" in response.json()["detail"]
    assert model_server.calls == []


async def test_a_repeated_request_with_the_same_key_runs_once(serve: Serve, database: Database) -> None:
    """A repeated request with the same key gets the first response, marked as a replay. A different request with that
    key is a conflict."""
    await publish(database, OTHER, "odd", RETURN_INPUT, outputSchema={"properties": {"x": {"type": "integer"}}})
    client, headers = serve(deployments), {"Idempotency-Key": "k" * 255}
    first, repeated = [await client.post("/rest/odd", json={"give": {"x": "é"}}, headers=headers) for _ in range(2)]
    assert (first.status_code, repeated.status_code) == (200, 200)
    assert repeated.content == first.content
    for header in ("x-run-id", "warnings", "content-type"):
        assert repeated.headers[header] == first.headers[header]
    assert "idempotent-replayed" not in first.headers
    assert repeated.headers["idempotent-replayed"] == "true"
    other = await client.post("/rest/odd", json={"give": 1}, headers=headers)
    assert other.status_code == 409
    assert set(other.json()) == {"detail"}
    for key in ("", "k" * 256, "a\tb"):
        assert (await client.post("/rest/odd", json={}, headers={"Idempotency-Key": key})).status_code == 422


async def test_a_failed_request_with_the_same_key_does_not_run_again(serve: Serve, database: Database) -> None:
    """If a failed request is repeated with the same key, the response is the same, and marked as a replay."""
    await publish(database, OTHER, "bad", "async def run(input_dict, tools):\n    raise ValueError('no')")
    client, headers = serve(deployments), {"Idempotency-Key": "1"}
    first, repeated = [await client.post("/rest/bad", json={}, headers=headers) for _ in range(2)]
    assert (first.status_code, repeated.status_code) == (500, 500)
    assert repeated.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert repeated.headers["idempotent-replayed"] == "true"


async def test_an_idempotency_key_belongs_to_the_callers_address(serve: Serve, database: Database) -> None:
    """A caller at another address who guesses an idempotency key does not get the stored response."""
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
    """When an agent has spent its daily budget, calls from all addresses are refused until midnight UTC."""
    model_server.script("expensive", Answer("Here.", prompt_tokens=1000, completion_tokens=1_000_000))
    await publish(database, OTHER, "ask", MODEL_CALLER)
    client = serve(deployments, trusted_proxies=1)
    responses = [
        await client.post("/rest/ask", json={"inputText": "expensive"}, headers={"X-Forwarded-For": f"9.8.7.{number}"})
        for number in range(3)
    ]
    assert [response.status_code for response in responses] == [200, 429, 429]
    assert set(responses[1].json()) == {"detail"}
    assert " 00:00 UTC" in responses[1].json()["detail"]
    assert 0 < int(responses[1].headers["retry-after"]) <= 24 * 3600
    assert len(model_server.calls) == 1


@pytest.mark.parametrize("name", ["unknown", "%2e%2e", "%00", "__x__", "%ff", "é", "x" * 2000])
async def test_an_unknown_name_is_404(serve: Serve, name: str) -> None:
    """An unknown agent name, which can contain any characters, gets a 404."""
    response = await serve(deployments).post(f"/rest/{name}", json={})
    assert response.status_code == 404
    assert set(response.json()) == {"detail"}


async def test_too_many_requests_are_429(serve: Serve, database: Database) -> None:
    """The rate limit applies to one address's calls of one agent, and the error says when to retry."""
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
    """A body that is too large is refused before the agent runs."""
    await publish(database, OTHER, "echo")
    response = await serve(deployments).post("/rest/echo", json={"inputText": "x" * 1_100_000})
    assert response.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_published_agent_is_called_with_post(serve: Serve, method: str) -> None:
    """A method other than POST gets a 405 in JSON."""
    response = await serve(deployments).request(method, "/rest/echo")
    assert response.status_code == 405
    assert "POST" in response.json()["detail"]


async def test_a_change_to_the_agent_takes_effect_immediately(serve: Serve, database: Database) -> None:
    """After an agent has been changed, the list of deployments and the published agent have the change."""
    agent = await publish(database, ME, "echo")
    changes = {"description": "New.", "code": RETURN_INPUT, "input_schema": {"give": "integer"}}
    await AgentService(database).update(ME, agent.id, UpdateAgentRequest.model_validate(changes))
    client = serve(deployments)
    (listed,) = (await client.get("/deployments")).json()
    assert (listed["description"], listed["inputSchema"]) == ("New.", {"give": "integer"})
    assert (await client.post("/rest/echo", json={"give": 7})).json() == 7
    assert (await client.post("/rest/echo", json={"give": "x"})).status_code == 422


async def test_pages_of_any_origin_can_call_agents(serve: Serve) -> None:
    """Pages of any origin, including `null`, which sandboxed demos have, can call agents and read the errors. The
    function's other routes do not allow this."""
    client = serve(deployments)
    preflight_headers = {
        "Origin": "null",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    for path in ("/rest/unknown", "/api/rest/unknown"):
        preflight = await client.options(path, headers=preflight_headers)
        assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
        refused = await client.post(path, json={}, headers={"Origin": "null"})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (404, "*")
        assert "access-control-allow-credentials" not in refused.headers
        assert "Idempotent-Replayed" in refused.headers["access-control-expose-headers"]
    listed = await client.get("/deployments", headers={"Origin": "null"})
    assert "access-control-allow-origin" not in listed.headers
    refused = await client.options("/agents/x/deploy", headers=preflight_headers)
    assert refused.status_code == 400
    assert "has no origin of its own" in refused.json()["detail"]


NESTED = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}}}
LONG_NAME = {"n" * 500_000: {str(number): "x" for number in range(20)}}


async def test_a_response_with_long_warnings_is_stored(serve: Serve, database: Database) -> None:
    """A response with long warnings is stored, so a repeated request gets the same response."""
    await publish(database, OTHER, "odd", RETURN_INPUT, outputSchema=NESTED)
    client, headers = serve(deployments), {"Idempotency-Key": "k"}
    first, repeated = [await client.post("/rest/odd", json={"give": LONG_NAME}, headers=headers) for _ in range(2)]
    assert (first.status_code, repeated.status_code) == (200, 200)
    assert repeated.headers["x-run-id"] == first.headers["x-run-id"]
    assert repeated.headers["warnings"] == first.headers["warnings"]


async def test_a_long_name_is_not_repeated_in_each_problem(serve: Serve, database: Database) -> None:
    """A long field name is shortened in each problem, so the response stays short even if the request is long."""
    await publish(database, OTHER, "echo", inputSchema=NESTED)
    response = await serve(deployments).post("/rest/echo", json=LONG_NAME)
    assert response.status_code == 422
    assert len(response.json()["detail"]) == 20
    assert response.json()["detail"][0]["loc"][1] == "n" * 99 + "…"
    assert len(response.content) < 20_000
