"""A published agent called with an `Idempotency-Key`: it runs once, and its answer is replayed for a day."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.models.account import Account
from shared.models.agent import UpdateAgentRequest
from shared.models.errors import (
    AgentFailed,
    AllowanceSpent,
    Conflict,
    DeploymentBudgetSpent,
    InvalidInput,
    NotFound,
    RunUnderWay,
    ServiceError,
    TooManyRequests,
    Unavailable,
)
from shared.models.wire import JsonObject
from shared.services.agents.agents import AgentService
from shared.services.agents.published import PublishedService
from shared.services.agents.runs import RunService
from shared.settings import Settings
from tests.database_data import store_account
from tests.doubles.model_server import ModelServer
from tests.services.accounts.test_deployment_budgets import Model, published_with
from tests.services.agents.keyed_calls import CLOCK, HI, OWNER, TWICE, kept
from tests.services.harness import Harness
from tests.services.publishing import ASK, publish

KEY = "0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11"


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.fixture
def published(harness: Harness) -> PublishedService:
    return PublishedService(harness.database, harness.runs, harness.settings)


async def test_the_same_request_is_run_once(
    published: PublishedService, harness: Harness, model_server: ModelServer
) -> None:
    """The answer, its run and its warnings are those of the first. Another order of fields is the same input."""
    await publish(harness.database, OWNER, "ask", ASK, outputSchema={"outputText": "integer"})
    first = await published.call("ask", {"inputText": "hi", "a": {"x": 1, "y": 2}}, "1.1.1.1", KEY)
    again = await published.call("ask", {"a": {"y": 2, "x": 1}, "inputText": "hi"}, "1.1.1.1", KEY)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.run_id, again.result, again.warnings) == (first.run_id, first.result, first.warnings)
    assert first.warnings
    assert len(model_server.calls) == 1
    assert len(await harness.charged(OWNER.uid)) == 1


@pytest.mark.parametrize("result", ["{}", "[1, None, 'é😀', {'a': [2 ** 63]}]", "''", "None", "0", "False"])
async def test_any_json_result_is_replayed(published: PublishedService, harness: Harness, result: str) -> None:
    """As it was."""
    await publish(harness.database, OWNER, "give", f"async def run(input_dict, tools):\n    return {result}")
    first, again = [await published.call("give", {}, "a", KEY) for _ in range(2)]
    assert again.replayed
    assert repr(again.result) == repr(first.result)


async def test_a_key_belongs_to_its_caller_and_its_agent(published: PublishedService, harness: Harness) -> None:
    """From another address, or to another agent, it is another key: nobody reads another caller's answer."""
    for name in ("one", "two"):
        await publish(harness.database, OWNER, name, CLOCK)
    first = await published.call("one", {}, "1.1.1.1", KEY)
    others = [
        await published.call("one", {}, "2.2.2.2", KEY),
        await published.call("two", {}, "1.1.1.1", KEY),
        await published.call("one", {}, "1.1.1.1", "another key"),
        await published.call("one", {}, "1.1.1.1"),
    ]
    assert len({answer.run_id for answer in (first, *others)}) == 5
    assert not any(answer.replayed for answer in others)
    assert (await published.call("one", {}, "1.1.1.1", KEY)).run_id == first.run_id


async def test_another_input_under_the_key_is_a_conflict(published: PublishedService, harness: Harness) -> None:
    """And runs nothing."""
    await publish(harness.database, OWNER, "echo")
    await published.call("echo", HI, "a", KEY)
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await published.call("echo", {"inputText": "bye"}, "a", KEY)


async def test_while_it_runs_the_same_request_has_to_wait(harness: Harness) -> None:
    """409 with a time. Of concurrent requests one runs."""
    await publish(harness.database, OWNER, "ask", ASK)
    model = Model(1)
    published = published_with(harness, model)
    model.open.clear()
    first = asyncio.create_task(published.call("ask", HI, "a", KEY))
    await model.asked.wait()
    others = await asyncio.gather(*(published.call("ask", HI, "a", KEY) for _ in range(5)), return_exceptions=True)
    for other in others:
        assert isinstance(other, RunUnderWay)
        assert (other.status, other.replayed) == (409, False)
        assert other.retry_after
    model.open.set()
    answer = await first
    assert (await published.call("ask", HI, "a", KEY)).run_id == answer.run_id
    assert model.calls == 1


