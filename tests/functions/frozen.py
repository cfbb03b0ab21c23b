"""A function under functions-framework, started as the platform starts it, which can be frozen and go on.

Cloud Run takes the CPU away from an instance that answers nobody. SIGSTOP for the whole process tree does the same:
clocks go on, and nothing else does.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from local_platform.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0


@dataclass(frozen=True)
class Instance:
    """`client`: of the function; `log`: all that it wrote."""

    client: httpx.Client
    process: psutil.Process
    log: Path

    @property
    def pids(self) -> set[int]:
        """The processes of the instance."""
        return {self.process.pid, *(child.pid for child in self.process.children(recursive=True))}

    def freeze(self, seconds: float) -> None:
        """Takes the CPU away from every process of the instance for so long."""
        tree = [self.process, *self.process.children(recursive=True)]
        for process in tree:
            with suppress(psutil.NoSuchProcess):  # one that was just over
                process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@contextmanager
def instance(name: str, folder: Path, environ: Mapping[str, str]) -> Generator[Instance]:
    """The function `name`, once it listens. `folder`: where it runs, and writes its log."""
    port = free_port()
    fixed = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    address = {"FUNCTION_TARGET": name, "PORT": str(port), "HOST": "127.0.0.1"}
    log = folder / f"{name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("functions-framework"), "--source", ROOT / "functions" / name / "main.py"],
            cwd=folder,
            env={**fixed, **environ, **address},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        # A connection for each request: those that lie idle are closed after two seconds, frozen ones at the next.
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False, limits=limits) as client:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    client.get("/__started")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, log.read_text()[-3000:]
                    assert time.monotonic() < deadline, log.read_text()[-3000:]
                    time.sleep(0.05)
            yield Instance(client, psutil.Process(process.pid), log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
