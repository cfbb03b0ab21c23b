"""Recorded runs: what the journal costs each call, and how soon a run with many calls is back at its line."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from google.cloud.firestore import AsyncClient

from bench.backends import Backends, start_backends
from bench.http import Connection, write_request
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.served import Served, serve_function
from bench.tickets import LedgerWrong, check_account
from bench.watching import MeasurementFailed
from shared import clock
from shared.models.agent_run import StartRunRequest
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.ticket import Ticket
from shared.services.chat.run_submission import RunSubmission
from shared.settings import Settings
from shared.store import Database, Transaction
from shared.tasks import task_queue
from tests.services.publishing import publish

_CALLS = 100
_CODE = f"""
async def run(input_dict, tools):
    for _ in range({_CALLS}):
        await call_llm("openai", "gpt-4.1-mini", "hi", {{"max_tokens": 1000}})
    return await ask("?") if input_dict["asks"] else "done"
"""
_OWNER = Caller(uid="owner")
_NAME = "caller"


def measure(rounds: int) -> Iterator[Row]:
    """Yields the cost of a recorded call, and the time to continue. All results and charges are checked."""
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(RUN_MAX_CALLS="1000", RUN_MAX_COST="1000", TRUSTED_PROXIES="1"))
        worker = stack.enter_context(serve_function("worker", backends.environ))
        deployments = stack.enter_context(serve_function("deployments", backends.environ))
        run(_publish(backends))
        added: list[float] = []
        resumed: list[float] = []
        plain_ms: list[float] = []
        segments = 0
        made = 0
        for number in count_rounds(rounds, "runs", warm_up=True):
            plain = run(_time(deployments, f"/rest/{_NAME}", {"asks": False}))
            recorded = run(_time_run(backends, worker))
            seconds, segments = run(_time_continuation(backends, worker))
            made += 3 * _CALLS
            if number:
                plain_ms.append(1000 * plain / _CALLS)
                added.append(1000 * (recorded - plain) / _CALLS)
                resumed.append(1000 * seconds)
        run(check_account(AsyncClient(project=backends.project), _OWNER.uid, made))
        note = (
            f"{_CALLS} paid model calls, one after the other; without a journal, a call takes {median(plain_ms):.1f} ms"
        )
        yield Row("a recorded call: what the journal adds", "ms", added, target=Target(10), note=note)
        note = f"until it has ended and is settled; its journal has {segments} segments"
        yield Row(f"a run with {_CALLS} calls continues", "ms", resumed, target=Target(300), note=note)


async def _publish(backends: Backends) -> None:
    await publish(backends.database(), _OWNER, _NAME, _CODE)


async def _time(function: Served, path: str, body: object) -> float:
    """Returns how long a request takes. Raises `MeasurementFailed` if it fails."""
    connection = await Connection.open(function.port)
    began = time.perf_counter()
    response = await connection.send(write_request("POST", path, {}, json.dumps(body).encode()))
    seconds = time.perf_counter() - began
    connection.close()
    if not response.succeeded:
        raise MeasurementFailed(f"POST {path}: {response.status} {response.body[:300]!r}")
    return seconds


async def _time_run(backends: Backends, worker: Served) -> float:
    database = backends.database()
    run_id = await _start(backends, database, asks=False)
    seconds = await _time(worker, "/", {"ticket_id": run_id})
    await _find(database, run_id, TicketStatus.COMPLETED)
    return seconds


async def _time_continuation(backends: Backends, worker: Served) -> tuple[float, int]:
    """Returns how long a run takes to continue and end after its question was answered, and its number of segments."""
    database = backends.database()
    run_id = await _start(backends, database, asks=True)
    await _time(worker, "/", {"ticket_id": run_id})
    waiting = await _find(database, run_id, TicketStatus.WAITING)
    segments = len(await database.journals.read(run_id))

    async def answer(transaction: Transaction) -> None:
        ticket = await database.tickets.get(run_id, transaction)
        if ticket is not None:
            database.tickets.put(ticket.answer(waiting.questions[0].call, '"yes"', clock.now()), transaction)

    await database.transaction(answer)
    seconds = await _time(worker, "/", {"ticket_id": run_id})
    await _find(database, run_id, TicketStatus.COMPLETED)
    return seconds, segments


async def _start(backends: Backends, database: Database, *, asks: bool) -> str:
    settings = Settings.from_environ(backends.environ)
    submission = RunSubmission(database, task_queue(settings), settings)
    request = StartRunRequest(friendly_name=_NAME, input={"asks": asks})
    started, _ = await submission.start(_OWNER, request, None)
    return started.run_id


async def _find(database: Database, run_id: str, status: TicketStatus) -> Ticket:
    ticket = await database.tickets.get(run_id)
    if ticket is None or ticket.status is not status:
        raise LedgerWrong(f"A run is {ticket and ticket.status}, not {status}: {ticket and ticket.error}")
    return ticket
