"""Answers of published agents are stored under their keys, and a run is claimed before it begins."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError

from shared.models.caller import Caller
from shared.models.errors import ResponseNotStored, RunInterrupted, RunUnderWay, Unavailable
from shared.models.wire import JsonObject
from shared.services.agents.agents import AgentService
from shared.services.agents.published import PublishedService
from shared.services.agents.runs import RunService
from tests.database_faults import break_commits
from tests.doubles.model_server import Answer as ModelAnswer
from tests.doubles.model_server import ModelServer
from tests.services.agents.keyed_calls import (
    KEY,
    OWNER,
    call,
    change_key_documents,
    create_impatient_service,
    get_key_documents,
)
from tests.services.harness import Harness
from tests.services.publishing import ECHO, MODEL_CALLER, publish


async def test_a_run_that_died_is_not_run_again(published: PublishedService, harness: Harness) -> None:
    """If a run's lease has expired, its outcome is unknown, and a repeated request gets an error with the run's id."""
    await publish(harness.database, OWNER, "echo")
    first = await call(published, "echo")
    dead = {"status": None, "text": None, "lease_expires_at": datetime.now(UTC) - timedelta(seconds=1)}
    await change_key_documents(harness.database, **dead)
    with pytest.raises(RunInterrupted, match="It is unknown what the run did") as interrupted:
        await call(published, "echo")
    assert interrupted.value.status == 500
    assert interrupted.value.replayed
    assert interrupted.value.body == {"run_id": first.run_id}


async def test_a_claim_lasts_longer_than_a_run(published: PublishedService, harness: Harness) -> None:
    """A claim's lease is longer than the longest run, so that a slow run does not count as dead."""
    await publish(harness.database, OWNER, "echo")
    before = datetime.now(UTC)
    await call(published, "echo")
    (document,) = await get_key_documents(harness.database)
    fields = document.to_dict() or {}
    assert fields["lease_expires_at"] > before + timedelta(seconds=harness.settings.run_timeout_seconds)
    assert abs(fields["expire_at"] - before - timedelta(hours=24)) < timedelta(minutes=5)
    assert fields["owner"] == OWNER.uid
    assert KEY not in str(fields)


async def test_another_agent_with_the_same_name_does_not_replay_old_answers(
    published: PublishedService, harness: Harness
) -> None:
    """If another user's agent takes over the name within a day, a request with the same key runs the new agent."""
    agent = await publish(harness.database, OWNER, "echo")
    await call(published, "echo")
    await AgentService(harness.database).delete(OWNER, agent.id)
    await publish(harness.database, Caller(uid="another"), "echo", "async def run(input_dict, tools):\n    return 2")
    answer = await call(published, "echo")
    assert (answer.result, answer.replayed) == (2, False)


async def test_an_answer_that_is_too_long_is_not_stored(harness: Harness) -> None:
    """An answer that is too long is returned once. Repeated requests get 409, and nothing runs."""
    code = "async def run(input_dict, tools):\n    return 'x' * input_dict['length']"
    await publish(harness.database, OWNER, "long", code)
    settings = harness.settings.model_copy(update={"run_result_bytes": 2_000_000})
    runs = RunService(harness.database, harness.runs.model_calls, harness.runs.engine, settings)
    published = PublishedService(harness.database, runs, settings)
    for length, is_stored in ((999_998, True), (1_000_000, False)):
        key = f"key-{length}"
        input_dict: JsonObject = {"length": length}
        first = await call(published, "long", input_dict, key)
        assert first.result == "x" * length
        if is_stored:
            assert (await call(published, "long", input_dict, key)).result == first.result
        else:
            with pytest.raises(ResponseNotStored, match=r"1000002 bytes\. At most 1000000 are stored") as raised:
                await call(published, "long", input_dict, key)
            assert (raised.value.status, raised.value.replayed) == (409, True)
            assert raised.value.retry_after is None


async def test_an_answer_that_could_not_be_stored_is_still_returned(
    published: PublishedService, harness: Harness, model_server: ModelServer
) -> None:
    """If the database is down at the end of a run, its answer is returned, but later requests cannot get it."""
    model_server.script("hi", ModelAnswer("Hello."))
    await publish(harness.database, OWNER, "echo", ECHO)
    impatient = create_impatient_service(harness)
    restore = break_commits(harness.database, 2)  # the commit of the claim succeeds
    answer = await call(impatient, "echo")
    assert answer.result == {"outputText": "hi"}
    restore()
    with pytest.raises(RunUnderWay):
        await call(published, "echo")
    await change_key_documents(harness.database, lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(RunInterrupted):
        await call(published, "echo")


async def test_a_run_that_cannot_be_claimed_does_not_begin(
    harness: Harness, published: PublishedService, model_server: ModelServer
) -> None:
    """If a run cannot be claimed, the caller gets 503, and no model is called."""
    await publish(harness.database, OWNER, "ask", MODEL_CALLER)
    impatient = create_impatient_service(harness)
    restore = break_commits(harness.database, 1)
    with pytest.raises(Unavailable):
        await call(impatient, "ask")
    restore()
    assert model_server.calls == []
    assert (await call(published, "ask")).result


async def test_a_claim_that_arrives_late_is_void(
    harness: Harness, published: PublishedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit of a claim whose request got 503 has no effect if it arrives late, and a repeated request runs."""
    await publish(harness.database, OWNER, "echo")
    impatient = create_impatient_service(harness, 0.5)
    api = impatient.database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, late = api.commit, list[Any]()

    async def delay(*args: Any, **kwargs: Any) -> Any:
        if any("/idempotency/" in write.update.name for write in kwargs["request"].writes) and len(late) < 1:
            late.append((args, kwargs))
            raise TimeoutError
        return await commit(*args, **kwargs)

    monkeypatch.setattr(api, "commit", delay)
    with pytest.raises(Unavailable):
        await call(impatient, "echo")
    [(args, kwargs)] = late
    with pytest.raises(GoogleAPICallError):
        await commit(*args, **kwargs)
    assert (await call(published, "echo")).result == {"outputText": "hi"}
