"""The sandbox's processes: which runs share a process, and what happens when a process is killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from shared.sandbox import Program, fork_server, forking, workers
from shared.sandbox.engine import WasmEngine
from shared.sandbox.worker import Worker
from tests.sandbox.children import find_workers, kill_all
from tests.sandbox.conftest import LIMITS
from tests.sandbox.gate import CALL, NORMAL, Gate, run_with_gate
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

pytestmark = pytest.mark.usefixtures("no_processes_left")

RUN = "async def run(input_dict, tools):\n"
LEAVE = (
    "import builtins, random, pathlib, json\n" + RUN + "    builtins.left = json.left = 1\n    random.seed(5)\n"
    "    pathlib.Path('/tmp/left').write_text('x')\n    return 1"
)
FIND = (
    "import builtins, random, pathlib, json\n" + RUN + "    return [hasattr(builtins, 'left'), "
    "hasattr(json, 'left'), pathlib.Path('/tmp/left').exists(), random.random()]"
)


async def wait_for_children(number: int) -> None:
    async with asyncio.timeout(20):
        while len(find_workers()) != number:  # noqa: ASYNC110 - the system sends no event
            await asyncio.sleep(0.02)


async def test_runs_of_one_tenant_use_one_process_and_share_nothing(engine: WasmEngine) -> None:
    """A run sees nothing that the previous one left in memory or in files. It gets different random numbers."""
    assert (await run_with_gate(engine, LEAVE, "user:a")).result == 1
    await wait_for_children(2)
    before = {child.pid for child in find_workers()}
    first, second = [(await run_with_gate(engine, FIND, "user:a")).result for _ in range(2)]
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[:3] == second[:3] == [False, False, False]
    assert first[3] != second[3]
    await wait_for_children(2)
    assert {child.pid for child in find_workers()} == before


async def test_tenants_do_not_share_a_process(engine: WasmEngine) -> None:
    """Each tenant has its own worker. A worker without a tenant serves a single run."""
    for sharers in (("user:a",), ("user:b", "agent:1"), (), ()):
        assert (await run_with_gate(engine, NORMAL, *sharers, n=2)).result == 4
    await wait_for_children(3)  # the workers of the two tenants, and one that is ready


async def test_a_process_is_replaced_after_its_maximum_number_of_runs(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the maximum number of runs, a worker is ended, and its tenant gets a new one."""
    monkeypatch.setattr(workers, "_MAX_RUNS", 3)
    seen: set[int] = set()
    for _ in range(7):
        assert (await run_with_gate(engine, NORMAL, "user:a", n=1)).result == 2
        seen |= {child.pid for child in find_workers()}
    assert len(seen) >= 3


