"""The sandbox's processes: whose runs share one, and what happens to one that is killed."""

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
from tests.sandbox.children import children, kill_all
from tests.sandbox.conftest import LIMITS
from tests.sandbox.gate import CALL, NORMAL, Gate, ran
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


async def so_many_are_left(number: int) -> None:
    async with asyncio.timeout(20):
        while len(children()) != number:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)


async def test_runs_of_one_tenant_use_one_process_and_share_nothing(engine: WasmEngine) -> None:
    """What a run leaves behind, in memory or in files, the next does not find; and random numbers are other ones."""
    assert (await ran(engine, LEAVE, "user:a")).result == 1
    await so_many_are_left(2)
    before = {child.pid for child in children()}
    first, second = [(await ran(engine, FIND, "user:a")).result for _ in range(2)]
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[:3] == second[:3] == [False, False, False]
    assert first[3] != second[3]
    await so_many_are_left(2)
    assert {child.pid for child in children()} == before


async def test_tenants_do_not_share_a_process(engine: WasmEngine) -> None:
    """Each tenant has its own worker; one without a tenant serves a single run."""
    for sharers in (("user:a",), ("user:b", "agent:1"), (), ()):
        assert (await ran(engine, NORMAL, *sharers, n=2)).result == 4
    await so_many_are_left(3)  # those of the two, and one that is ready


async def test_a_process_is_replaced_after_a_number_of_runs(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it has gathered by then is gone."""
    monkeypatch.setattr(workers, "_MAX_RUNS", 3)
    seen: set[int] = set()
    for _ in range(7):
        assert (await ran(engine, NORMAL, "user:a", n=1)).result == 2
        seen |= {child.pid for child in children()}
    assert len(seen) >= 3


async def test_processes_that_wait_are_few(engine: WasmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest unused makes room."""
    monkeypatch.setattr(workers, "_MAX_IDLE", 2)
    for n in range(5):
        assert (await ran(engine, NORMAL, f"user:{n}", n=n)).result == 2 * n
    await so_many_are_left(3)


@pytest.mark.parametrize(
    "code",
    [
        RUN + "    while True: pass",
        RUN + "    def f(): return f()\n    f()",
    ],
)
async def test_a_run_that_meets_a_limit_harms_no_other(code: str, engine: WasmEngine) -> None:
    """The next run of the same tenant runs as ever."""
    outcome = await engine.run(Program(code, {}, sharers=("user:a",)), Gate(), replace(LIMITS, cpu_seconds=0.3))
    assert outcome.failure
    assert (await ran(engine, NORMAL, "user:a", n=3)).result == 6


async def test_a_process_that_has_grown_is_not_kept(engine: WasmEngine, caplog: pytest.LogCaptureFixture) -> None:
    """By the machine's stack, which no system takes back: the next run is not sent to one that ends."""
    deep = RUN + "    x = []\n    for _ in range(100_000): x = [x]\n    return x"
    failure = (await ran(engine, deep, "user:a")).failure
    assert failure
    assert failure.error == "TypeError: The result is nested too deeply."
    assert (await ran(engine, NORMAL, "user:a", n=3)).result == 6
    assert caplog.messages == []


@pytest.mark.parametrize("moment", ["computing", "waiting", "calling", "printing"])
async def test_a_process_that_is_killed_ends_its_own_run_only(
    moment: str, engine: WasmEngine, host_functions: ScriptedHostFunctions
) -> None:
    """With an error in words; what it had printed is kept, its calls are ended, and the next run runs as ever."""
    host_functions.meet(2)
    rest = {
        "computing": "    while True: pass",
        "waiting": "    await asyncio.sleep(60)",
        "calling": "    await call_llm(messages=[{'role': 'user', 'content': 'x'}])",
        "printing": "    while True: print('x' * 100)",
    }[moment]
    other = Gate()
    beside = asyncio.create_task(engine.run(Program(CALL, {}), other, LIMITS))
    await other.arrived.acquire()
    known = {child.pid for child in children()}
    limits = replace(LIMITS, seconds=30, cpu_seconds=20)
    running = asyncio.create_task(engine.run(Program(RUN + f"    print('begun')\n{rest}", {}), host_functions, limits))
    await asyncio.sleep(1)
    for child in children():
        if child.pid not in known or child.cpu_times().user > 0.5:
            os.kill(child.pid, signal.SIGKILL)
    outcome = await running
    assert outcome.failure
    assert outcome.failure.error == "RuntimeError: The interpreter ended in the middle of the run."
    assert outcome.logs[0] == "begun"
    other.opened.set()
    assert (await beside).result == "gate"
    assert (await ran(engine, NORMAL, n=4)).result == 8


async def test_a_run_that_has_said_nothing_yet_survives_its_process(
    engine: WasmEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can have noticed anything of it, so it begins again in another one."""
    code = RUN + "    total = 0\n    for n in range(8_000_000): total += n\n    return total"
    running = asyncio.create_task(ran(engine, code, "user:a"))
    while not (computing := [child for child in children() if child.cpu_times().user > 0.1]):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    computing[0].kill()
    outcome = await running
    assert (outcome.failure, outcome.result) == (None, 31_999_996_000_000)
    assert caplog.messages == ["A worker ended before its program had sent anything"]


async def test_processes_that_are_killed_while_they_wait_are_not_missed(engine: WasmEngine) -> None:
    """The ready one and a tenant's own."""
    assert (await ran(engine, NORMAL, "user:a", n=1)).result == 2
    await so_many_are_left(2)
    kill_all()
    assert (await ran(engine, NORMAL, "user:a", n=2)).result == 4


async def test_a_run_that_is_cancelled_ends_its_process(engine: WasmEngine) -> None:
    """And its run slot is free again."""
    gate = Gate()
    tasks = [asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS)) for _ in range(5)]
    for _ in tasks:
        await gate.arrived.acquire()
    assert len(children()) >= 5
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    await so_many_are_left(1)
    gate.opened.set()
    assert (await engine.run(Program(CALL, {}), gate, LIMITS)).result == "gate"


