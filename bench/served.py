"""Runs a function as the platform does: in processes of functions-framework."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from local_platform.ports import free_port

ROOT = Path(__file__).parents[1]
FLOORS = ROOT / "bench" / "floors"
_POLL_SECONDS = 0.005


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
    process and its children until then. `memory`: their resident size then, in bytes. `proportional_memory`: the same,
    with each page that processes share counted once.
    """

    url: str
    startup_seconds: float
    cpu_seconds: float
    memory: int
    proportional_memory: int

    @property
    def port(self) -> int:
        """The port of `url`."""
        return int(self.url.rpartition(":")[2])


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

    Raises `RuntimeError` if the function exits, or responds with another status than the probe's.
    """
    port = free_port()
    command = [Path(sys.executable).with_name("functions-framework"), "--target", target, "--source", source]
    began = time.perf_counter()
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, after the process has ended
    process = subprocess.Popen(
        [*command, "--port", str(port), "--host", "127.0.0.1"],
        env={**os.environ, **(environ or {}), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=log,
        start_new_session=True,
    )
    try:
        while not _responds(port, first or Probe()):
            if process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"{target} exited:\n{log.read().decode()[-2000:]}")
            time.sleep(_POLL_SECONDS)
        startup_seconds = time.perf_counter() - began
        processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        times = [each.cpu_times() for each in processes]
        memory = [each.memory_full_info() for each in processes]
        yield Served(
            f"http://127.0.0.1:{port}",
            startup_seconds,
            sum(each.user + each.system for each in times),
            sum(each.rss for each in memory),
            sum(each.pss for each in memory),
        )
    finally:
        process.terminate()
        process.wait()
        log.close()


def _responds(port: int, first: Probe) -> bool:
    """Sends the request. Returns False if nothing listens on the port yet."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return False
    try:
        connection.request(first.method, first.path, first.body, dict(first.headers or {}))
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if first.status is not None and response.status != first.status:
        raise RuntimeError(f"{first.method} {first.path}: {response.status} {body[:300].decode(errors='replace')}")
    return True
