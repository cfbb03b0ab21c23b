"""Starts a function under functions-framework, as the platform does, and can freeze and resume it.

Cloud Run withdraws the CPU from an instance that is not processing a request. Sending SIGSTOP to the whole process tree
has the same effect: clocks advance while everything else stops.
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
    """A running function. `client` sends requests to it, and `log` is the file with its output."""

    client: httpx.Client
    process: psutil.Process
    log: Path

    @property
    def pids(self) -> set[int]:
        """The ids of the instance's processes."""
        return {self.process.pid, *(child.pid for child in self.process.children(recursive=True))}

    def freeze(self, seconds: float) -> None:
        """Stops every process of the instance for `seconds`."""
        tree = [self.process, *self.process.children(recursive=True)]
        for process in tree:
            with suppress(psutil.NoSuchProcess):  # the process has just ended
                process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


@contextmanager
def instance(name: str, folder: Path, environ: Mapping[str, str]) -> Generator[Instance]:
    """Starts the function `name` in `folder`, where it also writes its log. Yields when it accepts connections."""
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
        # A new connection for each request: the server closes idle ones after two seconds, or when it is resumed.
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
