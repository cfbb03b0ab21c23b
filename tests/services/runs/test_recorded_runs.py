"""Runs whose workers die continue where they stopped, and nothing is done twice."""

import asyncio
from collections.abc import Callable

import pytest

from shared.models.agent_run import StepStatus
from shared.models.chat import TicketStatus
from shared.models.journal import Segment
from shared.models.ticket import Ticket
from shared.store.journals import JournalStore
from tests.doubles.api_server import ApiServer
from tests.doubles.model_server import Answer, ModelServer
from tests.services.chat.dispatching import expire_lease, get_ticket
from tests.services.harness import Harness
from tests.services.publishing import save
from tests.services.runs.running import OWNER, die, start, work_on


async def interrupt(harness: Harness, run_id: str, condition: Callable[[], bool], recorded: int) -> None:
    """Has a worker die when the condition holds, and the outcomes of this many calls are recorded."""
    dying = asyncio.create_task(harness.deliver(run_id))
    async with asyncio.timeout(20):
        while not condition() or await count_outcomes(harness, run_id) < recorded:  # noqa: ASYNC110 - other threads
            await asyncio.sleep(0.01)
    await die(dying)
    await expire_lease(harness, run_id)


async def count_outcomes(harness: Harness, run_id: str) -> int:
    segments = await harness.database.journals.read_steps(run_id, 100)
    return sum(step.ended_at is not None for segment in segments for step in segment.steps)


async def finish(harness: Harness, run_id: str) -> Ticket:
    await harness.deliver(run_id)
    return await get_ticket(harness, run_id)


async def test_a_run_is_recorded(harness: Harness, model_server: ModelServer) -> None:
    """Its steps have the model, the times, the cost and a preview, and its lines the time of each."""
    model_server.script("hi", Answer("hello", prompt_tokens=1000, completion_tokens=100))
    code = """
async def run(input_dict, tools):
    print("starting")
    content, _ = await call_llm("openai", "gpt-4.1-mini", "hi", {"max_tokens": 100})
    print("one\\ntwo", end="")
    return {"said": content, "n": input_dict["n"]}
"""
    run_id = await start(harness, code, {"n": 3})
    ticket = await work_on(harness, run_id)
    assert (ticket.status, ticket.error) == (TicketStatus.COMPLETED, None)
    assert ticket.result is not None
    assert ticket.result.thoughts == {"said": "hello", "n": 3}
    assert await harness.get_charges(OWNER.uid) == [560]
    lines = await harness.database.journals.read_logs(run_id)
    assert [line.text for line in lines] == ["starting", "one", "two"]
    (step,) = [step for segment in await harness.database.journals.read_steps(run_id, 10) for step in segment.steps]
    assert (step.call, step.name, step.status, step.preview) == (
        "1",
        "openai/gpt-4.1-mini",
        StepStatus.COMPLETED,
        "hello",
    )
    assert step.usage is not None
    assert (step.cost, step.usage.total_tokens) == (0.00056, 1100)
    assert step.ended_at is not None
    assert lines[0].at <= step.started_at <= step.ended_at <= lines[1].at


async def test_what_was_done_is_not_repeated(
    harness: Harness, api_server: ApiServer, model_server: ModelServer
) -> None:
    """The code gets the same answers, times and random numbers again. What it printed is not recorded twice."""
    model_server.script("hi", Answer("hello", prompt_tokens=1000, completion_tokens=100))
    code = f"""
import random, secrets, time, uuid
async def run(input_dict, tools):
    seen = [random.random(), secrets.token_hex(4), str(uuid.uuid4()), hash("a"), sorted({{"x", "y", "z"}})]
    print("first")
    content, _ = await call_llm("openai", "gpt-4.1-mini", "hi", {{"max_tokens": 100}})
    seen += [content, time.time(), time.monotonic()]
    first = await http_client.post("{api_server.address}/echo", json=seen)
    print("second")
    await http_client.get("{api_server.address}/slow?seconds=3")
    return {{"seen": seen, "sent": json.loads(first.json()["body"])}}
"""
    run_id = await start(harness, code)
    await interrupt(harness, run_id, lambda: "/slow" in api_server.paths(), recorded=2)
    ticket = await finish(harness, run_id)
    assert ticket.result is not None, ticket.error
    assert ticket.result.thoughts["seen"] == ticket.result.thoughts["sent"]
    assert api_server.paths() == ["/echo", "/slow", "/slow"]
    assert len(model_server.calls) == 1
    assert await harness.get_charges(OWNER.uid) == [560]
    assert [line.text for line in await harness.database.journals.read_logs(run_id)] == ["first", "second"]
    assert (ticket.result.cost, ticket.result.usage.total_tokens) == (0.00056, 1100)


@pytest.mark.parametrize("is_caught", [True, False])
async def test_a_call_of_unknown_outcome_is_not_repeated(
    is_caught: bool, harness: Harness, api_server: ApiServer
) -> None:
    """The code gets an `InterruptedCall`, which it can catch."""
    code = f"""
async def run(input_dict, tools):
    try:
        await http_client.put("{api_server.address}/slow?seconds=3", json={{}})
    except InterruptedCall as error:
        if not {is_caught}:
            raise
        return "caught " + type(error).__name__
"""
    run_id = await start(harness, code)
    await interrupt(harness, run_id, lambda: "/slow" in api_server.paths(), recorded=0)
    ticket = await finish(harness, run_id)
    assert api_server.paths() == ["/slow"]
    if is_caught:
        assert ticket.result is not None, ticket.error
        assert ticket.result.content == "caught InterruptedCall"
    else:
        assert ticket.error is not None
        assert ticket.error.startswith(
            "The agent failed: InterruptedCall: The run was interrupted during the call 'PUT"
        )
    steps = [step for segment in await harness.database.journals.read_steps(run_id, 10) for step in segment.steps]
    assert [step.status for step in steps] == [StepStatus.RUNNING, StepStatus.INTERRUPTED]


