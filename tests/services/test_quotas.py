"""Quotas limit what one user may store and have under way. The tests use the real Firestore emulator."""

import asyncio
import time
from typing import Any

import pytest

from shared.llm.catalog import Catalog
from shared.models.agent import CreateAgentRequest, UpdateAgentRequest
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.demo import CreateDemoRequest, ReplaceDemoRequest
from shared.models.errors import NoRunSlot, NotFound, TooLarge, TooManyRequests
from shared.models.run import RunCodeRequest
from shared.models.session import ProviderConfig
from shared.models.user import UsageReport
from shared.sandbox import run_slots as run_slots
from shared.services.agents.agents import AgentService
from shared.services.agents.published import PublishedService
from shared.services.agents.run_time import RunTimeService
from shared.services.catalog.sessions import SessionService
from shared.services.demos.demos import DemoService
from shared.services.quotas import QuotaService
from shared.settings import Settings
from shared.store import Database
from tests.services.harness import Harness, chat
from tests.services.publishing import ECHO

OTHER = Caller(uid="other")
CONFIG = ProviderConfig(provider="openai", model="gpt-4.1-mini")


def agent(code: str = ECHO) -> CreateAgentRequest:
    return CreateAgentRequest.model_validate({"name": "Echo", "code": code, "description": "Repeats its input."})


def demo(html: str = "") -> dict[str, Any]:
    return {
        "name": "Page",
        "userPrompt": "a page",
        "selectedApis": [],
        "modelConfig": {"provider": "openai", "model": "gpt-4.1-mini", "parameters": {}},
        "generatedCode": {"html": html, "css": "", "js": ""},
    }


@pytest.fixture
async def quotas(database: Database, settings: Settings) -> QuotaService:
    limits = {"max_agents": 2, "max_demos": 2, "max_sessions": 2, "max_stored_bytes": 4000}
    return QuotaService(database, settings.model_copy(update=limits))


async def test_the_number_of_agents_is_limited(database: Database, quotas: QuotaService, caller: Caller) -> None:
    """The 413 response states the limit. Other users' agents do not count, and deleting an agent makes room."""
    agents = AgentService(database, quotas)
    first = await agents.create(caller, agent())
    await agents.create(caller, agent())
    with pytest.raises(TooLarge, match="You have 2 agents, and no user may have more"):
        await agents.create(caller, agent())
    await agents.create(OTHER, agent())
    await agents.delete(caller, first.id)
    await agents.create(caller, agent())


async def test_the_total_size_of_agents_is_limited(database: Database, quotas: QuotaService, caller: Caller) -> None:
    """New agents and changes count towards the limit. A change that makes an agent smaller is always accepted."""
    agents = AgentService(database, quotas)
    one = await agents.create(caller, agent(ECHO + "#" * 3000))
    with pytest.raises(TooLarge, match="bytes, and no user may store more than 4000"):
        await agents.update(caller, one.id, UpdateAgentRequest.model_validate({"code": ECHO + "#" * 5000}))
    await agents.update(caller, one.id, UpdateAgentRequest.model_validate({"code": ECHO + "#" * 3400}))
    await agents.create(caller, agent())  # the limit is not reached yet when the request begins
    await agents.update(caller, one.id, UpdateAgentRequest.model_validate({"code": ECHO}))
    await database.agents.get(one.id)


async def test_demos_have_their_own_quotas(database: Database, quotas: QuotaService, caller: Caller) -> None:
    """The number and the total size of demos are limited."""
    demos = DemoService(database, quotas)
    one = await demos.create(caller, CreateDemoRequest.model_validate(demo()))
    with pytest.raises(TooLarge, match="Your demos take up"):
        await demos.replace(caller, one.id, ReplaceDemoRequest.model_validate(demo("x" * 5000)))
    await demos.create(caller, CreateDemoRequest.model_validate(demo()))
    with pytest.raises(TooLarge, match="You have 2 demos"):
        await demos.create(caller, CreateDemoRequest.model_validate(demo()))


