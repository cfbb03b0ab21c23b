"""Agents call other agents within their permissions and limits. The payer of the first agent is charged."""

import asyncio
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.models.agent import UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.errors import CodeFailed
from shared.models.run import RunCodeRequest
from shared.models.wire import JsonObject
from shared.services.agents.agents import AgentService
from shared.settings import Settings
from tests.doubles.model_server import ModelServer
from tests.services.harness import Harness
from tests.services.publishing import ECHO, MODEL_CALLER, get_stored, save

OWNER = Caller(uid="owner")


def write_call(name: str) -> str:
    return f"async def run(input_dict, tools):\n    return await gofannon_client.call({name!r}, input_dict)"


async def run(harness: Harness, payer: Caller, agent: Any, input_dict: Any = None) -> Any:
    """Runs an agent, and returns its result or its error message."""
    body: JsonObject = input_dict or {"inputText": "hi"}
    finished = await harness.runs.run_agent(payer, await get_stored(harness.database, agent), body, 20)
    failure = finished.outcome.failure
    return finished.outcome.result if failure is None else failure.error


async def test_an_agent_can_call_the_agents_that_it_names(harness: Harness) -> None:
    """Agents in `gofannonAgents` can be called by name, friendly name or id. Other agents cannot be called."""
    echo = await save(harness.database, OWNER, friendlyName="echo_1")
    await save(harness.database, OWNER, name="Unnamed")
    for name in ("Echo", "echo_1", echo.id):
        outer = await save(harness.database, OWNER, write_call(name), gofannonAgents=[echo.id])
        assert await run(harness, OWNER, outer) == {"outputText": "hi"}
    other = await save(harness.database, OWNER, write_call("Unnamed"), gofannonAgents=[echo.id])
    assert "This agent may not call an agent named 'Unnamed'. It may call: Echo." in await run(harness, OWNER, other)


async def test_agents_can_be_called_concurrently(harness: Harness) -> None:
    """Each of ten concurrent calls to an agent gets its own input and result."""
    echo = await save(harness.database, OWNER)
    code = """
async def run(input_dict, tools):
    calls = [gofannon_client.call(agent_name="Echo", input_dict={"inputText": str(n)}) for n in range(10)]
    return [answer["outputText"] for answer in await asyncio.gather(*calls)]
"""
    outer = await save(harness.database, OWNER, code, gofannonAgents=[echo.id])
    assert await run(harness, OWNER, outer) == [str(number) for number in range(10)]


async def test_other_users_agents_can_be_called_only_if_they_are_shared(harness: Harness, caller: Caller) -> None:
    """A private agent's id in `gofannonAgents` does not give access to it."""
    private = await save(harness.database, caller, name="Private")
    shared = await save(harness.database, caller, name="Shared", visibility="shared")
    for name, expected in (("Private", "This agent may not call an agent named 'Private'"), ("Shared", "hi")):
        outer = await save(harness.database, OWNER, write_call(name), gofannonAgents=[private.id, shared.id])
        assert expected in str(await run(harness, OWNER, outer))