async def test_races_are_decided_as_before(harness: Harness, api_server: ApiServer) -> None:
    """Whichever of a request and a timer came first comes first again, and answers keep their order."""
    slow = f"{api_server.address}/slow?seconds"
    code = f"""
import asyncio
async def run(input_dict, tools):
    seen = []
    async def get(seconds):
        await http_client.get("{slow}=" + str(seconds))
        seen.append(seconds)
    await asyncio.gather(get(0.6), get(0.1), get(0.3))
    try:
        async with asyncio.timeout(0.2):
            await get(0.5)
    except TimeoutError:
        seen.append("timeout")
    done, rest = await asyncio.wait(
        [asyncio.create_task(get(0.2)), asyncio.create_task(asyncio.sleep(0.4))], return_when="FIRST_COMPLETED")
    seen.append(len(done))
    await http_client.get("{slow}=3.5")
    return seen
"""
    run_id = await start(harness, code)
    await interrupt(harness, run_id, lambda: any("3.5" in call.query for call in api_server.calls), recorded=5)
    ticket = await finish(harness, run_id)
    assert ticket.result is not None, ticket.error
    assert ticket.result.thoughts == [0.1, 0.3, 0.6, "timeout", 0.2, 1]
    assert len([path for path in api_server.paths() if path == "/slow"]) == 7, "five, and the last one twice"


async def test_code_that_takes_another_way_ends_the_run(
    harness: Harness, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the line, the call, and both arguments."""
    code = f"""
async def run(input_dict, tools):
    await http_client.post("{api_server.address}/echo", json={{"n": 1}})
    await http_client.get("{api_server.address}/slow?seconds=3")
"""
    run_id = await start(harness, code)
    await interrupt(harness, run_id, lambda: "/slow" in api_server.paths(), recorded=1)
    read = JournalStore.read

    async def read_with_other_code(store: JournalStore, run_id: str) -> list[Segment]:
        return [
            segment.model_copy(update={"text": segment.text.replace('json={\\"n\\": 1}', 'json={\\"n\\": 2}')})
            for segment in await read(store, run_id)
        ]

    monkeypatch.setattr(JournalStore, "read", read_with_other_code)
    ticket = await finish(harness, run_id)
    assert ticket.error is not None
    assert ticket.error.startswith("The agent failed: ReplayDiverged: line 3: The code was run again")
    assert '"json": {"n": 1}' in ticket.error
    assert '"json": {"n": 2}' in ticket.error
    assert api_server.paths() == ["/echo", "/slow"]


async def test_agents_that_call_agents_continue(
    harness: Harness, api_server: ApiServer, model_server: ModelServer
) -> None:
    """Inner agents continue at their own line."""
    for name in ("a", "b"):
        model_server.script(name, Answer(name.upper(), prompt_tokens=1000, completion_tokens=100))
    inner = f"""
async def run(input_dict, tools):
    content, _ = await call_llm("openai", "gpt-4.1-mini", input_dict["name"], {{"max_tokens": 100}})
    await http_client.get("{api_server.address}/slow?seconds=" + input_dict["seconds"])
    return content
"""
    outer = """
import asyncio
async def run(input_dict, tools):
    call = gofannon_client.call
    return await asyncio.gather(
        call("Inner", {"name": "a", "seconds": "0.1"}), call("Inner", {"name": "b", "seconds": "2.5"}))
"""
    agent = await save(harness.database, OWNER, inner, name="Inner")
    run_id = await start(harness, outer, gofannonAgents=[agent.id])
    await interrupt(harness, run_id, lambda: any("2.5" in call.query for call in api_server.calls), recorded=4)
    ticket = await finish(harness, run_id)
    assert ticket.result is not None, ticket.error
    assert ticket.result.thoughts == ["A", "B"]
    assert sorted(call.query for call in api_server.calls) == ["seconds=0.1", "seconds=2.5", "seconds=2.5"]
    assert await harness.get_charges(OWNER.uid) == [560, 560]


async def test_a_call_that_nobody_waits_for_is_not_made_again(harness: Harness, api_server: ApiServer) -> None:
    """The code had given up on it before its worker died."""
    slow = f"{api_server.address}/slow?seconds"
    code = f"""
import asyncio
async def run(input_dict, tools):
    try:
        async with asyncio.timeout(0.1):
            await http_client.get("{slow}=20")
    except TimeoutError:
        pass
    await http_client.post("{api_server.address}/echo", json={{}})
    await http_client.get("{slow}=3")
    return "done"
"""
    run_id = await start(harness, code)
    await interrupt(harness, run_id, lambda: any(call.query == "seconds=3" for call in api_server.calls), recorded=1)
    ticket = await finish(harness, run_id)
    assert ticket.result is not None, ticket.error
    assert [call.query for call in api_server.calls] == ["seconds=20", "", "seconds=3", "seconds=3"]


async def test_what_a_run_prints_is_limited(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is not stored, and the last line says so."""
    monkeypatch.setattr("shared.services.agents.program_journal.MAX_PRINTED_CHARACTERS", 20)
    code = "async def run(input_dict, tools):\n    for n in range(10):\n        print('0123456789')"
    run_id = await start(harness, code)
    await work_on(harness, run_id)
    *lines, notice = [line.text for line in await harness.database.journals.read_logs(run_id)]
    assert lines == ["0123456789"] * 2
    assert notice == "… More was printed; only the first 20 characters are stored."
