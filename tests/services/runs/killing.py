"""Runs agents whose workers are killed at a boundary, until they have ended, and compares how they end."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.cloud.firestore_v1.base_query import FieldFilter

from shared import clock
from shared.models.agent_run import StartRunRequest, StepStatus
from shared.models.caller import Caller
from shared.models.chat import TicketStatus
from shared.models.hold import Hold
from shared.models.ticket import Ticket
from shared.models.wire import JsonObject
from shared.services.accounts.spending import SpendingService
from shared.services.chat.run_submission import RunSubmission
from shared.settings import Settings
from shared.store import Transaction
from tests.services.chat.dispatching import expire_lease, get_ticket
from tests.services.harness import Harness
from tests.services.publishing import save
from tests.services.runs.cases import TOOLS, Case, read_code
from tests.services.runs.counted_servers import CountedServers, Effects

_ROOT = Path(__file__).parents[3]
_MAX_DELIVERIES = 20
_WARNINGS = ("-W", "ignore", "-W", "error:Pydantic serializer warnings:UserWarning")
COST = 100
"""What each call of a model costs, in millionths of a dollar."""


@dataclass
class Outcome:
    """How a run has ended. `boundaries`: those that it passed. `stopped`: those at which workers stopped.

    `holds`: the number of those that are left for the sweep. `held`: what is still held after that. `running`: the
    calls of which the run's owner does not see an end.
    """

    ticket: Ticket
    effects: Effects
    lines: list[str]
    charges: list[int]
    held: int
    holds: int
    running: list[str]
    boundaries: list[str]
    deliveries: int
    stopped: list[str]
    has_stalled: bool

    @property
    def result(self) -> Any:
        return None if self.ticket.result is None else self.ticket.result.thoughts


class Workers:
    """Worker processes that each serve one delivery at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()

    async def start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                *_WARNINGS,
                "-m",
                "tests.services.runs.killable_worker",
                self._settings.model_dump_json(),
            ),
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": f"{_ROOT}:{_ROOT / 'emulator-config'}"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._free.put_nowait(process)
        return process

    async def deliver(self, delivery: dict[str, Any], stalled: AsyncExitStack) -> int | None:
        """Has a worker answer a delivery. Returns the exit code of its process; negative for a signal.

        Returns None if the process stalls. It goes on, and ends, when the stack is closed.
        """
        process = await self._free.get()
        assert process.stdin is not None
        process.stdin.write(json.dumps(delivery).encode() + b"\n")
        report = await _read_report(process)
        if "stalled" not in report:
            self._free.put_nowait(process)
            return report["status"]

        async def end() -> None:
            os.kill(report["stalled"], signal.SIGCONT)
            await _read_report(process)
            self._free.put_nowait(process)

        stalled.push_async_callback(end)
        return None


async def _read_report(process: asyncio.subprocess.Process) -> dict[str, int]:
    assert process.stdout is not None
    return json.loads(await process.stdout.readline())


@asynccontextmanager
async def running_workers(settings: Settings, number: int) -> AsyncGenerator[Workers]:
    """Provides worker processes, and ends them."""
    workers = Workers(settings)
    processes = [await workers.start() for _ in range(number)]
    try:
        yield workers
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        await asyncio.gather(*(process.wait() for process in processes))


