"""Runs a function as the platform does: in a process of functions-framework."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from local_platform.ports import free_port

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Served:
    """A running function.

    `startup_seconds`: the time from the start of the process to the first response. `memory`: the size of the process
    and its children, in bytes.
    """

    url: str
    startup_seconds: float
    memory: int


@contextmanager
def serve(target: str, source: Path, environ: Mapping[str, str] | None = None) -> Generator[Served]:
    """Starts the function and waits for its first response, with any status. Stops it at the end of the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
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
        with httpx.Client(trust_env=False) as client:
            while True:
                try:
                    client.get(url)
                    break
                except httpx.ConnectError:
                    if process.poll() is not None:
                        log.seek(0)
                        raise RuntimeError(f"{target} exited:\n{log.read().decode()[-2000:]}") from None
                    time.sleep(0.005)
        startup_seconds = time.perf_counter() - began
        processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        yield Served(url, startup_seconds, sum(each.memory_info().rss for each in processes))
    finally:
        process.terminate()
        process.wait()
        log.close()
