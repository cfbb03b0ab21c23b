"""A published agent called with an `Idempotency-Key` runs once, and its answer is replayed for a day."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

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
from tests.database_data import store_account
from tests.doubles.model_server import ModelServer
from tests.services.agents.keyed_calls import CLOCK, HI, KEY, OWNER, TWO_CALLS, call, get_key_documents
from tests.services.harness import GatedModel, Harness, create_published_service
from tests.services.publishing import MODEL_CALLER, publish


async def test_the_same_request_is_run_once(
    published: PublishedService, harness: Harness, model_server: ModelServer
) -> None:
    """A repeated request gets the first one's answer, run id and warnings. The order of its fields does not matter."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER, outputSchema={"outputText": "integer"})
    first = await published.call("ask", {"inputText": "hi", "a": {"x": 1, "y": 2}}, "1.1.1.1", KEY)
    repeated = await published.call("ask", {"a": {"y": 2, "x": 1}, "inputText": "hi"}, "1.1.1.1", KEY)
    assert (first.replayed, repeated.replayed) == (False, True)
    assert (repeated.run_id, repeated.result, repeated.warnings) == (first.run_id, first.result, first.warnings)
    assert first.warnings
    assert len(model_server.calls) == 1
    assert len(await harness.get_charges(OWNER.uid)) == 1


@pytest.mark.parametrize("result", ["{}", "[1, None, 'é😀', {'a': [2 ** 63]}]", "''", "None", "0", "False"])
async def test_any_json_result_is_replayed(published: PublishedService, harness: Harness, result: str) -> None:
    """A replayed result equals the original result, for any JSON."""
    await publish(harness.database, OWNER, "give", f"async def run(input_dict, tools):\n    return {result}")
    first, repeated = [await call(published, "give", {}) for _ in range(2)]
    assert repeated.replayed
    assert repr(repeated.result) == repr(first.result)


async def test_a_key_belongs_to_its_caller_and_its_agent(published: PublishedService, harness: Harness) -> None:
    """The same key from another address, or for another agent, is a different key. No caller gets another's answer."""
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


async def test_a_different_input_with_the_same_key_is_a_conflict(published: PublishedService, harness: Harness) -> None:
    """A request with a used key and a different input gets 409."""
    await publish(harness.database, OWNER, "echo")
    await call(published, "echo")
    with pytest.raises(Conflict, match="Idempotency-Key"):
        await call(published, "echo", {"inputText": "bye"})


async def test_a_request_whose_run_is_under_way_has_to_wait(harness: Harness) -> None:
    """While the first request runs, repeated ones get 409 with the time to wait; afterwards, they get its answer."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    model = GatedModel(1)
    published = create_published_service(harness, model)
    model.open.clear()
    first = asyncio.create_task(call(published, "ask"))
    await model.called.wait()
    others = await asyncio.gather(*(call(published, "ask") for _ in range(5)), return_exceptions=True)
    for other in others:
        assert isinstance(other, RunUnderWay)
        assert (other.status, other.replayed) == (409, False)
        assert other.retry_after
    model.open.set()
    answer = await first
    assert (await call(published, "ask")).run_id == answer.run_id
    assert model.calls == 1


async def test_one_of_many_simultaneous_requests_runs(harness: Harness) -> None:
    """Of twenty requests to two processes, one runs, and the others get 409 or its answer."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    model = GatedModel(1)
    processes = [create_published_service(harness, model) for _ in range(2)]
    outcomes = await asyncio.gather(
        *(call(processes[number % 2], "ask") for number in range(20)), return_exceptions=True
    )
    assert model.calls == 1
    for outcome in outcomes:
        assert isinstance(outcome, RunUnderWay) or (not isinstance(outcome, BaseException) and outcome.result)


async def test_a_failure_is_replayed(published: PublishedService, harness: Harness) -> None:
    """A failed run is not repeated; repeated requests get the same failure."""
    await publish(harness.database, OWNER, "bad", "async def run(input_dict, tools):\n    return 1 / 0")
    errors: list[AgentFailed] = []
    for _ in range(2):
        with pytest.raises(AgentFailed) as failed:
            await call(published, "bad", {})
        errors.append(failed.value)
    assert [error.replayed for error in errors] == [False, True]
    assert errors[0].body == errors[1].body
    assert errors[0].message == errors[1].message


async def test_a_request_that_had_no_effect_is_not_stored(harness: Harness) -> None:
    """A request that got 422, 429, 402 or 503 before its run began can be sent again, and then runs."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER, inputSchema={"inputText": "string"})
    model = GatedModel(1)

    async def assert_rejected(
        kind: type[ServiceError], published: PublishedService, input_dict: JsonObject = HI
    ) -> None:
        with pytest.raises(kind):
            await call(published, "ask", input_dict)
        assert await get_key_documents(harness.database) == []

    published = create_published_service(harness, model)
    await assert_rejected(InvalidInput, published, {})
    now = datetime.now(UTC)
    account = Account(uid=OWNER.uid, allowance=1, remaining=0, created_at=now, updated_at=now)
    await store_account(harness.database, account)
    await assert_rejected(AllowanceSpent, published)
    await store_account(harness.database, (await harness.account(OWNER.uid)).model_copy(update={"remaining": 10**6}))
    await assert_rejected(DeploymentBudgetSpent, create_published_service(harness, model, deployment_budget_per_day=0))

    class FullRunService(RunService):
        async def run_agent(self, *_: Any, **__: Any) -> Any:
            raise Unavailable("Too much is running.", retry_after=1)

    full = FullRunService(harness.database, harness.runs.model_calls, harness.runs.engine, harness.settings)
    await assert_rejected(Unavailable, PublishedService(harness.database, full, harness.settings))
    answer = await call(published, "ask")
    assert not answer.replayed
    assert model.calls == 1
    rate_limited = create_published_service(harness, model, rest_rate_per_minute=1)
    before = len(await get_key_documents(harness.database))
    await rate_limited.call("ask", HI, "b")
    with pytest.raises(TooManyRequests):
        await rate_limited.call("ask", HI, "b", KEY)
    assert len(await get_key_documents(harness.database)) == before


async def test_a_rejection_during_a_run_is_replayed(harness: Harness) -> None:
    """A run that was rejected after its first call is not repeated, even if the budget has been raised."""
    await publish(harness.database, OWNER, "twice", TWO_CALLS)
    model = GatedModel(200)
    errors: list[DeploymentBudgetSpent] = []
    for budget in (0.0002, 1):
        published = create_published_service(harness, model, deployment_budget_per_day=budget)
        with pytest.raises(DeploymentBudgetSpent) as raised:
            await call(published, "twice", {})
        errors.append(raised.value)
    assert [error.replayed for error in errors] == [False, True]
    assert errors[0].message == errors[1].message
    assert model.calls == 1


async def test_an_answer_is_replayed_even_if_the_request_would_now_be_rejected(harness: Harness) -> None:
    """The answer is replayed even if the budget is spent and the schema has changed."""
    agent = await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    published = create_published_service(harness, GatedModel(1000), deployment_budget_per_day=0.001)
    first = await call(published, "ask")
    await AgentService(harness.database).update(
        OWNER, agent.id, UpdateAgentRequest.model_validate({"inputSchema": {"n": "integer"}})
    )
    assert (await call(published, "ask")).run_id == first.run_id
    with pytest.raises(DeploymentBudgetSpent):
        await call(published, "ask", key="another")
    await AgentService(harness.database).delete(OWNER, agent.id)
    with pytest.raises(NotFound):
        await call(published, "ask")
