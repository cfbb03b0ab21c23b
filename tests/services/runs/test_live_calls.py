"""When the calls of a run are made: as soon as its code has come that far, and not only when the run is woken."""

import asyncio
from types import SimpleNamespace
from typing import Any

from shared import clock
from shared.models.chat import TicketStatus
from shared.sandbox.recorder import Call
from shared.sandbox.suspension import Suspension
from shared.sandbox.timeline import Timeline
from tests.doubles.model_server import ModelServer
from tests.services.harness import Harness
from tests.services.runs.running import start, work_on


async def test_a_run_is_not_put_aside_before_its_code_has_got_an_answer(
    harness: Harness, model_server: ModelServer
) -> None:
    """Another part of the code sleeps for an hour. The calls that follow from the answer are made before that."""
    code = """
import asyncio
async def run(input_dict, tools):
    async def call_models():
        for n in range(3):
            await call_llm("openai", "gpt-4.1-mini", f"call {n}", {"max_tokens": 100})
    await asyncio.gather(asyncio.sleep(3600), call_models())
"""
    ticket = await work_on(harness, await start(harness, code))
    assert ticket.status is TicketStatus.WAITING
    assert len(model_server.calls) == 3


def make_timeline(last_number: int) -> Timeline:
    """Returns the timeline of a program of which calls up to this number are recorded."""

    async def send(message: bytes, advance: int) -> None:
        pass

    suspension = Suspension(clock.time)
    recorder: Any = SimpleNamespace(suspension=suspension, clock=0, is_resumed=last_number > 0, last_number=last_number)
    worker: Any = SimpleNamespace(ended=asyncio.get_running_loop().create_future(), send=send)
    timeline = Timeline(recorder, worker)
    suspension.enter(timeline)
    suspension.begin_call()
    return timeline


async def test_a_call_is_made_when_all_recorded_calls_have_been_received() -> None:
    """Its program then waits for it, so nothing else would let it start."""
    timeline = make_timeline(last_number=2)
    timeline.begin(1)
    first = asyncio.create_task(timeline.until_live())
    await asyncio.sleep(0)
    assert not first.done()
    timeline.begin(2)
    waiting = asyncio.create_task(timeline.wait(None))
    async with asyncio.timeout(20):
        await first
    waiting.cancel()


async def test_an_answer_does_not_wait_for_a_call_that_is_withdrawn_as_it_ends() -> None:
    """The program cancelled a call of a model. Its charge was being written when another answer arrived."""
    timeline = make_timeline(last_number=0)
    withdrawn, other = (Call(number, "http", "{}", 1, 0, timeline.end) for number in (1, 2))
    timeline.begin(1)
    timeline.begin(2)
    waiting = asyncio.create_task(timeline.wait(None))
    await asyncio.sleep(0)
    withdrawn.end()
    timeline.arrive(2, other.end(), {"value": None})
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    timeline.withdraw(1)
    async with asyncio.timeout(20):
        await waiting
