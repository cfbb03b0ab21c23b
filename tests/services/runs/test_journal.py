"""When the records of a run's journal are written."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.models.agent_run import Step, StepKind, StepStatus
from shared.models.caller import Caller
from shared.models.chat import Usage
from shared.services.agents.journal import Journal
from shared.services.agents.run_history import Record
from shared.store import Database
from tests.services.publishing import get_stored, save

_NOW = datetime.now(UTC)
_STEP = Step(n=0, call="1", kind=StepKind.TOOL, name="send", status=StepStatus.COMPLETED, started_at=_NOW)


@pytest.fixture
def journal(database: Database, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A journal that writes nothing by itself in the time of a test, unless that is urgent."""
    monkeypatch.setattr("shared.services.agents.journal._FLUSH_SECONDS", 3600.0)
    return Journal(database, "run", 1, "owner", _NOW + timedelta(days=1))


async def _until_flushing(journal: Journal) -> None:
    async with asyncio.timeout(20):
        while not journal.has_news or journal._pending.lines:  # noqa: ASYNC110  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0)


async def test_the_outcome_of_a_call_that_must_not_be_repeated_is_written_at_once(
    journal: Journal, database: Database
) -> None:
    """If the worker died before that, the code would get an `InterruptedCall` for a call that has ended."""
    record = Record("call_tool", "hash", "{}", 1, has_begun=True)
    journal.end_call("1", record, {"r": {"value": 1}}, _STEP)
    await _until_flushing(journal)
    async with asyncio.timeout(20):
        while journal.has_unwritten:  # noqa: ASYNC110 - the journal has no event for this
            await asyncio.sleep(0.01)
    (segment,) = await database.journals.read_steps("run", 10)
    assert segment.steps == [_STEP]


async def test_a_worker_that_stalled_for_too_long_does_not_change_the_past(
    journal: Journal, database: Database
) -> None:
    """It wrote an outcome after the next worker had read the journal, and made the call again with another outcome."""
    agent = await get_stored(database, await save(database, Caller(uid="owner")))
    second, third = (Journal(database, "run", attempt, "owner", _NOW + timedelta(days=1)) for attempt in (2, 3))

    def end_call(journal: Journal, path: str, value: int) -> None:
        step = _STEP.model_copy(update={"call": path})
        journal.end_call(path, Record("http", "hash", "{}", 1), {"r": {"value": value}}, step)

    journal.begin(agent)
    end_call(journal, "1", 1)
    await journal.flush()
    end_call(journal, "2", 2)
    await second.load()
    second.begin(agent)
    end_call(second, "2", 20)
    await second.flush()
    await journal.flush()
    await third.load()
    ends = {path: record.end["r"] for path, record in third.history.records.items() if record.end}
    assert ends == {"1": {"value": 1}, "2": {"value": 20}}
    assert third.history.seed == journal.history.seed
    assert third.history.calls == 2


async def test_a_worker_that_stalled_before_its_first_record_does_not_change_the_past(
    journal: Journal, database: Database
) -> None:
    """The next worker has begun the run anew, with other random numbers."""
    agent = await get_stored(database, await save(database, Caller(uid="owner")))
    second, third = (Journal(database, "run", attempt, "owner", _NOW + timedelta(days=1)) for attempt in (2, 3))
    journal.begin(agent)
    journal.end_call("1", Record("http", "hash", "{}", 1), {"r": {"value": 1}}, _STEP)
    await second.load()
    second.begin(agent)
    second.end_call("2", Record("http", "hash", "{}", 1), {"r": {"value": 2}}, _STEP)
    await second.flush()
    await journal.flush()
    await third.load()
    assert list(third.history.records) == ["2"]
    assert third.history.seed == second.history.seed


async def test_other_outcomes_wait_for_the_next_commit(journal: Journal, database: Database) -> None:
    """Each commit costs a write and takes time."""
    journal.end_call("1", Record("http", "hash", "{}", 1), {"r": {"value": 1}}, _STEP)
    await asyncio.sleep(0)
    assert await database.journals.read("run") == []
    await journal.flush()
    assert len(await database.journals.read("run")) == 1
    await journal.close()


async def test_what_is_being_written_is_still_news(journal: Journal, database: Database) -> None:
    """A run that ends while its last records are being written waits for that. Otherwise they would be lost."""
    step = _STEP.model_copy(update={"usage": Usage(total_tokens=3)})
    journal.end_call("1", Record("call_tool", "hash", "{}", 1, has_begun=True), {"r": {"value": 1}}, step)
    await _until_flushing(journal)
    assert journal.has_news
    await journal.flush()
    assert not journal.has_news
    await journal.close()
    (segment,) = await database.journals.read_steps("run", 10)
    assert segment.steps == [step]


async def test_a_run_never_has_an_outcome_without_its_beginning(journal: Journal, database: Database) -> None:
    """If more is waiting than fits beside a charge, the beginning is written with the charge nevertheless."""
    journal.begin(await get_stored(database, await save(database, Caller(uid="owner"))))
    for path in ("1", "2"):
        journal.end_call(path, Record("http", "hash", "{}", 1), {"r": {"value": "x" * 1000}}, _STEP)
    batch, rest = journal.take(500), journal.take()
    assert batch is not None
    assert rest is not None
    records = [json.loads(line) for line in batch.segments[0].text.strip().split("\n")]
    assert [(record["t"], record.get("n")) for record in records] == [("begin", None), ("agent", ""), ("end", "2")]
    assert json.loads(rest.segments[0].text)["n"] == "1"
    await journal.close()
