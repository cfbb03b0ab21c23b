"""Anyone may call a published agent, and its owner is charged."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.models.account import Account
from shared.models.agent import UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.catalog import GOFANNON
from shared.models.chat import ChatRequest, TicketStatus
from shared.models.errors import AgentFailed, AllowanceSpent, InvalidInput, NotFound, TooManyRequests
from shared.models.wire import JsonObject
from shared.sandbox import run_slots as run_slots
from shared.services.agents.agents import AgentService
from shared.services.agents.published import PublishedService
from shared.settings import Settings
from tests.database_data import store_account
from tests.doubles.model_server import ModelServer
from tests.services.harness import Harness
from tests.services.publishing import MODEL_CALLER, get_stored, publish

OWNER = Caller(uid="owner")


async def test_anyone_may_call_a_published_agent_and_its_owner_is_charged(
    published: PublishedService, harness: Harness, model_server: ModelServer
) -> None:
    """Even a private agent can be called by anyone who knows its friendly name."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    answer = await published.call("ask", {"inputText": "hi"}, "1.2.3.4")
    assert (answer.result, answer.warnings) == ({"outputText": "You said: hi"}, [])
    assert len(await harness.get_charges(OWNER.uid)) == 1


@pytest.mark.parametrize("name", ["unknown", "a/b", "..", "__x__", "x" * 2000, "é"])
async def test_an_unknown_name_causes_404(published: PublishedService, name: str) -> None:
    """Any name that is not published gets 404, even one that cannot be a document id."""
    with pytest.raises(NotFound, match="No agent that you can see is published as"):
        await published.call(name, {}, "1.2.3.4")


async def test_input_is_checked_against_either_form_of_schema(published: PublishedService, harness: Harness) -> None:
    """The 422 response lists every error with its location. Without a schema, any input is accepted."""
    await publish(harness.database, OWNER, "short", inputSchema={"inputText": "string", "n": "integer"})
    schema = {
        "type": "object",
        "properties": {"inputText": {"type": "string", "maxLength": 3}},
        "required": ["inputText"],
    }
    await publish(harness.database, OWNER, "full", inputSchema=schema)
    await publish(harness.database, OWNER, "none", "async def run(input_dict, tools):\n    return input_dict")
    with pytest.raises(InvalidInput) as raised:
        await published.call("short", {"n": "x"}, "a")
    assert {tuple(problem["loc"]) for problem in raised.value.body["detail"]} == {("body",), ("body", "n")}
    with pytest.raises(InvalidInput) as raised:
        await published.call("full", {"inputText": "long"}, "a")
    assert raised.value.body["detail"][0]["loc"] == ["body", "inputText"]
    assert (await published.call("full", {"inputText": "ok", "more": 1}, "a")).result == {"outputText": "ok"}
    assert (await published.call("none", {"any": [1, None]}, "a")).result == {"any": [1, None]}


SLEEPER = """
async def run(input_dict, tools):
    if input_dict["inputText"] == "sleep":
        await asyncio.sleep(100)
    return "awake"
"""