async def test_the_number_of_sessions_is_limited(database: Database, quotas: QuotaService, caller: Caller) -> None:
    """At the limit, existing sessions can still be changed, and deleting one makes room."""
    sessions = SessionService(database, quotas)
    for session_id in ("a", "b", "a"):
        await sessions.configure(caller, session_id, CONFIG)
    with pytest.raises(TooLarge, match="You have 2 sessions"):
        await sessions.configure(caller, "c", CONFIG)
    await sessions.configure(caller, "b", CONFIG)
    await sessions.configure(OTHER, "c", CONFIG)
    await sessions.delete(caller, "a")
    await sessions.configure(caller, "c", CONFIG)


async def test_concurrent_creations_do_not_exceed_a_quota(
    database: Database, quotas: QuotaService, caller: Caller
) -> None:
    """The quotas for agents, demos and sessions apply even to concurrent creations and changes."""
    agents, demos, sessions = (
        AgentService(database, quotas),
        DemoService(database, quotas),
        SessionService(database, quotas),
    )

    async def accept(*requests: Any) -> list[Any]:
        outcomes = await asyncio.gather(*requests, return_exceptions=True)
        assert all(isinstance(outcome, TooLarge) for outcome in outcomes if isinstance(outcome, BaseException)), (
            outcomes
        )
        return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]

    created = await accept(*(agents.create(caller, agent()) for _ in range(8)))
    assert len(created) == 2
    larger = UpdateAgentRequest.model_validate({"code": ECHO + "#" * 2500})
    assert len(await accept(*(agents.update(caller, one.id, larger) for one in created))) == 1
    assert len(await accept(*(demos.create(caller, CreateDemoRequest.model_validate(demo())) for _ in range(8)))) == 2
    assert len(await accept(*(sessions.configure(caller, str(number), CONFIG) for number in range(8)))) == 2