async def test_an_agent_has_its_owners_access_regardless_of_the_payer(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """A shared agent can call its owner's private ones. The user who runs it pays."""
    inner = await save(harness.database, OWNER, MODEL_CALLER, name="Inner")
    outer = await save(harness.database, OWNER, write_call("Inner"), gofannonAgents=[inner.id], visibility="shared")
    assert await run(harness, caller, outer) == {"outputText": "You said: hi"}
    assert len(await harness.get_charges(caller.uid)) == 1
    assert await harness.database.accounts.get(OWNER.uid) is None


async def test_an_agent_has_its_own_permissions(harness: Harness, model_server: ModelServer) -> None:
    """A called agent may call only the models that it names itself."""
    inner = await save(
        harness.database,
        OWNER,
        MODEL_CALLER,
        name="Inner",
        invokableModels=[{"provider": "openai", "model": "gpt-4.1"}],
    )
    outer = await save(harness.database, OWNER, write_call("Inner"), gofannonAgents=[inner.id])
    assert "does not name the model 'openai/gpt-4.1-mini'" in await run(harness, OWNER, outer)
    assert model_server.calls == []


async def test_calls_in_a_circle_are_reported(harness: Harness) -> None:
    """Agents that call each other in a circle fail with an error that shows the path."""
    first = await save(harness.database, OWNER, ECHO, name="First")
    second = await save(harness.database, OWNER, write_call("First"), name="Second", gofannonAgents=[first.id])
    await replace(harness, first, write_call("Second"), [second.id])
    assert "in a circle: First → Second → First" in await run(harness, OWNER, first)


async def test_depth_is_limited(harness: Harness) -> None:
    """By default, agents may call agents up to three levels deep."""
    agent = await save(harness.database, OWNER, name="0")
    for number in range(1, 5):
        agent = await save(
            harness.database, OWNER, write_call(str(number - 1)), name=str(number), gofannonAgents=[agent.id]
        )
        expected = {"outputText": "hi"} if number <= 3 else "Agents may call each other to a depth of 3"
        result = await run(harness, OWNER, agent)
        assert result == expected or str(expected) in str(result)


async def test_a_failure_can_be_caught_and_names_the_agent(harness: Harness) -> None:
    """The failure of a called agent is a RuntimeError with the agent's name and error."""
    failing = await save(harness.database, OWNER, "async def run(i, t):\n    return 1 / 0", name="Bad")
    code = """
async def run(input_dict, tools):
    try:
        await gofannon_client.call("Bad", {})
    except RuntimeError as error:
        return str(error)
"""
    outer = await save(harness.database, OWNER, code, gofannonAgents=[failing.id])
    assert await run(harness, OWNER, outer) == "The agent 'Bad' failed: ZeroDivisionError: division by zero"


async def test_private_agents_inside_a_shared_agent_stay_private(harness: Harness, caller: Caller) -> None:
    """Users of a shared agent see neither the names nor the errors of its owner's private agents."""
    secret = await save(
        harness.database, OWNER, "async def run(i, t):\n    raise ValueError('secret')", name="TopSecret"
    )
    for code in (write_call("TopSecret"), write_call("Nothing")):
        shared = await save(
            harness.database, OWNER, code, name="Public", gofannonAgents=[secret.id], visibility="shared"
        )
        outer = await save(harness.database, caller, write_call("Public"), gofannonAgents=[shared.id])
        error = await run(harness, caller, outer)
        assert "The agent 'Public' failed. Its run is run-" in error
        assert "secret" not in error.lower().replace("public", "")
        assert "topsecret" in (await run(harness, OWNER, shared)).lower()


async def test_a_chain_shares_one_budget(harness: Harness, model_server: ModelServer) -> None:
    """The limits on money and calls apply to all agents in a chain together."""
    ask = await save(harness.database, OWNER, MODEL_CALLER, name="Ask")
    code = """
async def run(input_dict, tools):
    answers = 0
    for number in range(20):
        await gofannon_client.call("Ask", {"inputText": str(number)})
        answers += 1
    return answers
"""
    outer = await save(harness.database, OWNER, code, gofannonAgents=[ask.id])
    small = Harness(harness.settings.model_copy(update={"run_max_calls": 7}), harness.catalog)
    assert "may make at most 7 calls" in await run(small, OWNER, outer)
    # The seventh call is the fourth call of the agent, so the agent's model call would be the eighth.
    assert len(model_server.calls) == 3
    limited = Harness(harness.settings.model_copy(update={"run_max_cost": 0.002}), harness.catalog)
    assert "A run and the agents that it calls may spend at most $0.002" in await run(limited, OWNER, outer)


async def test_nested_runs_do_not_deadlock_on_run_slots(settings: Settings, catalog: Catalog) -> None:
    """Twelve runs with two slots, each calling agents two levels deep, all end."""
    harness = Harness(settings.model_copy(update={"runs_at_once": 2}), catalog)
    leaf = await save(harness.database, OWNER, name="Leaf")
    middle = await save(harness.database, OWNER, write_call("Leaf"), name="Middle", gofannonAgents=[leaf.id])
    top = await save(harness.database, OWNER, write_call("Middle"), gofannonAgents=[middle.id])
    results = await asyncio.gather(*(run(harness, OWNER, top) for _ in range(12)))
    assert results == [{"outputText": "hi"}] * 12


async def test_runs_of_unsaved_code_do_not_deadlock_on_run_slots(settings: Settings, catalog: Catalog) -> None:
    """Unsaved code that calls agents counts as a level, so its runs all end as well."""
    harness = Harness(settings.model_copy(update={"runs_at_once": 2, "run_max_depth": 1}), catalog)
    leaf = await save(harness.database, OWNER, name="Leaf")
    request = RunCodeRequest(code=write_call("Leaf"), input_dict={"inputText": "hi"}, gofannon_agents=[leaf.id])
    responses = await asyncio.gather(*(harness.runs.run_code(OWNER, request) for _ in range(8)))
    assert [response.result for response in responses] == [{"outputText": "hi"}] * 8
    middle = await save(harness.database, OWNER, write_call("Leaf"), name="Middle", gofannonAgents=[leaf.id])
    deeper = request.model_copy(update={"code": write_call("Middle"), "gofannon_agents": [middle.id]})
    with pytest.raises(CodeFailed, match="a depth of 1;"):
        await harness.runs.run_code(OWNER, deeper)


async def replace(harness: Harness, agent: Any, code: str, ids: list[str]) -> None:
    change = UpdateAgentRequest.model_validate({"code": code, "gofannonAgents": ids})
    await AgentService(harness.database).update(OWNER, agent.id, change)
