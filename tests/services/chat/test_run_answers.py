"""Answers to several questions of a run that arrive together."""

from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.errors import InvalidInput, NotFound
from shared.models.ticket import Ticket
from shared.services.chat.run_answers import MAX_ANSWERS_BYTES, AnswerService
from shared.services.chat.run_views import RunViews
from shared.settings import Settings
from shared.store import Database
from tests.services.chat.stored_runs import add_run, ask, question
from tests.services.harness import Harness


@pytest.fixture
async def answers(settings: Settings, catalog: Catalog) -> AnswerService:
    harness = Harness(settings, catalog)
    return AnswerService(RunViews(harness.database, settings), harness.queue)


async def read(database: Database, run: Ticket) -> tuple[TicketStatus, int, dict[str, Any]]:
    """Returns the run's state, the number of its tasks, and its answers."""
    stored = await database.tickets.get(run.id)
    assert stored is not None
    answered = {each.call: each.read_answer() for each in stored.questions if not each.is_open}
    return stored.status, stored.tasks, answered


async def test_answers_are_stored_at_once(answers: AnswerService, database: Database, caller: Caller) -> None:
    """The run continues once, with all answers. Those to questions that are not open are ignored."""
    expired = question("3", expires_at=clock.now() - timedelta(seconds=1))
    run = await ask(database, question("1"), question("2", choices=["a"]), expired, question("4"), owner=caller.uid)
    await answers.answer_open(caller, run.id, {"1": 1, "2": "a", "3": 3, "unknown": 5})
    assert await read(database, run) == (TicketStatus.PENDING, run.tasks + 1, {"1": 1, "2": "a"})
    await answers.answer_open(caller, run.id, {"1": "again", "4": "late"})
    assert await read(database, run) == (TicketStatus.PENDING, run.tasks + 1, {"1": 1, "2": "a"})


async def test_an_answer_that_does_not_fit_leaves_the_others(
    answers: AnswerService, database: Database, caller: Caller
) -> None:
    """The others are stored, and the error says what is wrong with it. Alone, it changes nothing."""
    run = await ask(database, question("1"), question("2", choices=["a"]), owner=caller.uid)
    with pytest.raises(InvalidInput, match="does not match") as raised:
        await answers.answer_open(caller, run.id, {"2": "b"})
    assert "one of: a" in raised.value.summary
    assert await read(database, run) == (TicketStatus.WAITING, run.tasks, {})
    with pytest.raises(InvalidInput):
        await answers.answer_open(caller, run.id, {"2": "b", "1": None})
    assert await read(database, run) == (TicketStatus.PENDING, run.tasks + 1, {"1": None})


async def test_answers_are_limited_together(answers: AnswerService, database: Database, caller: Caller) -> None:
    """They are stored in one document, so those beyond the limit are refused."""
    run = await ask(database, *(question(str(n)) for n in range(10)), owner=caller.uid)
    with pytest.raises(InvalidInput) as raised:
        await answers.answer_open(caller, run.id, {str(n): "x" * 60_000 for n in range(10)})
    assert str(MAX_ANSWERS_BYTES) in raised.value.summary
    status, _, answered = await read(database, run)
    assert (status, list(answered)) == (TicketStatus.PENDING, [str(n) for n in range(8)])


async def test_only_the_owner_answers(answers: AnswerService, database: Database, caller: Caller) -> None:
    """To others, the run is unknown. A run that a worker has takes no answers."""
    run = await ask(database, question("1"), owner=caller.uid)
    with pytest.raises(NotFound):
        await answers.answer_open(Caller(uid="other"), run.id, {"1": 1})
    assert await read(database, run) == (TicketStatus.WAITING, run.tasks, {})
    working = await add_run(database, caller.uid, questions=[question("1")])
    await answers.answer_open(caller, working.id, {"1": 1})
    assert await read(database, working) == (TicketStatus.PROCESSING, working.tasks, {})
