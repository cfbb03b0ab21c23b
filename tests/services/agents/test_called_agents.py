"""Agents that call agents: which ones they may call, how deep, and who is charged."""

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
from tests.services.publishing import ASK, ECHO, get_stored, save

OWNER = Caller(uid="owner")


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


def calling(name: str, given: str = "input_dict") -> str:
    return f"async def run(input_dict, tools):\n    return await gofannon_client.call({name!r}, {given})"


async def run(harness: Harness, payer: Caller, agent: Any, input_dict: Any = None) -> Any:
    """The result, or the error as text."""
    given: JsonObject = input_dict or {"inputText": "hi"}
    finished = await harness.runs.run_agent(payer, await get_stored(harness.database, agent), given, 20)
    failure = finished.outcome.failure
    return finished.outcome.result if failure is None else failure.error


async def test_an_agent_calls_those_it_names(harness: Harness) -> None:
    """By name, by friendly name and by id. Agents that it does not name are unknown to it."""
    echo = await save(harness.database, OWNER, friendlyName="echo_1")
    await save(harness.database, OWNER, name="Unnamed")
    for name in ("Echo", "echo_1", echo.id):
        caller_ = await save(harness.database, OWNER, calling(name), gofannonAgents=[echo.id])
        assert await run(harness, OWNER, caller_) == {"outputText": "hi"}
    other = await save(harness.database, OWNER, calling("Unnamed"), gofannonAgents=[echo.id])
    assert "There is no agent 'Unnamed' that may be called from here. There is: Echo." in await run(
        harness, OWNER, other
    )


async def test_several_are_called_at_once(harness: Harness) -> None:
    """Concurrently, each with its own input."""
    echo = await save(harness.database, OWNER)
    code = """
async def run(input_dict, tools):
    calls = [gofannon_client.call(agent_name="Echo", input_dict={"inputText": str(n)}) for n in range(10)]
    return [answer["outputText"] for answer in await asyncio.gather(*calls)]
"""
    caller_ = await save(harness.database, OWNER, code, gofannonAgents=[echo.id])
    assert await run(harness, OWNER, caller_) == [str(number) for number in range(10)]


async def test_other_users_agents_are_called_only_if_they_are_shared(harness: Harness, caller: Caller) -> None:
    """Naming an id gives no right to it."""
    private = await save(harness.database, caller, name="Private")
    shared = await save(harness.database, caller, name="Shared", visibility="shared")
    for name, expected in (("Private", "There is no agent 'Private'"), ("Shared", "hi")):
        mine = await save(harness.database, OWNER, calling(name), gofannonAgents=[private.id, shared.id])
        assert expected in str(await run(harness, OWNER, mine))


