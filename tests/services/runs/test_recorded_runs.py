"""Runs that are recorded: they continue where they stopped."""

import asyncio
from typing import Any

from shared.models.agent_run import StartRunRequest
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.ticket import Ticket
from shared.services.chat.run_submission import RunSubmission
from tests.doubles.api_server import ApiServer
from tests.doubles.model_server import Answer, ModelServer
from tests.services.chat.dispatching import expire_lease, get_ticket
from tests.services.harness import Harness
from tests.services.publishing import save

OWNER = Caller(uid="owner")


async def start(harness: Harness, code: str, input_dict: dict[str, Any] | None = None) -> str:
    agent = await save(harness.database, OWNER, code)
    submission = RunSubmission(harness.database, harness.queue, harness.settings)
    started, _ = await submission.start(OWNER, StartRunRequest(agent_id=agent.id, input=input_dict or {}), None)
    return started.run_id


async def run_to_pause(harness: Harness, run_id: str) -> Ticket:
    await harness.deliver(run_id)
    return await get_ticket(harness, run_id)


async def test_a_run_completes(harness: Harness, model_server: ModelServer) -> None:
    """The simplest case."""
    model_server.script("hi", Answer("hello", prompt_tokens=1000, completion_tokens=100))
    code = """
async def run(input_dict, tools):
    print("starting")
    content, _ = await call_llm("openai", "gpt-4.1-mini", "hi", {"max_tokens": 100})
    print("done")
    return {"said": content, "n": input_dict["n"]}
"""
    run_id = await start(harness, code, {"n": 3})
    ticket = await run_to_pause(harness, run_id)
    assert ticket.error is None
    assert ticket.status is TicketStatus.COMPLETED
    assert ticket.result is not None
    assert ticket.result.thoughts == {"said": "hello", "n": 3}
    assert await harness.get_charges(OWNER.uid) == [560]
    assert [line.text for line in await harness.database.journals.read_logs(run_id)] == ["starting", "done"]


async def test_a_run_continues_after_its_worker_died(
    harness: Harness, api_server: ApiServer, model_server: ModelServer
) -> None:
    """Nothing is done twice."""
    model_server.script("hi", Answer("hello", prompt_tokens=1000, completion_tokens=100))
    code = f"""
import random, time
async def run(input_dict, tools):
    number = random.random()
    content, _ = await call_llm("openai", "gpt-4.1-mini", "hi", {{"max_tokens": 100}})
    first = time.time()
    r = await http_client.post("{api_server.address}/echo", json={{"number": number, "time": first, "said": content}})
    sent = r.json()
    await http_client.get("{api_server.address}/slow?seconds=20" if input_dict["slow"] else "{api_server.address}/echo")
    return {{"number": number, "time": first, "same": True, "said": content, "sent": sent["body"]}}
"""
    run_id = await start(harness, code, {"slow": True})
    dying = asyncio.create_task(harness.deliver(run_id))
    while "/slow" not in api_server.paths():  # noqa: ASYNC110 - another thread receives the request
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await expire_lease(harness, run_id)
    second = asyncio.create_task(harness.deliver(run_id))
    while api_server.paths().count("/slow") < 2:  # noqa: ASYNC110 - another thread receives the request
        await asyncio.sleep(0.01)
    assert api_server.paths() == ["/echo", "/slow", "/slow"]
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert await harness.get_charges(OWNER.uid) == [560]
