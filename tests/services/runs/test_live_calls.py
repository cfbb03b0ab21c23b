"""When the calls of a run are made: as soon as its code has come that far, and not only when the run is woken."""

import asyncio
from types import SimpleNamespace
from typing import Any

from shared import clock
from shared.models.chat import TicketStatus
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


async def test_a_call_is_made_when_all_recorded_calls_have_been_received() -> None:
    """Its program then waits for it, so nothing else would let it start."""

    async def send(message: bytes, advance: int) -> None:
        pass

    suspension = Suspension(clock.time)
    recorder: Any = SimpleNamespace(suspension=suspension, clock=0, is_resumed=True, last_number=2)
    worker: Any = SimpleNamespace(ended=asyncio.get_running_loop().create_future(), send=send)
    timeline = Timeline(recorder, worker)
    suspension.enter(timeline)
    suspension.begin_call()
    timeline.begin(1)
    first = asyncio.create_task(timeline.until_live())
    await asyncio.sleep(0)
    assert not first.done()
    timeline.begin(2)
    waiting = asyncio.create_task(timeline.wait(None))
    async with asyncio.timeout(20):
        await first
    waiting.cancel()
