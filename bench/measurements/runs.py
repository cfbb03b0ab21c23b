"""Recorded runs: what the journal costs each call, and how soon a run with many calls is back at its line."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Timing:
    """How long a request took, and the CPU time of the function and its sandboxes meanwhile."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class _JournalSize:
    segments: int
    characters: int


def measure(rounds: int) -> Iterator[Row]:
    """Yields the cost of a recorded call, and the time to continue. All results and charges are checked."""
    with ExitStack() as stack:
        backends = stack.enter_context(start_backends(RUN_MAX_CALLS="1000", RUN_MAX_COST="1000", TRUSTED_PROXIES="1"))
        worker = stack.enter_context(serve_function("worker", backends.environ))
        deployments = stack.enter_context(serve_function("deployments", backends.environ))
        run(_publish(backends))
        plain: list[_Timing] = []
        recorded: list[_Timing] = []
        resumed: list[_Timing] = []
        journal = _JournalSize(0, 0)
        made = 0
        for number in count_rounds(rounds, "runs", warm_up=True):
            unrecorded = run(_time(deployments, f"/rest/{_NAME}", {"asks": False}))
            run_timing = run(_time_run(backends, worker))
            continuation, journal = run(_time_continuation(backends, worker))
            made += 3 * _CALLS
            if number:
                plain.append(unrecorded)
                recorded.append(run_timing)
                resumed.append(continuation)
        run(check_account(AsyncClient(project=backends.project), _OWNER.uid, made))
        yield _write_call_row(plain, recorded)
        note = (
            f"until it has ended and is settled; its journal has {journal.segments} segments with "
            f"{journal.characters / 1000:.0f} kB; CPU time: {_median_cpu(resumed):.0f} ms"
        )
        milliseconds = [1000 * each.seconds for each in resumed]
        yield Row(f"a run with {_CALLS} calls continues", "ms", milliseconds, target=Target(300), note=note)


def _write_call_row(plain: list[_Timing], recorded: list[_Timing]) -> Row:
    added = [1000 * (ours.seconds - bare.seconds) / _CALLS for ours, bare in zip(recorded, plain, strict=True)]
    plain_ms = [1000 * each.seconds / _CALLS for each in plain]
    note = (
        f"{_CALLS} paid model calls, one after the other; without a journal, a call takes {median(plain_ms):.1f} ms; "
        f"CPU time per call: {_median_cpu(recorded) / _CALLS:.1f} ms, without a journal "
        f"{_median_cpu(plain) / _CALLS:.1f} ms"
    )
    raw = {"plain": plain_ms, "recorded": [1000 * each.seconds / _CALLS for each in recorded]}
    return Row("a recorded call: what the journal adds", "ms", added, target=Target(10), note=note, raw=raw)


def _median_cpu(timings: list[_Timing]) -> float:
    """Returns milliseconds."""
    return median(1000 * timing.cpu_seconds for timing in timings)


async def _publish(backends: Backends) -> None:
    await publish(backends.database(), _OWNER, _NAME, _CODE)


async def _time(function: Served, path: str, body: object) -> _Timing:
    """Sends a request. Raises `MeasurementFailed` if it fails."""
    connection = await Connection.open(function.port)
    cpu_before = function.total_cpu_seconds()
    began = time.perf_counter()
    response = await connection.send(write_request("POST", path, {}, json.dumps(body).encode()))
    seconds = time.perf_counter() - began
    cpu_seconds = function.total_cpu_seconds() - cpu_before
    connection.close()
    if not response.succeeded:
        raise MeasurementFailed(f"POST {path}: {response.status} {response.body[:300]!r}")
    return _Timing(seconds, cpu_seconds)


async def _time_run(backends: Backends, worker: Served) -> _Timing:
    database = backends.database()
    run_id = await _start(backends, database, asks=False)
    timing = await _time(worker, "/", {"ticket_id": run_id})
    await _find(database, run_id, TicketStatus.COMPLETED)
    return timing


async def _time_continuation(backends: Backends, worker: Served) -> tuple[_Timing, _JournalSize]:
    """Returns how long a run takes to continue and end after its question was answered, and its journal's size."""
    database = backends.database()
    run_id = await _start(backends, database, asks=True)
    await _time(worker, "/", {"ticket_id": run_id})
    waiting = await _find(database, run_id, TicketStatus.WAITING)
    segments = await database.journals.read(run_id)

    async def answer(transaction: Transaction) -> None:
        ticket = await database.tickets.get(run_id, transaction)
        if ticket is not None:
            database.tickets.put(ticket.answer({waiting.questions[0].call: '"yes"'}, clock.now()), transaction)

    await database.transaction(answer)
    timing = await _time(worker, "/", {"ticket_id": run_id})
    await _find(database, run_id, TicketStatus.COMPLETED)
    return timing, _JournalSize(len(segments), sum(len(segment.text) for segment in segments))


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