async def test_runs_beside_each_other_do_not_mix(engine: WasmEngine, host_functions: ScriptedHostFunctions) -> None:
    """Each has its own input, its own lines, its own answers; also those of one tenant."""
    host_functions.answers = [(f"q{n}.", f"a{n}") for n in range(6)]
    code = (
        RUN + "    print(input_dict['n'])\n"
        "    said, _ = await call_llm(messages=[{'role': 'user', 'content': f\"q{input_dict['n']}.\"}])\n"
        "    return said"
    )
    programs = [Program(code, {"n": n}, sharers=("user:a",)) for n in range(6)]
    outcomes = await asyncio.gather(*[engine.run(program, host_functions, LIMITS) for program in programs])
    assert [(outcome.result, outcome.logs) for outcome in outcomes] == [(f"a{n}", [str(n)]) for n in range(6)]


def _opened(pid: int) -> list[str]:
    return sorted(os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir())


async def test_a_worker_has_nothing_of_the_service(engine: WasmEngine) -> None:
    """No environment, no folder, and no descriptor but its socket, the log's, and those of its memory and code."""
    gate = Gate()
    running = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    for child in children():
        assert child.environ() == {}
        assert child.cwd() == "/"
        opened = _opened(child.pid)
        kinds = {name.partition(":")[0] for name in opened}
        assert kinds <= {"/dev/null", "socket", "pipe", "/memfd", str(forking._FOLDER / fork_server.COMPILED)}, opened  # pyright: ignore[reportPrivateUsage]
        assert len([name for name in opened if name.startswith("socket")]) == 1
    gate.opened.set()
    assert (await running).result == "gate"


async def test_a_worker_that_is_closed_is_sent_nothing_more() -> None:
    """One that reads nothing would otherwise keep its socket, and itself."""
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
    read = 0
    while data := await asyncio.to_thread(theirs.recv, 2**20):
        read += len(data)
    theirs.close()
    assert read < 2**24


def test_a_worker_whose_fork_server_is_gone_already_ends() -> None:
    """It asks to end with it, which is too late by then."""
    code = "from shared.sandbox.fork_server.confinement import confine; confine(2**26, parent=0); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
