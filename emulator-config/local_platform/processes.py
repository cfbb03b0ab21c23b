"""Finds and ends all processes that were started.

The suite's programs detach themselves (Java), start children (functions) and outlive their parents. So every process
that is started here has a mark in its environment, which children inherit. It names the folder that the process works
for and the process that owns it. By the mark, processes are found even if the launcher was killed.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "LOCAL_PLATFORM_MARK"
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Marked:
    """A running process and its owner."""

    process: psutil.Process
    owner: str

    @property
    def owner_pid(self) -> int:
        return int(self.owner.partition("@")[0])

    @property
    def is_ours(self) -> bool:
        """Whether this process is its owner."""
        return self.owner == _identity(psutil.Process())

    @property
    def is_orphan(self) -> bool:
        """Whether its owner is gone."""
        return not _exists(self.owner)


def mark(folder: Path) -> dict[str, str]:
    """Returns the environment by which `marked` finds a process and its children. This process is their owner."""
    return {MARK: f"{_identity(psutil.Process())} {folder}"}


def marked(folder: Path) -> list[Marked]:
    """Returns the running processes that work for `folder`."""
    found: list[Marked] = []
    for process in psutil.process_iter():
        try:
            owner, _, place = process.environ().get(MARK, "").partition(" ")
            if place == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Marked(process, owner))
        except (psutil.Error, OSError):
            continue  # another user's, or already gone
    return found


def family(folder: Path, roots: Iterable[int]) -> list[psutil.Process]:
    """Returns this process's own processes for `folder`, and all descendants of `roots`, marked or not."""
    found = {entry.process for entry in marked(folder) if entry.is_ours}
    for pid in roots:
        try:
            found.update(psutil.Process(pid).children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    found.discard(psutil.Process(os.getpid()))
    return list(found)


def finish_off(processes: Sequence[psutil.Process], patience: float = 3.0) -> None:
    """Terminates `processes`, and kills those that are still running after `patience` seconds."""
    for process in processes:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=patience)


def wait_for(condition: Callable[[], bool], seconds: float, interrupted: Callable[[], bool] = lambda: False) -> bool:
    """Waits until `condition` is true, at most `seconds`, or until `interrupted`. Returns whether it became true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or interrupted():
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_running(process: psutil.Process) -> bool:
    """Returns whether `process` is running; a zombie is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _identity(process: psutil.Process) -> str:
    """Returns a unique name of a process: process ids alone are reused."""
    return f"{process.pid}@{process.create_time():.0f}"


def _exists(identity: str) -> bool:
    pid = identity.partition("@")[0]
    try:
        process = psutil.Process(int(pid))
        return _identity(process) == identity and is_running(process)
    except (psutil.Error, ValueError):
        return False


def _quietly(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return
