"""Runs a function as the platform does: in processes of functions-framework."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

import psutil

from bench.memory import Memory, measure_memory
from bench.watching import CHECK_SECONDS, MeasurementFailed, check_processes, watch
from local_platform.ports import free_port
from local_platform.processes import is_running, wait_for

ROOT = Path(__file__).parents[1]
FLOORS = ROOT / "bench" / "floors"
_POLL_SECONDS = 0.005
_START_SECONDS = 60.0
_RESPONSE_SECONDS = 60.0
_STOP_SECONDS = 3.0
_SHOWN_LINES = 10
_CPU_CLOCK = 2
"""The kind of clock that, with a process's id, makes the number of the clock of its CPU time (clock_getcpuclockid)."""


@dataclass(frozen=True)
class Probe:
    """The first request to a function. `status`: the response's status; None allows any."""

    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: str | None = None
    status: int | None = None


@dataclass(frozen=True)
class Served:
    """A running function.

    `startup_seconds`: the time from the start of the process to the first response. `cpu_seconds`: the CPU time of the
    process and its children until then. `memory`: their memory then.
    """

    url: str
    startup_seconds: float
    cpu_seconds: float
    memory: Memory
    pid: int

    @property
    def port(self) -> int:
        """The port of `url`."""
        return int(self.url.rpartition(":")[2])

    def total_cpu_seconds(self) -> float:
        """Returns the CPU time of the process and its children so far, in user and system mode."""
        return _sum_cpu(_list_processes(self.pid))


_INHERITED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With that variable, modules would be compiled at every start, which deployed functions avoid (decision 45)."""


def serve_floor(name: str, environ: Mapping[str, str], first: Probe | None = None) -> AbstractContextManager[Served]:
    """Starts the floor of this name. See `serve`."""
    return serve("floor", FLOORS / f"{name}.py", environ, first)


def serve_function(name: str, environ: Mapping[str, str], first: Probe | None = None) -> AbstractContextManager[Served]:
    """Starts one of the service's functions. See `serve`."""
    return serve(name, ROOT / "functions" / name / "main.py", environ, first)


@contextmanager
def serve(
    target: str, source: Path, environ: Mapping[str, str] | None = None, first: Probe | None = None
) -> Generator[Served]:
    """Starts the function and waits for the response to its `first` request. Stops it at the end of the block.

    Raises `MeasurementFailed` if the function exits, or responds too late or with another status than the probe's.
    Every exception in the block gets the last lines of the function's log as a note.
    """
    port = free_port()
    command = [Path(sys.executable).with_name("functions-framework"), "--target", target, "--source", source]
    began = time.perf_counter()
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, after the process has ended
    process = subprocess.Popen(
        [*command, "--port", str(port), "--host", "127.0.0.1"],
        env={**_INHERITED, **(environ or {}), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
    )
    try:
        with watch(f"the function {target}", lambda: process.poll() is not None):
            while not _responds(port, first or Probe()):
                check_processes()
                if time.perf_counter() - began > _START_SECONDS:
                    raise MeasurementFailed(f"{target} has not opened its port for {_START_SECONDS:.0f} s")
                time.sleep(_POLL_SECONDS)
            startup_seconds = time.perf_counter() - began
            processes = _list_processes(process.pid)
            cpu_seconds = _sum_cpu(processes)
            yield Served(
                f"http://127.0.0.1:{port}",
                startup_seconds,
                cpu_seconds,
                measure_memory(processes),
                process.pid,
            )
    except Exception as error:
        if lines := _read_last_lines(log):
            error.add_note(f"The last lines of the log of {source.parent.name}/{source.name}:\n{lines}")
        raise
    finally:
        _stop(process)
        log.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the function, and waits for its processes. Those that still exist after a while are killed."""
    children: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(map(is_running, children)), _STOP_SECONDS)


def _read_last_lines(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n".join(log.read().decode(errors="replace").strip().splitlines()[-_SHOWN_LINES:])


def _list_processes(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def _sum_cpu(processes: Sequence[psutil.Process]) -> float:
    seconds = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess, OSError):  # a sandbox may end at any time
            seconds += _measure_cpu(process)
    return seconds


def _measure_cpu(process: psutil.Process) -> float:
    """Returns the CPU time of one process. Linux has a clock for each, with nanoseconds; psutil's has 10 ms."""
    if sys.platform == "linux":
        return time.clock_gettime((~process.pid << 3) | _CPU_CLOCK)
    times = process.cpu_times()
    return times.user + times.system


def get_json(function: Served, path: str, headers: Mapping[str, str] | None = None) -> Any:
    """Returns the body of the response to a GET. Raises `MeasurementFailed` if its status is not 200."""
    body = _send(function.port, Probe(path, headers=headers, status=200))
    return json.loads(body or b"null")


def _responds(port: int, first: Probe) -> bool:
    """Sends the request. Returns False if nothing listens on the port yet."""
    return _send(port, first) is not None


def _send(port: int, request: Probe) -> bytes | None:
    """Returns the response's body; None if nothing listens on the port. Raises `MeasurementFailed`."""
    name = f"{request.method} {request.path}"
    connection = HTTPConnection("127.0.0.1", port, timeout=_RESPONSE_SECONDS)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return None
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers or {}))
        _wait_for_data(connection, name)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        check_processes()
        raise MeasurementFailed(f"{name}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if request.status is not None and response.status != request.status:
        raise MeasurementFailed(f"{name}: {response.status} {body[:300].decode(errors='replace')}")
    return body


def _wait_for_data(connection: HTTPConnection, name: str) -> None:
    """Waits until a response begins, and meanwhile checks the processes that it depends on."""
    deadline = time.monotonic() + _RESPONSE_SECONDS
    while not select.select([connection.sock], [], [], CHECK_SECONDS)[0]:
        check_processes()
        if time.monotonic() > deadline:
            raise MeasurementFailed(f"{name}: no response for {_RESPONSE_SECONDS:.0f} s")
