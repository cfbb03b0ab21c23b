"""The processes of the sandbox: whose runs share one, what becomes of one that is killed, and that none is left."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from shared.sandbox import Outcome, Program, fork_server, forking, workers
from shared.sandbox.engine import WasmEngine
from shared.sandbox.worker import Gone, Worker
from shared.sandbox.workers import end_all
from tests.sandbox.children import children, fork_servers, kill_all
from tests.sandbox.conftest import LIMITS
from tests.sandbox.gate import CALL, Gate
from tests.sandbox.scripted_host_functions import ScriptedHostFunctions

RUN = "async def run(input_dict, tools):\n"
NORMAL = RUN + "    return input_dict['n'] * 2"
LEAVE = (
    "import builtins, random, pathlib, json\n" + RUN + "    builtins.left = json.left = 1\n    random.seed(5)\n"
    "    pathlib.Path('/tmp/left').write_text('x')\n    return 1"
)
FIND = (
    "import builtins, random, pathlib, json\n" + RUN + "    return [hasattr(builtins, 'left'), "
    "hasattr(json, 'left'), pathlib.Path('/tmp/left').exists(), random.random()]"
)


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def none_is_left_before() -> AsyncIterator[None]:
    """Each test begins with no process, and leaves none."""
    await end_all()
    yield
    await end_all()
    async with asyncio.timeout(10):
        while fork_servers():  # noqa: ASYNC110 - the system tells nobody
            await asyncio.sleep(0.02)


async def so_many_are_left(number: int) -> None:
    async with asyncio.timeout(20):
        while len(children()) != number:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)


async def ran(engine: WasmEngine, code: str, *sharers: str, **input_dict: Any) -> Outcome:
    return await engine.run(Program(code, input_dict, sharers=sharers), Gate(), LIMITS)


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
    assert failure.error == "TypeError: The result is nested too deep."
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


async def test_a_fork_server_that_is_killed_is_started_again(engine: WasmEngine) -> None:
    """Its workers end with it, and so does a run in one of them; the next run starts another."""
    gate = Gate()
    running = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    (server,) = fork_servers()
    processes = [psutil.Process(child.pid) for child in children()]
    server.kill()
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 10)
    assert alive == []
    gate.opened.set()
    failure = (await running).failure
    assert failure
    assert failure.error == "RuntimeError: The interpreter ended in the middle of the run."
    assert (await ran(engine, NORMAL, n=2)).result == 4


async def test_a_run_that_is_cancelled_ends_its_process(engine: WasmEngine) -> None:
    """And its place is free again."""
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


async def test_where_it_is_not_built_a_run_says_so(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With what to do; nothing is raised."""
    monkeypatch.setattr(forking, "_FOLDER", tmp_path)
    failure = (await ran(engine, NORMAL, n=1)).failure
    assert failure
    assert failure.error == (
        "RuntimeError: The sandbox does not start here. The Python that agents run in is not built. Run `make setup`."
    )


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_where_what_was_compiled_does_not_fit_it_is_compiled_once_more(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As for a processor of another kind: the first run waits for it, the log says so, and the next ones do not."""
    (tmp_path / fork_server.COMPILED).write_bytes(b"for another processor")
    (tmp_path / fork_server.COMPONENT).symlink_to(forking._FOLDER / fork_server.COMPONENT)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(forking, "_FOLDER", tmp_path)
    patient = replace(LIMITS, seconds=120)
    assert (await engine.run(Program(NORMAL, {"n": 2}), Gate(), patient)).result == 4
    assert (await ran(engine, NORMAL, n=3)).result == 6
    lines = [record.getMessage() for record in caplog.records if "is compiled anew" in record.getMessage()]
    assert len(lines) == 1


async def test_where_no_process_can_be_started_a_run_says_so(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is raised, and no path is named."""

    def full(*_: object, **__: object) -> Any:
        raise OSError(24, "Too many open files", "/a/path")

    monkeypatch.setattr("shared.sandbox.forking.asyncio.create_subprocess_exec", full)
    failure = (await ran(engine, NORMAL, n=1)).failure
    assert failure
    assert failure.error.startswith("RuntimeError: The sandbox does not start here. ")
    assert "/a/path" not in failure.error


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


async def test_a_fork_server_that_is_behind_is_waited_for(engine: WasmEngine) -> None:
    """With so many requests before it that no more fit into its socket."""
    assert (await ran(engine, NORMAL, "user:a", n=1)).result == 2
    (server,) = fork_servers()
    server.suspend()
    known = workers._fork_server()  # pyright: ignore[reportPrivateUsage]
    asking = [asyncio.create_task(known.fork(LIMITS.memory_bytes)) for _ in range(5)]
    await asyncio.gather(*asking)
    control: socket.socket = known._running.result()._control  # pyright: ignore
    with suppress(BlockingIOError):
        while control.send(fork_server.CONTROL.pack(b"K", 2**40, 0)):
            pass
    one_more = asyncio.create_task(known.fork(LIMITS.memory_bytes))
    await asyncio.wait({one_more}, timeout=0.2)
    assert not one_more.done()
    server.resume()
    for worker in [task.result() for task in asking] + [await one_more]:
        assert b'"ready"' in await worker.receive()
        known.kill(worker)
    assert fork_servers() == [server]


async def test_a_fork_server_that_is_behind_reports_how_a_run_ended(engine: WasmEngine) -> None:
    """Its word is waited for: the run computed for too long, and did not end for no reason."""
    gate = Gate()
    code = RUN + "    await gofannon_client.call('gate', {})\n    while True: pass"
    running = asyncio.create_task(engine.run(Program(code, {}), gate, replace(LIMITS, cpu_seconds=0.2)))
    await gate.arrived.acquire()
    (server,) = fork_servers()
    server.suspend()
    gate.opened.set()
    async with asyncio.timeout(20):
        while all(child.status() != psutil.STATUS_ZOMBIE for child in server.children()):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.02)
    await asyncio.wait({running}, timeout=1)
    server.resume()
    failure = (await running).failure
    assert failure
    assert failure.error.startswith("TimeoutError: The code computed for longer than 0.2 s")


async def test_an_interrupt_of_the_terminal_is_the_services_alone(engine: WasmEngine) -> None:
    """Which lets its runs end; the terminal sends it to all processes."""
    gate = Gate()
    running = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    for process in (*fork_servers(), *children()):
        process.send_signal(signal.SIGINT)
    gate.opened.set()
    assert (await running).result == "gate"
    assert (await ran(engine, NORMAL, n=2)).result == 4


async def test_the_fork_server_finds_the_libraries_of_this_python(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they are in no folder that the system knows, and only the environment says so."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nothing")
    assert (await ran(engine, NORMAL, n=2)).result == 4
    assert [server.environ() for server in fork_servers()] == [{"LD_LIBRARY_PATH": "/nothing"}]


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


async def test_a_request_that_is_sent_in_part_is_the_last(engine: WasmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fork server would take the next one for the rest of it; another is started."""
    assert (await ran(engine, NORMAL, n=1)).result == 2
    (server,) = fork_servers()
    with monkeypatch.context() as some_systems:
        some_systems.setattr(socket, "send_fds", lambda *_: 5)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
        with pytest.raises(Gone):
            await workers._fork_server().fork(LIMITS.memory_bytes)  # pyright: ignore[reportPrivateUsage]
    assert (await ran(engine, NORMAL, n=2)).result == 4
    assert server not in fork_servers()
