"""Cold starts: from the start of the process to the first response that read Firestore, and the memory after it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from statistics import median

from bench.backends import Backends, start_backends
from bench.documents import put_floor
from bench.loop import run
from bench.progress import count_rounds
from bench.rows import Row, Target
from bench.served import Probe, Served, serve_floor, serve_function
from bench.statistics import ratios
from shared.llm.catalog import Catalog
from shared.models.caller import LOCAL_USER, Caller
from shared.models.session import ProviderConfig
from shared.services.catalog.sessions import SessionService
from shared.settings import Settings
from tests.services.harness import Harness, chat
from tests.services.publishing import publish

_TIME, _MEMORY = Target(1.25), Target(1.3)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]+){4}")
_JSON = {"Content-Type": "application/json"}
_PASSWORD = "bench"  # noqa: S105 - of a server that runs for a second
_WITHOUT_FIRESTORE = {"meta": Probe("/health", status=200)}
"""Functions that never read Firestore: they are compared with an empty function."""


def measure(rounds: int, functions: Sequence[str] = ()) -> Iterator[Row]:
    """Yields two rows for each function without a model, or for the named ones.

    Memory is what gunicorn's processes occupy together.
    """
    with start_backends(ADMIN_PANEL_ENABLED="true", ADMIN_PASSWORD=_PASSWORD) as backends:
        probes = run(_prepare(backends))
        chosen = list(functions or [*probes, *_WITHOUT_FIRESTORE])
        yield from _measure_group([name for name in chosen if name in probes], "read", probes, backends, rounds)
        others = [name for name in chosen if name in _WITHOUT_FIRESTORE]
        yield from _measure_group(others, "empty", _WITHOUT_FIRESTORE, backends, rounds)


def _measure_group(
    names: Sequence[str], floor: str, probes: dict[str, Probe], backends: Backends, rounds: int
) -> Iterator[Row]:
    if not names:
        return
    starts: dict[str, list[Served]] = defaultdict(list)
    floors: dict[str, list[Served]] = defaultdict(list)
    for name in names:  # writes bytecode
        _start(name, probes[name], backends)
    for _ in count_rounds(rounds):
        for name in names:
            with serve_floor(floor, backends.environ, Probe("/one", status=200)) as started:
                floors[name].append(started)
            starts[name].append(_start(name, probes[name], backends))
    for name in names:
        probe = probes[name]
        note = f"{probe.method} {_ID.sub('{id}', probe.path)}"
        note += "" if floor == "read" else ", which reads nothing; the floor is empty"
        yield _time_row(name, starts[name], floors[name], note)
        yield _memory_row(name, starts[name], floors[name])


def _start(name: str, probe: Probe, backends: Backends) -> Served:
    with serve_function(name, backends.environ, probe) as started:
        return started


def _time_row(name: str, starts: Sequence[Served], floors: Sequence[Served], note: str) -> Row:
    seconds, floor_seconds = ([start.startup_seconds for start in each] for each in (starts, floors))
    cpu, floor_cpu = ([start.cpu_seconds for start in each] for each in (starts, floors))
    note += f"; CPU time {median(cpu):.2f} s, {median(ratios(cpu, floor_cpu)):.2f} times the floor's"
    raw = {"cpu_seconds": {"ours": cpu, "floor": floor_cpu}}
    return Row(f"cold start of {name}", "s", seconds, floor_seconds, _TIME, note, raw)


def _memory_row(name: str, starts: Sequence[Served], floors: Sequence[Served]) -> Row:
    ours, floor = ([start.memory.occupied for start in each] for each in (starts, floors))
    raw = {
        "ours": [asdict(start.memory) for start in starts],
        "floor": [asdict(start.memory) for start in floors],
    }
    return Row(f"memory of {name}", "MiB", ours, floor, _MEMORY, raw=raw)


async def _prepare(backends: Backends) -> dict[str, Probe]:
    """Stores what the first requests read. Returns each function's first request, a GET where it has one."""
    settings, caller = Settings.from_environ(backends.environ), Caller(uid=LOCAL_USER)
    harness = Harness(settings, Catalog.load(backends.environ))
    await put_floor(backends.project, "one", {"fields": "x" * 500})
    agent = await publish(harness.database, caller, "echo")
    ticket = await harness.chat.submit(caller, chat("hi"))
    await SessionService(harness.database).configure(
        caller, "one", ProviderConfig.model_validate({"provider": "openai", "model": "gpt-4.1-mini"})
    )
    return {
        "users": Probe("/users/me", status=200),
        "agents": Probe(f"/agents/{agent.id}", status=200),
        "chat": Probe(f"/chat/{ticket.ticket_id}", status=200),
        "openai": Probe("/v1/models", status=200),
        "runs": Probe("/runs", status=200),
        "sessions": Probe("/sessions/one/config", status=200),
        "deployments": Probe(f"/agents/{agent.id}/deployment", status=200),
        "demos": Probe("/demos", status=200),
        "schedules": Probe("/schedules", status=200),
        "api_keys": Probe("/users/me/keys", status=200),
        "providers": Probe("/providers", status=200),
        "admin": Probe("/admin/users", headers={"X-Admin-Password": _PASSWORD}, status=200),
        # The routes of the other functions are POSTs. Those with an address read the account, then refuse the address.
        "logs": Probe("/log/client", "POST", _JSON, json.dumps({"eventType": "bench", "message": "hi"}), 202),
        "specs": Probe("/specs/fetch", "POST", _JSON, json.dumps({"url": "http://127.0.0.1:1/"}), 400),
        "mcp": Probe("/mcp/tools", "POST", _JSON, json.dumps({"mcp_url": "http://127.0.0.1:1/"}), 400),
        "sweep": Probe("/", "POST", status=200),
    }
