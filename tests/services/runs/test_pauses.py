"""Runs that are put aside: they sleep, ask a person, or have used up their worker's time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.models.agent import UpdateAgentRequest
from shared.models.chat import TicketStatus
from shared.services.agents.agents import AgentService
from shared.services.chat.sweep import SweepService
from tests.doubles.api_server import ApiServer
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.doubles.model_server import Answer, ModelServer
from tests.services.harness import Harness
from tests.services.publishing import save
from tests.services.runs.running import OWNER, MovedClock, answer, start_again, work_on


@pytest.fixture
def moved_clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    moved = MovedClock()
    monkeypatch.setattr("shared.clock.time", moved)
    return moved


async def test_a_run_sleeps_for_days_asks_a_person_and_is_redeployed_meanwhile(
    harness: Harness, moved_clock: MovedClock, model_server: ModelServer, cloud_tasks: CloudTasksServer
) -> None:
    """It ends with the right answer, with the code that it started with, and each model call is charged once."""
    model_server.script("plan", Answer("buy", prompt_tokens=1000, completion_tokens=100))
    code = """
import asyncio, datetime
async def run(input_dict, tools):
    began = datetime.datetime.now(datetime.timezone.utc)
    plan, _ = await call_llm("openai", "gpt-4.1-mini", "plan", {"max_tokens": 100})
    await asyncio.sleep(3 * 24 * 3600)
    slept = datetime.datetime.now(datetime.timezone.utc) - began
    decision = await ask(f"Shall I {plan}?", choices=["yes", "no"])
    return {"plan": plan, "decision": decision, "days": slept.days, "version": 1}
"""
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    began = datetime.now(UTC)
    sleeping = await work_on(harness, run_id)
    assert (sleeping.status, sleeping.lease, sleeping.error) == (TicketStatus.WAITING, None, None)
    assert sleeping.wake_at is not None
    assert timedelta(days=3) <= sleeping.wake_at - began < timedelta(days=3, minutes=1)
    assert any(name.endswith(f"{run_id}-2") for name in cloud_tasks.tasks)
    await AgentService(harness.database).update(
        OWNER, agent.id, UpdateAgentRequest.model_validate({"code": code.replace("1}", "2}")})
    )
    moved_clock.move(timedelta(days=3, seconds=1))
    asking = await work_on(harness, run_id)
    assert (asking.status, asking.error) == (TicketStatus.WAITING, None)
    (question,) = asking.questions
    assert (question.text, question.choices, question.call) == ("Shall I buy?", ["yes", "no"], "2")
    moved_clock.move(timedelta(days=2))
    await answer(harness, run_id, "2", '"yes"')
    ended = await work_on(harness, run_id)
    assert (ended.status, ended.error) == (TicketStatus.COMPLETED, None)
    assert ended.result is not None
    assert ended.result.thoughts == {"plan": "buy", "decision": "yes", "days": 3, "version": 1}
    assert await harness.get_charges(OWNER.uid) == [560]
    assert len(model_server.calls) == 1
    account = await harness.account(OWNER.uid)
    assert (account.held, account.unfinished) == (0, 0)


async def test_an_answer_arrives_at_its_own_time(harness: Harness, moved_clock: MovedClock) -> None:
    """The code's clock shows when the question was answered, also with a time limit, and a sleep begins then."""
    code = """
import asyncio, time
async def run(input_dict, tools):
    asked = time.time()
    answer = await ask("Now?", timeout=5 * 24 * 3600)
    answered = time.time()
    await asyncio.sleep(3600)
    return [answer, round((answered - asked) / 3600), round((time.time() - answered) / 3600)]
"""
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    await work_on(harness, run_id)
    moved_clock.move(timedelta(days=2))
    await answer(harness, run_id, "1", '"yes"')
    answered_at = moved_clock()
    sleeping = await work_on(harness, run_id)
    assert sleeping.status is TicketStatus.WAITING, sleeping
    assert sleeping.wake_at is not None
    assert 3590 < sleeping.wake_at.timestamp() - answered_at < 3610
    moved_clock.move(timedelta(hours=1, seconds=1))
    ended = await work_on(harness, run_id)
    assert ended.result is not None, ended.error
    assert ended.result.thoughts == ["yes", 48, 1]


