"""Answers of published agents that are kept, or cannot be, and claims of runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.errors import (
    AnswerNotKept,
    RunInterrupted,
    RunUnderWay,
    Unavailable,
)
from shared.services.agents.agents import AgentService
from shared.services.agents.published import PublishedService
from shared.services.agents.runs import RunService
from shared.settings import Settings
from shared.store import Database
from tests.database_faults import break_commits
from tests.doubles.model_server import Answer as ModelAnswer
from tests.doubles.model_server import ModelServer
from tests.services.agents.keyed_calls import HI, OWNER, change_kept, kept
from tests.services.harness import Harness
from tests.services.publishing import ASK, ECHO, publish

KEY = "0b1f7a52-8e1c-4c53-9c2b-0d6a3a0f1f11"


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


@pytest.fixture
def published(harness: Harness) -> PublishedService:
    return PublishedService(harness.database, harness.runs, harness.settings)


async def test_a_run_that_died_is_not_run_again(published: PublishedService, harness: Harness) -> None:
    """Its lease has ended: what it did is unknown, and the answer says so, with its run."""
    await publish(harness.database, OWNER, "echo")
    first = await published.call("echo", HI, "a", KEY)
    dead = {"status": None, "text": None, "lease_expires_at": datetime.now(UTC) - timedelta(seconds=1)}
    await change_kept(harness.database, **dead)
    with pytest.raises(RunInterrupted, match="not known") as interrupted:
        await published.call("echo", HI, "a", KEY)
    assert interrupted.value.status == 500
    assert interrupted.value.replayed
    assert interrupted.value.body == {"run_id": first.run_id}


async def test_a_claim_lasts_longer_than_a_run(published: PublishedService, harness: Harness) -> None:
    """A run that is only slow is not taken for dead."""
    await publish(harness.database, OWNER, "echo")
    before = datetime.now(UTC)
    await published.call("echo", HI, "a", KEY)
    (document,) = await kept(harness.database)
    fields = document.to_dict() or {}
    assert fields["lease_expires_at"] > before + timedelta(seconds=harness.settings.run_timeout_seconds)
    assert abs(fields["expire_at"] - before - timedelta(hours=24)) < timedelta(minutes=5)
    assert fields["owner"] == OWNER.uid
    assert KEY not in str(fields)


async def test_another_agent_under_the_name_does_not_get_its_answers(
    published: PublishedService, harness: Harness
) -> None:
    """A name may change hands within a day."""
    agent = await publish(harness.database, OWNER, "echo")
    await published.call("echo", HI, "a", KEY)
    await AgentService(harness.database).delete(OWNER, agent.id)
    await publish(harness.database, Caller(uid="somebody"), "echo", "async def run(input_dict, tools):\n    return 2")
    answer = await published.call("echo", HI, "a", KEY)
    assert (answer.result, answer.replayed) == (2, False)


async def test_an_answer_that_is_too_long_is_not_kept(harness: Harness) -> None:
    """It is returned once; later requests learn that it cannot be returned again, and nothing runs."""
    code = "async def run(input_dict, tools):\n    return 'x' * input_dict['length']"
    await publish(harness.database, OWNER, "long", code)
    settings = harness.settings.model_copy(update={"run_result_bytes": 2_000_000})
    runs = RunService(harness.database, harness.runs.model_calls, harness.runs.engine, settings)
    published = PublishedService(harness.database, runs, settings)
    for length, again in ((999_998, True), (1_000_000, False)):
        key = f"of {length}"
        first = await published.call("long", {"length": length}, "a", key)
        assert first.result == "x" * length
        if again:
            assert (await published.call("long", {"length": length}, "a", key)).result == first.result
        else:
            with pytest.raises(AnswerNotKept, match="1000002 bytes; at most 1000000 are kept") as refused:
                await published.call("long", {"length": length}, "a", key)
            assert (refused.value.status, refused.value.replayed) == (409, True)
            assert refused.value.retry_after is None


async def test_an_answer_that_could_not_be_kept_is_still_returned(
    published: PublishedService, harness: Harness, model_server: ModelServer
) -> None:
    """The database is out at the end of the run. A later request learns that the outcome is unknown."""
    model_server.script("hi", ModelAnswer("Hello."))
    await publish(harness.database, OWNER, "echo", ECHO)
    soon = harness.settings.model_copy(update={"store_timeout_seconds": 2.0})
    impatient = PublishedService(Database(soon), harness.runs, soon)
    restore = break_commits(harness.database, 3)  # the rate limit's and the claim's go through
    answer = await impatient.call("echo", HI, "a", KEY)
    assert answer.result == {"outputText": "hi"}
    restore()
    with pytest.raises(RunUnderWay):
        await published.call("echo", HI, "a", KEY)
    await change_kept(harness.database, lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(RunInterrupted):
        await published.call("echo", HI, "a", KEY)


async def test_a_run_that_cannot_be_claimed_does_not_begin(
    harness: Harness, published: PublishedService, model_server: ModelServer
) -> None:
    """503, and nothing was called."""
    await publish(harness.database, OWNER, "ask", ASK)
    soon = harness.settings.model_copy(update={"store_timeout_seconds": 2.0})
    restore = break_commits(harness.database, 2)
    with pytest.raises(Unavailable):
        await PublishedService(Database(soon), harness.runs, soon).call("ask", HI, "a", KEY)
    restore()
    assert model_server.calls == []
    assert (await published.call("ask", HI, "a", KEY)).result


async def test_a_claim_that_arrives_late_is_void(
    harness: Harness, published: PublishedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller learned that nothing had begun, so the same request runs, whenever the commit comes through."""
    await publish(harness.database, OWNER, "echo")
    soon = harness.settings.model_copy(update={"store_timeout_seconds": 0.5})
    database = Database(soon)
    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, late = api.commit, list[Any]()

    async def delayed(*args: Any, **kwargs: Any) -> Any:
        if any("/idempotency/" in write.update.name for write in kwargs["request"]["writes"]) and len(late) < 1:
            late.append((args, kwargs))
            raise TimeoutError
        return await commit(*args, **kwargs)

    monkeypatch.setattr(api, "commit", delayed)
    with pytest.raises(Unavailable):
        await PublishedService(database, harness.runs, soon).call("echo", HI, "a", KEY)
    [(args, kwargs)] = late
    with pytest.raises(GoogleAPICallError):
        await commit(*args, **kwargs)
    assert (await published.call("echo", HI, "a", KEY)).result == {"outputText": "hi"}