@dataclass(frozen=True)
class Killing:
    """Runs cases with workers that die. `folder`: where the workers note the boundaries that they pass."""

    harness: Harness
    workers: Workers
    servers: CountedServers
    folder: Path

    async def run(self, case: Case, stop_at: tuple[int, ...] = (), stop_signal: int = signal.SIGKILL) -> Outcome:
        """Runs a case with a user of its own. Workers are killed, or stall, at the boundaries with these numbers.

        A worker that stalls goes on when others have ended the run.
        """
        owner = Caller(uid=f"owner-{uuid4().hex[:12]}")
        trace = self.folder / owner.uid
        run_id = await self._start(case, owner)
        moved, deliveries, stopped = 0.0, 0, list[str]()
        async with AsyncExitStack() as stalled:
            while not (ticket := await get_ticket(self.harness, run_id)).status.finished:
                if ticket.status is TicketStatus.PROCESSING:
                    await expire_lease(self.harness, run_id)
                elif ticket.status is TicketStatus.WAITING:
                    moved = await self._wake(case, ticket, moved)
                delivery = {"ticket": run_id, "trace": str(trace), "stop_at": stop_at, "signal": stop_signal}
                status = await self.workers.deliver({**delivery, "clock": moved}, stalled)
                deliveries += 1
                if status in (-signal.SIGKILL, None):
                    stopped.append(read_lines(trace)[-1])
                if status not in (0, -signal.SIGKILL, None) or deliveries > _MAX_DELIVERIES:
                    raise RuntimeError(f"The workers of {run_id} failed: {status} after {deliveries} deliveries.")
        outcome = await self._look(ticket, owner, trace, deliveries, stopped)
        return replace(outcome, has_stalled=stop_signal == signal.SIGSTOP)

    async def _start(self, case: Case, owner: Caller) -> str:
        tools = {f"{self.servers.address}/mcp": TOOLS}
        ids: list[str] = []
        for name in case.callees:
            callee = await save(self.harness.database, owner, read_code(name), name=name, gofannonAgents=ids)
            ids.append(callee.id)
        agent = await save(self.harness.database, owner, case.code, name=case.name, gofannonAgents=ids, tools=tools)
        api = f"{self.servers.address}/runs/{owner.uid}"
        body: JsonObject = {"api": api, "mcp": f"{self.servers.address}/mcp", "key": owner.uid}
        submission = RunSubmission(self.harness.database, self.harness.queue, self.harness.settings)
        started, _ = await submission.start(owner, StartRunRequest(agent_id=agent.id, input=body), None)
        return started.run_id

    async def _wake(self, case: Case, ticket: Ticket, moved: float) -> float:
        """Answers a question, or moves the clock to when the run continues. Returns how far the clock is moved."""
        now = clock.now() + timedelta(seconds=moved)
        for question in ticket.questions:
            answers = [value for start, value in case.answers.items() if question.text.startswith(start)]
            if answers and question.answer is None:
                text = json.dumps(answers[0])

                async def write(transaction: Transaction, call: str = question.call, text: str = text) -> None:
                    stored = await self.harness.database.tickets.get(ticket.id, transaction)
                    assert stored is not None
                    self.harness.database.tickets.put(stored.answer({call: text}, now), transaction)

                await self.harness.database.transaction(write)
                return moved
        assert ticket.wake_at is not None
        return moved + max(0.0, (ticket.wake_at - now).total_seconds()) + 0.01

    async def _look(self, ticket: Ticket, owner: Caller, trace: Path, deliveries: int, stopped: list[str]) -> Outcome:
        database = self.harness.database
        holds = await self._give_up_holds(owner)
        account = await self.harness.account(owner.uid)
        segments = await database.journals.read_steps(ticket.id, 1000)
        steps = {step.call: step for segment in segments for step in segment.steps}
        return Outcome(
            ticket=ticket,
            effects=self.servers.effects[owner.uid],
            lines=[line.text for line in await database.journals.read_logs(ticket.id)],
            charges=await self.harness.get_charges(owner.uid),
            held=account.held,
            holds=holds,
            running=[call for call, step in steps.items() if step.status is StepStatus.RUNNING],
            boundaries=read_lines(trace),
            deliveries=deliveries,
            stopped=stopped,
            has_stalled=False,
        )

    async def _give_up_holds(self, owner: Caller) -> int:
        """Does to the owner's holds what the sweep does when they expire. Returns how many there were."""
        database = self.harness.database
        client = database._client  # pyright: ignore[reportPrivateUsage]
        query = client.collection("holds").where(filter=FieldFilter("owner", "==", owner.uid))
        holds = [Hold(id=snapshot.id, **(snapshot.to_dict() or {})) for snapshot in await query.get()]
        for hold in holds:
            await SpendingService(database, self.harness.settings).give_up(hold)
        return len(holds)


def read_lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def is_interrupted(case: Case, outcome: Outcome) -> bool:
    """Whether a run ended with one of the results that are allowed only if its worker died during a certain call."""
    error = outcome.ticket.error
    if not any(label.endswith(case.at_risk) for label in outcome.stopped):
        return False
    if error is not None:
        return any(str(text) in error for text in case.interrupted)
    return outcome.result in case.interrupted


def find_problems(case: Case, outcome: Outcome) -> list[str]:
    """Returns in what respects a run has ended otherwise than it should have."""
    ticket, effects = outcome.ticket, outcome.effects
    problems = list(effects.problems)

    def expect(what: str, found: Any, *expected: Any) -> None:
        if found not in expected:
            problems.append(f"{what}: {found!r} instead of {' or '.join(map(repr, expected))}")

    interrupted = is_interrupted(case, outcome)
    if not interrupted:
        result = outcome.result
        if isinstance(result, dict):
            result = {name: value for name, value in result.items() if name not in case.volatile}
        expect("The result", result, case.result)
        expect("The error", ticket.error, case.error)
    expect("The number of POST requests", len(effects.posts), case.posts)
    for name, number in case.other.items():
        expect(f"The number of {name}", effects.other[name], *((0, number) if interrupted else (number,)))
    if outcome.has_stalled:  # what a stalled worker writes late is shown twice
        expect("The lines", set(outcome.lines), set(case.lines))
    else:
        expect("The lines", Counter(outcome.lines), Counter(case.lines))
    abandoned = case.abandoned if outcome.stopped else 0
    expect("The number of charges", len(outcome.charges), *range(case.models - abandoned, case.models + 1))
    expect("The charges", outcome.charges.count(COST), *range(case.models - abandoned, case.models + 1))
    expect("The number of holds", outcome.holds, *range(abandoned + 1))
    expect("The amount held at the end", outcome.held, 0)
    expect("The steps that never ended", outcome.running, [])
    return problems
