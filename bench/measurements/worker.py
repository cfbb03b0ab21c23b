"""The worker's cold start: from the start of its process to the end of its first ticket, with one model call."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from statistics import median

from bench.backends import Backends, start_backends
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.served import Probe, Served, serve_floor, serve_function
from bench.statistics import ratios
from bench.tickets import check_chats
from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.settings import Settings
from tests.services.harness import Harness, chat


def measure(rounds: int) -> Iterator[Row]:
    """Yields the time and the memory. The first round is not counted: it writes bytecode."""
    floors: list[Served] = []
    workers: list[Served] = []
    with start_backends() as backends:
        for number in count_rounds(rounds, warm_up=True):
            with serve_floor("model", backends.environ, Probe(status=200)) as floor:
                pass
            task = json.dumps({"ticket_id": run(_submit(backends, number))})
            headers = {"Content-Type": "application/json"}
            with serve_function("worker", backends.environ, Probe("/", "POST", headers, task, 204)) as worker:
                pass
            run(check_chats(backends.project, [f"user-{number}"], 1))
            if number:
                floors.append(floor)
                workers.append(worker)
    cpu = median(ratios([each.cpu_seconds for each in workers], [each.cpu_seconds for each in floors]))
    yield Row(
        "worker's first ticket",
        "s",
        [each.startup_seconds for each in workers],
        [each.startup_seconds for each in floors],
        Target(1.15),
        f"the floor imports litellm and calls the model once; CPU time {cpu:.2f} times the floor's",
    )
    yield Row(
        "memory of the worker",
        "MiB",
        [each.memory.occupied for each in workers],
        [each.memory.occupied for each in floors],
        raw={"ours": [asdict(each.memory) for each in workers], "floor": [asdict(each.memory) for each in floors]},
    )


async def _submit(backends: Backends, number: int) -> str:
    harness = Harness(Settings.from_environ(backends.environ), Catalog.load(backends.environ))
    accepted = await harness.chat.submit(Caller(uid=f"user-{number}"), chat("hi"))
    return accepted.ticket_id