async def test_the_number_of_idle_processes_is_limited(engine: WasmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """When too many workers are idle, the one that has been idle for the longest time is ended."""
    monkeypatch.setattr(workers, "_MAX_IDLE", 2)
    for n in range(5):
        assert (await run_with_gate(engine, NORMAL, f"user:{n}", n=n)).result == 2 * n
    await wait_for_children(3)


@pytest.mark.parametrize(
    "code",
    [
        RUN + "    while True: pass",
        RUN + "    def f(): return f()\n    f()",
    ],
)
async def test_a_run_that_reaches_a_limit_does_not_affect_others(code: str, engine: WasmEngine) -> None:
    """After a run has reached a limit, the next run of the same tenant works as usual."""
    outcome = await engine.run(Program(code, {}, sharers=("user:a",)), Gate(), replace(LIMITS, cpu_seconds=0.3))
    assert outcome.failure
    assert (await run_with_gate(engine, NORMAL, "user:a", n=3)).result == 6


async def test_a_process_that_has_grown_is_not_reused(engine: WasmEngine, caplog: pytest.LogCaptureFixture) -> None:
    """A worker whose stack has grown is ended, as the system never reclaims a stack. The next run gets another one."""
    deep = RUN + "    x = []\n    for _ in range(100_000): x = [x]\n    return x"
    failure = (await run_with_gate(engine, deep, "user:a")).failure
    assert failure
    assert failure.error == "TypeError: The result is nested too deeply."
    assert (await run_with_gate(engine, NORMAL, "user:a", n=3)).result == 6
    assert caplog.messages == []


@pytest.mark.parametrize("moment", ["computing", "waiting", "calling", "printing"])
async def test_killing_a_process_ends_only_its_run(
    moment: str, engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """The killed run has a clear error and its printed lines. Other runs continue, and the next one works."""
    host_functions.meet(2)
    rest = {
        "computing": "    while True: pass",
        "waiting": "    await asyncio.sleep(60)",
        "calling": "    await call_llm(messages=[{'role': 'user', 'content': 'x'}])",
        "printing": "    while True: print('x' * 100)",
    }[moment]
    other = Gate()
    other_run = asyncio.create_task(engine.run(Program(CALL, {}), other, LIMITS))
    await other.arrived.acquire()
    known = {child.pid for child in find_workers()}
    limits = replace(LIMITS, seconds=30, cpu_seconds=20)
    running = asyncio.create_task(
        engine.run(Program(RUN + f"    print('started')\n{rest}", {}), host_functions, limits)
    )
    await asyncio.sleep(1)
    for child in find_workers():
        if child.pid not in known or child.cpu_times().user > 0.5:
            os.kill(child.pid, signal.SIGKILL)
    outcome = await running
    assert outcome.failure
    assert outcome.failure.error == "RuntimeError: The interpreter ended in the middle of the run."
    assert outcome.logs[0] == "started"
    other.opened.set()
    assert (await other_run).result == "gate"
    assert (await run_with_gate(engine, NORMAL, n=4)).result == 8


async def test_a_run_that_has_sent_nothing_survives_its_process(
    engine: WasmEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that has not sent anything has had no effect, so it is restarted in another process."""
    code = RUN + "    total = 0\n    for n in range(3_000_000): total += n\n    return total"
    running = asyncio.create_task(run_with_gate(engine, code, "user:a"))
    while not (computing := [child for child in find_workers() if child.cpu_times().user > 0.1]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    computing[0].kill()
    outcome = await running
    assert (outcome.failure, outcome.result) == (None, 4_499_998_500_000)
    assert caplog.messages == ["A worker ended before its program had sent anything"]


async def test_killed_idle_processes_are_replaced(engine: WasmEngine) -> None:
    """When the ready worker and a tenant's idle worker are killed, the next run gets a new worker."""
    assert (await run_with_gate(engine, NORMAL, "user:a", n=1)).result == 2
    await wait_for_children(2)
    kill_all()
    assert (await run_with_gate(engine, NORMAL, "user:a", n=2)).result == 4


async def test_a_run_that_is_cancelled_ends_its_process(engine: WasmEngine) -> None:
    """A cancelled run ends its process and releases its run slot."""
    gate = Gate()
    tasks = [asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS)) for _ in range(5)]
    for _ in tasks:
        await gate.arrived.acquire()
    assert len(find_workers()) >= 5
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    await wait_for_children(1)
    gate.opened.set()
    assert (await engine.run(Program(CALL, {}), gate, LIMITS)).result == "gate"


async def test_concurrent_runs_do_not_mix(engine: WasmEngine, host_functions: ScriptedHostFunctions) -> None:
    """Concurrent runs, even of one tenant, have their own input, lines and answers."""
    host_functions.answers = [(f"q{n}.", f"a{n}") for n in range(6)]
    code = (
        RUN + "    print(input_dict['n'])\n"
        "    answer, _ = await call_llm(messages=[{'role': 'user', 'content': f\"q{input_dict['n']}.\"}])\n"
        "    return answer"
    )
    programs = [Program(code, {"n": n}, sharers=("user:a",)) for n in range(6)]
    outcomes = await asyncio.gather(*[engine.run(program, host_functions, LIMITS) for program in programs])
    assert [(outcome.result, outcome.logs) for outcome in outcomes] == [(f"a{n}", [str(n)]) for n in range(6)]


def _open_files(pid: int) -> list[str]:
    return sorted(os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())


async def test_a_worker_inherits_nothing_from_the_service(engine: WasmEngine) -> None:
    """A worker's environment is empty, and its folder is `/`. It has open only its socket, the log, memory and code."""
    gate = Gate()
    running = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    for child in find_workers():
        assert child.environ() == {}
        assert child.cwd() == "/"
        open_files = _open_files(child.pid)
        kinds = {name.partition(":")[0] for name in open_files}
        compiled = str(forking._FOLDER / fork_server.COMPILED)  # pyright: ignore[reportPrivateUsage]
        assert kinds <= {"/dev/null", "socket", "pipe", "/memfd", compiled}, open_files
        assert len([name for name in open_files if name.startswith("socket")]) == 1
    gate.opened.set()
    assert (await running).result == "gate"


async def test_nothing_is_sent_to_a_closed_worker() -> None:
    """Closing a worker drops unsent data. Otherwise, a worker that does not read would never end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    worker = Worker(1, asyncio.get_running_loop().create_future(), ours)
    sending = asyncio.create_task(worker.send(b"x" * 2**24))
    await asyncio.sleep(0)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    worker.close()
    worker.close()
    theirs.settimeout(5)
    received = 0
    while data := await asyncio.to_thread(theirs.recv, 2**20):
        received += len(data)
    theirs.close()
    assert received < 2**24


def test_a_worker_whose_fork_server_has_already_ended_exits() -> None:
    """A worker exits if its fork server ended before the worker could request to be ended together with it."""
    code = "from shared.sandbox.fork_server.confinement import confine; confine(2**26, parent=0); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