async def test_the_number_of_unfinished_chats_is_limited(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """A chat above the limit gets 429, without a hold, until another one is finished."""
    harness = Harness(settings.model_copy(update={"max_waiting_chats": 2}), catalog)
    accepted = [(await harness.chat.submit(caller, chat("hi"))).ticket_id for _ in range(2)]
    held = (await harness.account(caller.uid)).held
    with pytest.raises(TooManyRequests, match="2 of your chats are not finished"):
        await harness.chat.submit(caller, chat("hi"))
    assert (await harness.account(caller.uid)).held == held
    await harness.chat.submit(OTHER, chat("hi"))
    await harness.deliver(accepted[0])
    third = await harness.chat.submit(caller, chat("hi"))
    assert third.status is TicketStatus.PENDING


async def test_a_wrong_count_of_chats_is_corrected(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """If tickets were deleted by other means, the account counts too many. It is corrected before a chat is refused."""
    harness = Harness(settings.model_copy(update={"max_waiting_chats": 2}), catalog)
    tickets = [(await harness.chat.submit(caller, chat("hi"))).ticket_id for _ in range(2)]
    await harness.database._client.collection("tickets").document(tickets[0]).delete()  # pyright: ignore[reportPrivateUsage]
    await harness.chat.submit(caller, chat("hi"))
    assert (await harness.account(caller.uid)).unfinished == 2
    with pytest.raises(TooManyRequests):
        await harness.chat.submit(caller, chat("hi"))


async def test_concurrent_chats_do_not_exceed_the_limit(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """Chats that are accepted together count one after the other, also those of a free model."""
    harness = Harness(settings.model_copy(update={"max_waiting_chats": 5}), catalog)
    free = chat("hi", provider="ollama", model="llama3.1")
    results = await asyncio.gather(
        *(harness.chat.submit(caller, chat("hi") if number % 2 else free) for number in range(9)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, TooManyRequests) for result in results) == 4
    assert (await harness.account(caller.uid)).unfinished == 5


async def test_the_run_time_of_a_user_is_limited(settings: Settings, catalog: Catalog, caller: Caller) -> None:
    """A user whose runs took too long gets 429 with the time to wait. Other users are not affected."""
    harness = Harness(settings.model_copy(update={"run_seconds_per_minute": 0.01}), catalog)
    request = RunCodeRequest(code="async def run(i, t):\n    await asyncio.sleep(0.05)")
    await harness.runs.run_code(caller, request)
    with pytest.raises(TooManyRequests, match=r"may run for 0\.01 seconds in total per minute") as raised:
        await harness.runs.run_code(caller, request)
    assert raised.value.retry_after is not None
    assert raised.value.retry_after > 60
    await harness.runs.run_code(OTHER, request)


async def test_the_wait_for_a_run_slot_does_not_count(
    settings: Settings, catalog: Catalog, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time that requests wait for a run slot does not count as run time."""
    harness = Harness(settings.model_copy(update={"run_seconds_per_minute": 0.01, "runs_at_once": 1}), catalog)
    monkeypatch.setattr(run_slots, "_WAITING_SECONDS", 0.05)
    request = RunCodeRequest(code="async def run(i, t):\n    return 1")
    async with run_slots.slots(1, 0).slot(()):
        for _ in range(3):
            with pytest.raises(NoRunSlot):
                await harness.runs.run_code(caller, request)
    await harness.runs.run_code(caller, request)


async def test_short_runs_cause_no_writes(database: Database, settings: Settings, caller: Caller) -> None:
    """The process adds up the time of short runs, even of cancelled ones, and stores it once it reaches the limit."""
    service = RunTimeService(database, settings.model_copy(update={"run_seconds_per_minute": 1.0}))
    for _ in range(3):
        async with service.count(caller.uid) as started:
            started()
    assert await get_stored_time(database, caller) == 0
    cancelled = asyncio.create_task(run_for(service, caller, 30))
    await asyncio.sleep(0.15)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert await get_stored_time(database, caller) == 0
    async with service.count(caller.uid):
        pass
    assert await get_stored_time(database, caller) > time.time()


async def test_cancelled_runs_count(database: Database, settings: Settings, caller: Caller) -> None:
    """The time of a run counts even if its caller disconnects."""
    service = RunTimeService(database, settings.model_copy(update={"run_seconds_per_minute": 0.01}))
    cancelled = asyncio.create_task(run_for(service, caller, 30))
    await asyncio.sleep(0.15)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    with pytest.raises(TooManyRequests):
        await run_for(service, caller, 0)


async def run_for(service: RunTimeService, caller: Caller, seconds: float) -> None:
    async with service.count(caller.uid) as started:
        started()
        await asyncio.sleep(seconds)


async def get_stored_time(database: Database, caller: Caller) -> float:
    return await database.transaction(lambda transaction: database.rate_limits.get(f"runs:{caller.uid}", transaction))


async def test_the_rate_of_usage_reports_is_limited(create_harness: Any, caller: Caller) -> None:
    """Reports are stored for audit, except those above the limit."""
    harness = create_harness(usage_reports_per_minute=2)
    report = UsageReport.model_validate({"responseCost": 1})
    for _ in range(2):
        await harness.users.report(caller, report)
    with pytest.raises(TooManyRequests):
        await harness.users.report(caller, report)
    assert await harness.get_charges(caller.uid) == [1_000_000] * 2


async def test_calls_to_unpublished_names_are_not_counted(create_harness: Any, database: Database) -> None:
    """A call to an unpublished name stores no rate limit."""
    harness = create_harness()
    published = PublishedService(harness.database, harness.runs, harness.settings)
    for number in range(3):
        with pytest.raises(NotFound):
            await published.call(f"made-up-{number}", {}, "1.2.3.4")
    assert await database._client.collection("rateLimits").get() == []  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
async def create_harness(settings: Settings, catalog: Catalog) -> Any:
    def make(**changes: object) -> Harness:
        return Harness(settings.model_copy(update=changes), catalog)

    return make
