"""Finds and ends all processes that this package has started.

The suite's programs detach themselves (Java), start children (functions) and outlive their parents. Every process that
is started here therefore has a mark in its environment, which its children inherit. The mark names the folder that the
process works for and the process that owns it. With the mark, a process is found even if the launcher was killed.
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
class MarkedProcess:
    """A running process and its owner."""

    process: psutil.Process
    owner: str

    @property
    def owner_pid(self) -> int:
        return int(self.owner.partition("@")[0])

    @property
    def is_owned_by_this_process(self) -> bool:
        """Whether the current process is the owner."""
        return self.owner == _identity(psutil.Process())

    @property
    def is_orphan(self) -> bool:
        """Whether the owner has ended."""
        return not _exists(self.owner)


def mark(folder: Path) -> dict[str, str]:
    """Returns the variable by which `find_marked` finds a process and its children. The current process owns them."""
    return {MARK: f"{_identity(psutil.Process())} {folder}"}


def find_marked(folder: Path) -> list[MarkedProcess]:
    """Returns the running processes that work for `folder`."""
    found: list[MarkedProcess] = []
    for process in psutil.process_iter():
        try:
            owner, _, marked_folder = process.environ().get(MARK, "").partition(" ")
            if marked_folder == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(MarkedProcess(process, owner))
        except (psutil.Error, OSError):
            continue  # the process belongs to another user, or has already ended
    return found


def find_owned_processes(folder: Path, roots: Iterable[int]) -> list[psutil.Process]:
    """Returns the processes for `folder` that the current process owns, and all descendants of `roots`."""
    found = {entry.process for entry in find_marked(folder) if entry.is_owned_by_this_process}
    for pid in roots:
        try:
            found.update(psutil.Process(pid).children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    found.discard(psutil.Process(os.getpid()))
    return list(found)


def end_processes(processes: Sequence[psutil.Process], patience: float = 3.0) -> None:
    """Terminates `processes`, and kills those that are still running after `patience` seconds."""
    for process in processes:
        _ignore_missing(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _ignore_missing(process.kill)
    psutil.wait_procs(alive, timeout=patience)


def wait_for(condition: Callable[[], bool], seconds: float, interrupted: Callable[[], bool] = lambda: False) -> bool:
    """Waits at most `seconds` for `condition`, or until `interrupted`. Returns whether the condition became true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or interrupted():
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_running(process: psutil.Process) -> bool:
    """Returns whether `process` is running. A zombie does not count."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _identity(process: psutil.Process) -> str:
    """Returns a unique name for a process, because process ids are reused."""
    return f"{process.pid}@{process.create_time():.0f}"


def _exists(identity: str) -> bool:
    pid = identity.partition("@")[0]
    try:
        process = psutil.Process(int(pid))
        return _identity(process) == identity and is_running(process)
    except (psutil.Error, ValueError):
        return False


def _ignore_missing(action: Callable[[], None]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        return
