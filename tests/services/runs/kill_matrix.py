"""Kills the worker of each agent of the corpus at each boundary, and prints a table of how the runs end.

`python -m tests.services.runs.kill_matrix [--every N] [--way WAY] [NAME …]`: of all agents, or some; at each boundary,
or at every N-th one. `WAY`: `once`; `twice`, for another kill a few boundaries later; or `stall`, for a worker that is
stopped instead, and goes on after another one has ended the run.
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from local_platform.firestore_emulator import firestore_emulator
from shared.llm.catalog import Catalog
from shared.settings import Settings
from tests.doubles.cloud_tasks import CloudTasksServer
from tests.services.harness import Harness
from tests.services.runs.cases import CASES, Case
from tests.services.runs.counted_servers import CountedServers
from tests.services.runs.killing import Killing, find_problems, is_interrupted, running_workers

WORKERS = 3
_STALLED = 2
"""The maximum number of runs at a time if workers stall: each then needs another worker."""
_UNTIL_SECOND = 7
"""The number of boundaries after the first kill at which the next worker is killed."""


@dataclass
class Row:
    """The results for one agent. `interrupted`: the number of runs that got an `InterruptedCall`.

    `problems`: in what respects runs ended otherwise than they should have, by the boundary at which the worker died.
    """

    name: str
    boundaries: int = 0
    kills: int = 0
    interrupted: int = 0
    problems: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        verdict = "the same" if not self.problems else f"{len(self.problems)} PROBLEMS"
        return f"| {self.name:<20} | {self.boundaries:>10} | {self.kills:>5} | {self.interrupted:>11} | {verdict:<12} |"


async def kill_at_each(killing: Killing, case: Case, every: int = 1, way: str = "once") -> Row:
    """Runs the case without a kill, and then once for each boundary at which its worker is killed, or stalls."""
    row = Row(case.name)
    outcome = await killing.run(case)
    at_once = asyncio.Semaphore(_STALLED if way == "stall" else WORKERS)
    row.boundaries = len(outcome.boundaries)
    row.problems += [f"without a kill: {problem}" for problem in find_problems(case, outcome)]

    async def kill(number: int) -> None:
        stop_at = (number, number + _UNTIL_SECOND) if way == "twice" else (number,)
        try:
            async with at_once:
                outcome = await killing.run(case, stop_at, signal.SIGSTOP if way == "stall" else signal.SIGKILL)
        except Exception as error:
            row.problems.append(f"at {number}: {error!r}")
            return
        row.kills += len(outcome.stopped)
        row.interrupted += is_interrupted(case, outcome)
        row.problems += [
            f"at {number} ({', '.join(outcome.stopped)}), run {outcome.ticket.id}: {problem}"
            for problem in find_problems(case, outcome)
        ]

    await asyncio.gather(*(kill(number) for number in range(1, row.boundaries + 1, every)))
    return row


def _print(*lines: object) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


async def main(names: list[str], every: int, way: str) -> int:
    servers, tasks = CountedServers(), CloudTasksServer()
    servers.start()
    tasks.start()
    rows: list[Row] = []
    with firestore_emulator() as host, tempfile.TemporaryDirectory() as folder:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        settings = Settings(
            google_cloud_project=f"demo-{uuid4().hex[:12]}",
            cloud_tasks_endpoint=tasks.endpoint,
            lease_seconds=60,
            store_timeout_seconds=120,
            outbound_allowed_hosts=(servers.host, "127.0.0.1:1"),
        )
        harness = Harness(settings, Catalog.load({}))
        _print(f"| {'agent':<20} | boundaries | kills | interrupted | {'result':<12} |\n|---|---:|---:|---:|---|")
        async with running_workers(settings, WORKERS) as workers:
            killing = Killing(harness, workers, servers, Path(folder))
            for case in CASES:
                if not names or case.name in names:
                    rows.append(await kill_at_each(killing, case, every, way))
                    _print(rows[-1], *rows[-1].problems)
    _print(f"\n{len(rows)} agents, {sum(row.kills for row in rows)} kills.")
    return any(row.problems for row in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--way", choices=("once", "twice", "stall"), default="once")
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.names, arguments.every, arguments.way)))