async def test_an_agent_acts_for_its_owner_whoever_pays(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """A shared agent reaches its owner's private ones. The payer is the user who runs it."""
    inner = await save(harness.database, OWNER, ASK, name="Inner")
    outer = await save(harness.database, OWNER, calling("Inner"), gofannonAgents=[inner.id], visibility="shared")
    assert await run(harness, caller, outer) == {"outputText": "You said: hi"}
    assert len(await harness.charged(caller.uid)) == 1
    assert await harness.database.accounts.get(OWNER.uid) is None


async def test_an_agent_has_its_own_permissions(harness: Harness, model_server: ModelServer) -> None:
    """Not those of the agent that calls it."""
    inner = await save(
        harness.database, OWNER, ASK, name="Inner", invokableModels=[{"provider": "openai", "model": "gpt-4.1"}]
    )
    outer = await save(harness.database, OWNER, calling("Inner"), gofannonAgents=[inner.id])
    assert "does not name the model 'openai/gpt-4.1-mini'" in await run(harness, OWNER, outer)
    assert model_server.calls == []


async def test_a_circle_is_reported(harness: Harness) -> None:
    """With its path; nothing runs forever."""
    first = await save(harness.database, OWNER, ECHO, name="First")
    second = await save(harness.database, OWNER, calling("First"), name="Second", gofannonAgents=[first.id])
    await replace(harness, first, calling("Second"), [second.id])
    assert "in a circle: First → Second → First" in await run(harness, OWNER, first)


async def test_depth_is_limited(harness: Harness) -> None:
    """To what the setting says."""
    agent = await save(harness.database, OWNER, name="0")
    for number in range(1, 5):
        agent = await save(
            harness.database, OWNER, calling(str(number - 1)), name=str(number), gofannonAgents=[agent.id]
        )
        expected = {"outputText": "hi"} if number <= 3 else "Agents may call agents 3 deep"
        result = await run(harness, OWNER, agent)
        assert result == expected or str(expected) in str(result)


async def test_a_failure_can_be_caught_and_names_the_agent(harness: Harness) -> None:
    """As RuntimeError, with the error of the agent that was called."""
    bad = await save(harness.database, OWNER, "async def run(i, t):\n    return 1 / 0", name="Bad")
    code = """
async def run(input_dict, tools):
    try:
        await gofannon_client.call("Bad", {})
    except RuntimeError as error:
        return str(error)
"""
    outer = await save(harness.database, OWNER, code, gofannonAgents=[bad.id])
    assert await run(harness, OWNER, outer) == "The agent 'Bad' failed: ZeroDivisionError: division by zero"


async def test_what_is_private_inside_a_shared_agent_stays_private(harness: Harness, caller: Caller) -> None:
    """Its users learn neither the names nor the errors of what its owner did not share."""
    secret = await save(
        harness.database, OWNER, "async def run(i, t):\n    raise ValueError('secret')", name="TopSecret"
    )
    for code in (calling("TopSecret"), calling("Nothing")):
        shared = await save(
            harness.database, OWNER, code, name="Public", gofannonAgents=[secret.id], visibility="shared"
        )
        mine = await save(harness.database, caller, calling("Public"), gofannonAgents=[shared.id])
        told = await run(harness, caller, mine)
        assert "The agent 'Public' failed. Its run is run-" in told
        assert "secret" not in told.lower().replace("public", "")
        assert "topsecret" in (await run(harness, OWNER, shared)).lower()


async def test_a_chain_shares_one_budget(harness: Harness, model_server: ModelServer) -> None:
    """Of money and calls: many agents cannot spend more than one."""
    ask = await save(harness.database, OWNER, ASK, name="Ask")
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
    assert "A run may make 7 calls" in await run(small, OWNER, outer)
    assert len(model_server.calls) == 3  # the fourth call of an agent was the seventh; its model's the eighth
    poor = Harness(harness.settings.model_copy(update={"run_max_cost": 0.002}), harness.catalog)
    assert "A run may spend $0.002" in await run(poor, OWNER, outer)


async def test_run_slots_do_not_wait_for_each_other(settings: Settings, catalog: Catalog) -> None:
    """More runs at once than slots, each calling two levels deep: all end."""
    harness = Harness(settings.model_copy(update={"runs_at_once": 2}), catalog)
    leaf = await save(harness.database, OWNER, name="Leaf")
    middle = await save(harness.database, OWNER, calling("Leaf"), name="Middle", gofannonAgents=[leaf.id])
    top = await save(harness.database, OWNER, calling("Middle"), gofannonAgents=[middle.id])
    results = await asyncio.gather(*(run(harness, OWNER, top) for _ in range(12)))
    assert results == [{"outputText": "hi"}] * 12


async def test_run_slots_do_not_wait_for_each_other_when_code_is_tried_out(
    settings: Settings, catalog: Catalog
) -> None:
    """Code that is not saved calls agents from a level of its own."""
    harness = Harness(settings.model_copy(update={"runs_at_once": 2, "run_max_depth": 1}), catalog)
    leaf = await save(harness.database, OWNER, name="Leaf")
    request = RunCodeRequest(code=calling("Leaf"), input_dict={"inputText": "hi"}, gofannon_agents=[leaf.id])
    answers = await asyncio.gather(*(harness.runs.run_code(OWNER, request) for _ in range(8)))
    assert [answer.result for answer in answers] == [{"outputText": "hi"}] * 8
    middle = await save(harness.database, OWNER, calling("Leaf"), name="Middle", gofannonAgents=[leaf.id])
    deeper = request.model_copy(update={"code": calling("Middle"), "gofannon_agents": [middle.id]})
    with pytest.raises(CodeFailed, match="1 deep"):
        await harness.runs.run_code(OWNER, deeper)


async def replace(harness: Harness, agent: Any, code: str, names: list[str]) -> None:
    change = UpdateAgentRequest.model_validate({"code": code, "gofannonAgents": names})
    await AgentService(harness.database).update(OWNER, agent.id, change)