async def test_of_many_at_the_same_instant_one_runs(harness: Harness) -> None:
    """From two processes."""
    await publish(harness.database, OWNER, "ask", ASK)
    model = Model(1)
    both = [published_with(harness, model) for _ in range(2)]
    outcomes = await asyncio.gather(
        *(both[number % 2].call("ask", HI, "a", KEY) for number in range(20)), return_exceptions=True
    )
    assert model.calls == 1
    for outcome in outcomes:
        assert isinstance(outcome, RunUnderWay) or (not isinstance(outcome, BaseException) and outcome.result)


async def test_a_failure_is_replayed(published: PublishedService, harness: Harness) -> None:
    """An agent's run is never repeated, so its failure is the answer."""
    await publish(harness.database, OWNER, "bad", "async def run(input_dict, tools):\n    return 1 / 0")
    errors: list[AgentFailed] = []
    for _ in range(2):
        with pytest.raises(AgentFailed) as failed:
            await published.call("bad", {}, "a", KEY)
        errors.append(failed.value)
    assert [error.replayed for error in errors] == [False, True]
    assert errors[0].body == errors[1].body
    assert errors[0].message == errors[1].message


async def test_a_request_that_did_nothing_is_not_remembered(harness: Harness) -> None:
    """422, 429 and 402 before anything was done, and too much running: the request may be sent again and run."""
    await publish(harness.database, OWNER, "ask", ASK, inputSchema={"inputText": "string"})
    model = Model(1)

    async def refused(kind: type[ServiceError], published: PublishedService, given: JsonObject = HI) -> None:
        with pytest.raises(kind):
            await published.call("ask", given, "a", KEY)
        assert await kept(harness.database) == []

    published = published_with(harness, model)
    await refused(InvalidInput, published, {})
    now = datetime.now(UTC)
    poor = Account(uid=OWNER.uid, allowance=1, remaining=0, created_at=now, updated_at=now)
    await store_account(harness.database, poor)
    await refused(AllowanceSpent, published)
    await store_account(harness.database, (await harness.account(OWNER.uid)).model_copy(update={"remaining": 10**6}))
    await refused(DeploymentBudgetSpent, published_with(harness, model, deployment_budget_per_day=0))

    class Full(RunService):
        async def run_agent(self, *_: Any, **__: Any) -> Any:
            raise Unavailable("Too much is running.", retry_after=1)

    full = Full(harness.database, harness.runs.model_calls, harness.runs.engine, harness.settings)
    await refused(Unavailable, PublishedService(harness.database, full, harness.settings))
    answer = await published.call("ask", HI, "a", KEY)
    assert not answer.replayed
    assert model.calls == 1
    hasty = published_with(harness, model, rest_rate_per_minute=1)
    before = len(await kept(harness.database))
    await hasty.call("ask", HI, "b")
    with pytest.raises(TooManyRequests):
        await hasty.call("ask", HI, "b", KEY)
    assert len(await kept(harness.database)) == before


async def test_a_refusal_in_the_middle_of_a_run_is_its_answer(harness: Harness) -> None:
    """It had done something before, so it does not run again, even when there is money again."""
    await publish(harness.database, OWNER, "twice", TWICE)
    model = Model(200)
    published = published_with(harness, model, deployment_budget_per_day=0.0002)
    errors: list[DeploymentBudgetSpent] = []
    for budget in (0.0002, 1):
        published = published_with(harness, model, deployment_budget_per_day=budget)
        with pytest.raises(DeploymentBudgetSpent) as refused:
            await published.call("twice", {}, "a", KEY)
        errors.append(refused.value)
    assert [error.replayed for error in errors] == [False, True]
    assert errors[0].message == errors[1].message
    assert model.calls == 1


async def test_a_replay_is_answered_even_if_it_would_be_refused_now(harness: Harness) -> None:
    """The first request has spent the budget, and the schema has changed."""
    agent = await publish(harness.database, OWNER, "ask", ASK)
    published = published_with(harness, Model(1000), deployment_budget_per_day=0.001)
    first = await published.call("ask", HI, "a", KEY)
    await AgentService(harness.database).update(
        OWNER, agent.id, UpdateAgentRequest.model_validate({"inputSchema": {"n": "integer"}})
    )
    assert (await published.call("ask", HI, "a", KEY)).run_id == first.run_id
    with pytest.raises(DeploymentBudgetSpent):
        await published.call("ask", HI, "a", "another")
    await AgentService(harness.database).delete(OWNER, agent.id)
    with pytest.raises(NotFound):
        await published.call("ask", HI, "a", KEY)