@asynccontextmanager
async def flood(call: Callable[[], Coroutine[Any, Any, Any]]) -> AsyncGenerator[None]:
    """Makes eight concurrent calls, more than one caller's share of the eight slots can run."""
    calls = [asyncio.create_task(call()) for _ in range(8)]
    try:
        async with asyncio.timeout(30):
            while run_slots.slots(8, 0)._taken < 2:  # noqa: ASYNC110  # pyright: ignore[reportPrivateUsage]
                await asyncio.sleep(0.02)
        yield
        assert not any(task.done() for task in calls)
    finally:
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_one_caller_does_not_block_an_agent(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """While one caller's runs fill its share, the agent still answers other addresses, the owner and chatting users.

    Other owners' agents still answer that caller.
    """
    harness = Harness(settings.model_copy(update={"runs_at_once": 8}), catalog)
    published = PublishedService(harness.database, harness.runs, harness.settings)
    await publish(harness.database, OWNER, "sleeper", SLEEPER, visibility="shared")
    await publish(harness.database, caller, "another", SLEEPER)
    async with flood(lambda: published.call("sleeper", {"inputText": "sleep"}, "1.1.1.1")):
        assert (await published.call("sleeper", {"inputText": "hi"}, "2.2.2.2")).result == "awake"
        assert (await published.call("another", {"inputText": "hi"}, "1.1.1.1")).result == "awake"
        for user in (OWNER, caller):
            body = {"messages": [{"role": "user", "content": "hi"}], "provider": GOFANNON, "model": "sleeper"}
            accepted = await harness.chat.submit(user, ChatRequest.model_validate(body))
            await harness.deliver(accepted.ticket_id)
            assert (await harness.tickets.look_up(user, accepted.ticket_id)).status is TicketStatus.COMPLETED


async def test_one_chatting_user_does_not_block_an_agent(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """Runs that a chatting user pays for do not block the agent for its other callers."""
    harness = Harness(settings.model_copy(update={"runs_at_once": 8}), catalog)
    published = PublishedService(harness.database, harness.runs, harness.settings)
    agent = await get_stored(harness.database, await publish(harness.database, OWNER, "sleeper", SLEEPER))
    async with flood(lambda: harness.runs.run_agent(caller, agent, {"inputText": "sleep"}, 50)):
        assert (await published.call("sleeper", {"inputText": "hi"}, "2.2.2.2")).result == "awake"


FORM = {
    "type": "object",
    "properties": {
        "days": {"type": "integer"},
        "flag": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": "string"},
        "limit": {"type": "number"},
    },
    "required": ["days"],
}


async def test_the_values_of_a_form_are_converted(published: PublishedService, harness: Harness) -> None:
    """Strings are converted to the types of the input schema. A string that cannot be converted causes 422."""
    await publish(
        harness.database, OWNER, "form", "async def run(input_dict, tools):\n    return input_dict", inputSchema=FORM
    )
    sent: JsonObject = {"days": "3", "flag": "true", "tags": "a,b", "note": "7", "limit": ""}
    assert (await published.call("form", sent, "a")).result == {
        "days": 3,
        "flag": True,
        "tags": ["a", "b"],
        "note": "7",
    }
    with pytest.raises(InvalidInput) as raised:
        await published.call("form", {"days": "soon", "flag": "true"}, "a")
    assert [problem["loc"] for problem in raised.value.body["detail"]] == [["body", "days"]]


async def test_a_result_that_violates_its_schema_has_warnings(published: PublishedService, harness: Harness) -> None:
    """The caller gets the result, and a warning for each violation."""
    await publish(harness.database, OWNER, "odd", outputSchema={"outputText": "integer", "other": "string"})
    answer = await published.call("odd", {"inputText": "hi"}, "a")
    assert answer.result == {"outputText": "hi"}
    assert any("outputText" in warning for warning in answer.warnings)
    assert any("other" in warning for warning in answer.warnings)


async def test_a_failure_names_its_run_and_the_log_has_the_reason(
    published: PublishedService, harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """The response reveals nothing about the owner's code. The log has the error and the agent's output."""
    await publish(
        harness.database, OWNER, "bad", "async def run(input_dict, tools):\n    print('so far')\n    return 1 / 0"
    )
    with caplog.at_level(logging.INFO), pytest.raises(AgentFailed) as raised:
        await published.call("bad", {}, "a")
    assert "ZeroDivision" not in str(raised.value.body) + raised.value.message
    run_id = raised.value.body["run_id"]
    assert run_id in raised.value.message
    (line,) = [record for record in caplog.records if "failed: ZeroDivisionError" in record.message]
    assert line.message.startswith(f"{run_id}: agent 'Echo' failed: ")
    fields = line.__dict__["fields"]
    assert fields["run"] == run_id
    assert fields["error"] == "ZeroDivisionError: division by zero"
    assert "line 3, in run" in fields["traceback"]
    assert re.fullmatch(r"\d\.\d{3} s: so far", *fields["printed"])


async def test_a_published_agent_stops_at_its_owners_allowance(
    published: PublishedService, harness: Harness, model_server: ModelServer
) -> None:
    """If the owner's allowance is spent, the caller gets 402 before a model is called."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    now = datetime.now(UTC)
    await store_account(
        harness.database, Account(uid=OWNER.uid, allowance=5, remaining=0, created_at=now, updated_at=now)
    )
    with pytest.raises(AllowanceSpent, match="owner"):
        await published.call("ask", {"inputText": "hi"}, "a")
    assert model_server.calls == []


async def test_one_address_is_limited_and_others_are_not(harness: Harness) -> None:
    """The rate limit for one address and one agent affects neither other addresses nor other agents."""
    settings = harness.settings.model_copy(update={"rest_rate_per_minute": 2})
    published = PublishedService(harness.database, harness.runs, settings)
    for name in ("one", "two"):
        await publish(harness.database, OWNER, name)
    for _ in range(2):
        await published.call("one", {"inputText": "x"}, "1.1.1.1")
    with pytest.raises(TooManyRequests):
        await published.call("one", {"inputText": "x"}, "1.1.1.1")
    await published.call("one", {"inputText": "x"}, "2.2.2.2")
    await published.call("two", {"inputText": "x"}, "1.1.1.1")


async def test_changes_to_an_agent_take_effect_in_its_deployment(published: PublishedService, harness: Harness) -> None:
    """A call runs the agent's newest code. After the agent is deleted, its name is unknown."""
    agent = await publish(harness.database, OWNER, "echo")
    service = AgentService(harness.database)
    newer = UpdateAgentRequest(code="async def run(input_dict, tools):\n    return 2")
    await service.update(OWNER, agent.id, newer)
    assert (await published.call("echo", {}, "a")).result == 2
    await service.delete(OWNER, agent.id)
    with pytest.raises(NotFound):
        await published.call("echo", {}, "a")


async def test_a_name_that_belongs_to_another_agent_now_runs_that_agent(
    published: PublishedService, harness: Harness
) -> None:
    """A process remembers which agent a name had, but only in order to read it early: the name's new agent runs."""
    first = await publish(harness.database, OWNER, "echo", "async def run(input_dict, tools):\n    return 1")
    assert (await published.call("echo", {}, "a")).result == 1
    await AgentService(harness.database).delete(OWNER, first.id)
    await publish(harness.database, Caller(uid="another"), "echo", "async def run(input_dict, tools):\n    return 2")
    assert (await published.call("echo", {}, "a")).result == 2
    assert (await published.call("echo", {}, "a")).result == 2