async def test_a_run_is_not_put_aside_when_its_call_has_ended(harness: Harness, api_server: ApiServer) -> None:
    """The code gets the outcome, although a time limit around the call has not passed yet."""
    code = f"""
import asyncio
async def run(input_dict, tools):
    async with asyncio.timeout(60):
        response = await http_client.get("{api_server.address}/slow?seconds=0.2")
    return response.status_code
"""
    agent = await save(harness.database, OWNER, code)
    ended = await work_on(harness, await start_again(harness, agent.id))
    assert (ended.status, ended.attempts, ended.error) == (TicketStatus.COMPLETED, 1, None)


async def test_a_call_that_nobody_waits_for_does_not_stop_the_run(harness: Harness, model_server: ModelServer) -> None:
    """The code goes on, also if it waits at the moment at which such a call is charged."""
    model_server.script("slow", Answer("late", prompt_tokens=1000, completion_tokens=100, delay=0.4))
    code = """
import asyncio
async def run(input_dict, tools):
    try:
        async with asyncio.timeout(0.1):
            await call_llm("openai", "gpt-4.1-mini", "slow", {"max_tokens": 100})
    except TimeoutError:
        pass
    for _ in range(300):
        await asyncio.sleep(0.003)
    return "done"
"""
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    async with asyncio.timeout(20):
        ended = await work_on(harness, run_id)
    assert (ended.status, ended.error) == (TicketStatus.COMPLETED, None)
    assert await harness.get_charges(OWNER.uid) == [560]


async def test_an_unanswered_question_times_out(harness: Harness, moved_clock: MovedClock) -> None:
    """The code gets a `TimeoutError`, and the question is gone."""
    code = """
async def run(input_dict, tools):
    try:
        return await ask("Now?", timeout=3600)
    except TimeoutError:
        later = await ask("Later?", timeout=3600)
        return ["late", later]
"""
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    asking = await work_on(harness, run_id)
    assert [question.text for question in asking.questions] == ["Now?"]
    moved_clock.move(timedelta(hours=1, seconds=1))
    again = await work_on(harness, run_id)
    assert [question.text for question in again.questions] == ["Later?"]
    await answer(harness, run_id, "2", '{"at": [1, "é"]}')
    ended = await work_on(harness, run_id)
    assert ended.result is not None, ended.error
    assert ended.result.thoughts == ["late", {"at": [1, "é"]}]


async def test_two_questions_can_be_open(harness: Harness, moved_clock: MovedClock) -> None:
    """They are answered in any order."""
    code = """
import asyncio
async def run(input_dict, tools):
    async def both(name):
        first = await ask(name)
        await asyncio.sleep(60)
        return first
    return await asyncio.gather(both("a"), both("b"))
"""
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    assert [question.text for question in (await work_on(harness, run_id)).questions] == ["a", "b"]
    await answer(harness, run_id, "2", "2")
    waiting = await work_on(harness, run_id)
    assert (waiting.status, [question.text for question in waiting.questions]) == (TicketStatus.WAITING, ["a"])
    await answer(harness, run_id, "1", "1")
    assert (await work_on(harness, run_id)).status is TicketStatus.WAITING
    moved_clock.move(timedelta(seconds=61))
    ended = await work_on(harness, run_id)
    assert ended.result is not None, ended.error
    assert ended.result.thoughts == [1, 2]


