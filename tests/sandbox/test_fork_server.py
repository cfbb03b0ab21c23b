"""The fork server: its start and restart, delayed requests, and missing builds."""

import asyncio
import signal
import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.sandbox import Program, fork_server, forking, workers
from shared.sandbox.engine import WasmEngine
from shared.sandbox.worker import Start, WorkerFailed
from tests.sandbox.children import find_fork_servers, find_workers
from tests.sandbox.conftest import LIMITS
from tests.sandbox.gate import CALL, NORMAL, RUN, Gate, run_with_gate

pytestmark = pytest.mark.usefixtures("no_processes_left")


async def test_a_killed_fork_server_is_restarted(engine: WasmEngine) -> None:
    """When the fork server is killed, its workers and their runs end. The next run starts another fork server."""
    gate = Gate()
    running = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    (server,) = find_fork_servers()
    processes = [psutil.Process(child.pid) for child in find_workers()]
    server.kill()
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 10)
    assert alive == []
    gate.opened.set()
    failure = (await running).failure
    assert failure
    assert failure.error == "RuntimeError: The interpreter ended in the middle of the run."
    assert (await run_with_gate(engine, NORMAL, n=2)).result == 4


async def test_a_run_without_a_build_fails(engine: WasmEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The run fails with an error that explains what to do. No exception is raised."""
    monkeypatch.setattr(forking, "_FOLDER", tmp_path)
    failure = (await run_with_gate(engine, NORMAL, n=1)).failure
    assert failure
    assert failure.error == (
        "RuntimeError: The sandbox could not start. The Python that agents run in is not built. Run `make setup`."
    )


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_build_for_another_processor_is_recompiled_once(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first run waits until the component is recompiled, which is logged. Later runs do not recompile it."""
    (tmp_path / fork_server.COMPILED).write_bytes(b"for another processor")
    (tmp_path / fork_server.COMPONENT).symlink_to(forking._FOLDER / fork_server.COMPONENT)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(forking, "_FOLDER", tmp_path)
    patient = replace(LIMITS, seconds=120)
    assert (await engine.run(Program(NORMAL, {"n": 2}), Gate(), patient)).result == 4
    assert (await run_with_gate(engine, NORMAL, n=3)).result == 6
    lines = [record.getMessage() for record in caplog.records if "is being recompiled" in record.getMessage()]
    assert len(lines) == 1


async def test_a_run_fails_if_the_fork_server_cannot_be_started(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run fails with an error without paths. No exception is raised."""

    def fail(*_: object, **__: object) -> Any:
        raise OSError(24, "Too many open files", "/a/path")

    monkeypatch.setattr("shared.sandbox.forking.asyncio.create_subprocess_exec", fail)
    failure = (await run_with_gate(engine, NORMAL, n=1)).failure
    assert failure
    assert failure.error.startswith("RuntimeError: The sandbox could not start. ")
    assert "/a/path" not in failure.error


async def test_requests_wait_for_a_busy_fork_server(engine: WasmEngine) -> None:
    """When the control socket is full, the next request waits until the fork server continues."""
    assert (await run_with_gate(engine, NORMAL, "user:a", n=1)).result == 2
    (server,) = find_fork_servers()
    server.suspend()
    fork_server_client = workers._fork_server()  # pyright: ignore[reportPrivateUsage]
    forking_tasks = [asyncio.create_task(fork_server_client.fork(LIMITS.memory_bytes)) for _ in range(5)]
    await asyncio.gather(*forking_tasks)
    control: socket.socket = fork_server_client._running.result()._control  # pyright: ignore
    with suppress(BlockingIOError):
        while control.send(fork_server.CONTROL.pack(b"K", 2**40, 0)):
            pass
    delayed = asyncio.create_task(fork_server_client.fork(LIMITS.memory_bytes))
    await asyncio.wait({delayed}, timeout=0.2)
    assert not delayed.done()
    server.resume()
    for worker in [task.result() for task in forking_tasks] + [await delayed]:
        worker.start_run(Start(cpu_seconds=1, seed=b""))
        await worker.send(b"{}")
        assert b'"ready"' in await worker.receive()
        fork_server_client.kill(worker)
    assert find_fork_servers() == [server]


async def test_a_busy_fork_server_reports_how_a_run_ended(engine: WasmEngine) -> None:
    """The service waits for the fork server's report, so the error states that the CPU time was used up."""
    gate = Gate()
    code = RUN + "    await gofannon_client.call('gate', {})\n    while True: pass"
    running = asyncio.create_task(engine.run(Program(code, {}), gate, replace(LIMITS, cpu_seconds=0.2)))
    await gate.arrived.acquire()
    (server,) = find_fork_servers()
    server.suspend()
    gate.opened.set()
    async with asyncio.timeout(20):
        while all(child.status() != psutil.STATUS_ZOMBIE for child in server.children()):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)
    await asyncio.wait({running}, timeout=1)
    server.resume()
    failure = (await running).failure
    assert failure
    assert failure.error.startswith("TimeoutError: The code used more than 0.2 s")


async def test_the_sandbox_ignores_interrupts_from_the_terminal(engine: WasmEngine) -> None:
    """A terminal sends SIGINT to all processes. Only the service handles the signal, and lets its runs end."""
    gate = Gate()
    running = asyncio.create_task(engine.run(Program(CALL, {}), gate, LIMITS))
    await gate.arrived.acquire()
    for process in (*find_fork_servers(), *find_workers()):
        process.send_signal(signal.SIGINT)
    gate.opened.set()
    assert (await running).result == "gate"
    assert (await run_with_gate(engine, NORMAL, n=2)).result == 4


async def test_the_fork_server_finds_the_libraries_of_this_python(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`LD_LIBRARY_PATH` is passed to the fork server, as the system may not find these libraries without it."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nothing")
    assert (await run_with_gate(engine, NORMAL, n=2)).result == 4
    assert [server.environ() for server in find_fork_servers()] == [{"LD_LIBRARY_PATH": "/nothing"}]


async def test_a_partially_sent_request_ends_the_fork_server(
    engine: WasmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fork server would read the next request as the rest of this one, so it is killed and replaced."""
    assert (await run_with_gate(engine, NORMAL, n=1)).result == 2
    (server,) = find_fork_servers()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "send_fds", lambda *_: 5)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
        with pytest.raises(WorkerFailed):
            await workers._fork_server().fork(LIMITS.memory_bytes)  # pyright: ignore[reportPrivateUsage]
    assert (await run_with_gate(engine, NORMAL, n=2)).result == 4
    assert server not in find_fork_servers()
