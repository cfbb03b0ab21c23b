"""Those who call an agent that its owner pays for do not use up what the owner needs: they have limits of their own."""

import asyncio

import pytest

from shared.models.agent_run import StartRunRequest
from shared.models.chat import TicketStatus
from shared.models.errors import TooManyChats, TooManyRequests
from shared.models.run import RunCodeRequest
from shared.services.chat.run_submission import RunSubmission
from shared.settings import Settings
from tests.services.agents.test_policies import COST, HI, OWNER, get_ticket, publish, submission
from tests.services.harness import GatedModel, Harness, chat, create_model, create_published_service, create_run_service
from tests.services.publishing import ECHO, MODEL_CALLER

LIMIT = 6


@pytest.fixture
async def limited(harness: Harness, settings: Settings) -> Harness:
    return Harness(
        settings.model_copy(update={"max_waiting_chats": LIMIT, "chat_rate_per_minute": 1000}), harness.catalog
    )


async def flood(harness: Harness, count: int) -> list[BaseException]:
    """Starts runs of the public agent. Returns the errors."""
    runs = RunSubmission(harness.database, harness.queue, harness.settings)
    outcomes = await asyncio.gather(
        *(runs.start_public("greeter", HI, f"address {number}", None) for number in range(count)),
        return_exceptions=True,
    )
    return [outcome for outcome in outcomes if isinstance(outcome, BaseException)]


async def test_waiting_runs_of_others_leave_room_for_the_owner(limited: Harness) -> None:
    """Runs that others have started take up at most half of what may wait. The owner is still served, and may use up
    the rest."""
    await publish(limited)
    errors = await flood(limited, 2 * LIMIT)
    assert len(errors) == 2 * LIMIT - LIMIT // 2
    assert all(isinstance(error, TooManyChats) and "This agent's owner" in error.message for error in errors)
    for _ in range(LIMIT // 2):
        await limited.chat.submit(OWNER, chat("hi"))
    with pytest.raises(TooManyChats, match="of your chats"):
        await limited.chat.submit(OWNER, chat("hi"))


async def test_the_owners_waiting_chats_count_for_others(limited: Harness) -> None:
    """If half of what may wait is the owner's own, others start nothing until some of it has ended."""
    await publish(limited)
    tickets = [await limited.chat.submit(OWNER, chat("hi")) for _ in range(LIMIT // 2)]
    assert len(await flood(limited, 1)) == 1
    await limited.deliver(tickets[0].ticket_id, create_model(COST))
    assert await flood(limited, 1) == []


async def test_runs_of_others_do_not_count_against_the_owners_rate(settings: Settings, harness: Harness) -> None:
    """However many runs others start in a minute, the owner may send as many chats as before."""
    limited = Harness(settings.model_copy(update={"chat_rate_per_minute": 3}), harness.catalog)
    await publish(limited)
    errors = await flood(limited, 5)
    assert [type(error) for error in errors] == [TooManyRequests] * 2
    for _ in range(3):
        await limited.chat.submit(OWNER, chat("hi"))
    with pytest.raises(TooManyRequests):
        await limited.chat.submit(OWNER, chat("hi"))


async def test_the_time_of_calls_by_others_is_not_the_owners(harness: Harness) -> None:
    """Once the calls of others have lasted too long in a minute, they are refused, but the owner's code still runs."""
    settings = harness.settings.model_copy(update={"run_seconds_per_minute": 0.001})
    await publish(harness)
    model = create_model(COST)
    published = create_published_service(harness, model, run_seconds_per_minute=0.001)
    await published.call("greeter", HI, "a")
    with pytest.raises(TooManyRequests):
        await published.call("greeter", HI, "another address")
    runs = create_run_service(harness.database, harness.catalog, model, settings)
    request = RunCodeRequest(code=ECHO, input_dict=HI, tools={})
    assert (await runs.run_code(OWNER, request)).result == {"outputText": "hi"}
    with pytest.raises(TooManyRequests):
        await runs.run_code(OWNER, request)


async def test_the_owners_runs_do_not_wait_for_those_of_others(settings: Settings, harness: Harness) -> None:
    """While runs that others have started take up all of their turns, a run of the owner is not parked behind them."""
    limited = Harness(settings.model_copy(update={"agent_chats_at_once": 2}), harness.catalog)
    await publish(limited, MODEL_CALLER)
    model = GatedModel(COST)
    model.open.clear()
    started = [(await submission(limited).start_public("greeter", HI, f"address {n}", None))[0] for n in range(3)]
    deliveries = [asyncio.create_task(limited.deliver(run.run_id, model)) for run in started]
    await model.called.wait()
    request = StartRunRequest(friendly_name="greeter", input=HI)
    own, _ = await submission(limited).start(OWNER, request, None)
    await limited.deliver(own.run_id, create_model(COST))
    assert (await get_ticket(limited, own.run_id)).status is TicketStatus.COMPLETED
    model.open.set()
    await asyncio.gather(*deliveries)
    ended = [await get_ticket(limited, run.run_id) for run in started]
    assert [ticket.status for ticket in ended].count(TicketStatus.COMPLETED) == 1  # one of them had the only turn