async def test_a_long_run_crosses_its_workers_time_limit(harness: Harness, model_server: ModelServer) -> None:
    """It continues in another worker, without a visible seam. Its attempts do not count as failures."""
    settings = harness.settings.model_copy(update={"worker_timeout_seconds": 91, "model_timeout_seconds": 30.0})
    code = """
import asyncio, time
async def run(input_dict, tools):
    started = time.monotonic()
    answers = []
    for n in range(9):
        content, _ = await call_llm("openai", "gpt-4.1-mini", f"call {n}", {"max_tokens": 100})
        await asyncio.sleep(0.1)
        answers.append(content)
    return {"answers": answers, "long": time.monotonic() - started > 0.9}
"""
    for n in range(9):
        model_server.script(f"call {n}", Answer(f"answer {n}", prompt_tokens=1000, completion_tokens=100, delay=0.15))
    quick = Harness(settings, harness.catalog)
    agent = await save(quick.database, OWNER, code)
    run_id = await start_again(quick, agent.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.services.chat.agent_chat.MIN_ATTEMPT_SECONDS", 0.6)
        ticket = await work_on(quick, run_id)
        while not ticket.status.finished:
            assert (ticket.status, ticket.lease) == (TicketStatus.PENDING, None)
            ticket = await work_on(quick, run_id)
    assert ticket.result is not None, ticket.error
    assert ticket.result.thoughts == {"answers": [f"answer {n}" for n in range(9)], "long": True}
    assert ticket.attempts > 2
    assert await quick.get_charges(OWNER.uid) == [560] * 9
    assert len(model_server.calls) == 9


async def test_the_sweep_wakes_runs_that_lost_their_task(harness: Harness, moved_clock: MovedClock) -> None:
    """A run is not woken early, and is queued once when it is due."""
    code = "import asyncio\nasync def run(input_dict, tools):\n    await asyncio.sleep(3600)\n    return 'ok'"
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    await work_on(harness, run_id)
    sweep = SweepService(harness.database, harness.queue, harness.settings)
    assert (await sweep.sweep()).woken == 0
    moved_clock.move(timedelta(hours=1, minutes=1))
    assert (await sweep.sweep()).woken == 1
    assert (await sweep.sweep()).woken == 0
    ended = await work_on(harness, run_id)
    assert ended.result is not None, ended.error
    assert ended.result.content == "ok"


async def test_a_run_that_lasts_too_long_fails(harness: Harness, moved_clock: MovedClock) -> None:
    """A question without a time limit does not keep a run for more than 30 days."""
    code = "async def run(input_dict, tools):\n    return await ask('?')"
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    await work_on(harness, run_id)
    moved_clock.move(timedelta(days=30, minutes=1))
    assert (await SweepService(harness.database, harness.queue, harness.settings).sweep()).woken == 1
    ended = await work_on(harness, run_id)
    assert (ended.status, ended.error) == (TicketStatus.FAILED, "The run has lasted 30 days, the limit.")
    assert (await harness.account(OWNER.uid)).unfinished == 0


async def test_a_run_that_waits_for_nothing_fails(harness: Harness) -> None:
    """It does not wait until its worker's time is up."""
    code = "import asyncio\nasync def run(input_dict, tools):\n    await asyncio.Event().wait()"
    agent = await save(harness.database, OWNER, code)
    ended = await work_on(harness, await start_again(harness, agent.id))
    assert ended.error == "The agent failed: RuntimeError: The run waits for something that never happens."


async def test_the_tokens_of_free_models_are_counted_across_pauses(harness: Harness, moved_clock: MovedClock) -> None:
    """They are part of the journal, although nothing is charged."""
    code = """
import asyncio
async def run(input_dict, tools):
    await call_llm("local", "smollm2-135m-instruct", "hi", {"max_tokens": 10})
    await asyncio.sleep(3600)
    await call_llm("local", "smollm2-135m-instruct", "hi", {"max_tokens": 10})
"""
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    await work_on(harness, run_id)
    moved_clock.move(timedelta(hours=1, seconds=1))
    ended = await work_on(harness, run_id)
    assert ended.result is not None, ended.error
    steps = [step for segment in await harness.database.journals.read_steps(run_id, 10) for step in segment.steps]
    tokens = [step.usage.total_tokens for step in steps if step.usage]
    assert len(tokens) == 2
    assert ended.result.usage.total_tokens == sum(tokens) > 0


async def test_a_run_cannot_be_continued_without_end(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that sleeps again and again ends with an error."""
    monkeypatch.setattr("shared.services.chat.agent_chat.MAX_ATTEMPTS", 2)
    monkeypatch.setattr("shared.sandbox.suspension.MIN_SECONDS", -1.0)
    code = "import asyncio\nasync def run(input_dict, tools):\n    while True:\n        await asyncio.sleep(0.01)"
    agent = await save(harness.database, OWNER, code)
    run_id = await start_again(harness, agent.id)
    for _ in range(2):
        assert not (await work_on(harness, run_id)).status.finished
    ended = await work_on(harness, run_id)
    assert (ended.status, ended.error) == (TicketStatus.FAILED, "The run has been continued 2 times, the limit.")
