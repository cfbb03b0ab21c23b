"""Ends what was started, all of it.

The suite's programs detach themselves (Java), start children of their own (functions) and outlive their parents. So
whatever is started here carries a mark in its environment, which children inherit: it names the folder that the
process works for and the process that answers for it. The mark finds them even when the launcher was killed.
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
    """A running process and who answers for it."""

    process: psutil.Process
    owner: str

    @property
    def owner_pid(self) -> int:
        return int(self.owner.partition("@")[0])

    @property
    def is_ours(self) -> bool:
        """Whether this very process answers for it."""
        return self.owner == _identity(psutil.Process())

    @property
    def is_orphan(self) -> bool:
        """Whether the process that answers for it is gone."""
        return not _exists(self.owner)


def mark(folder: Path) -> dict[str, str]:
    """The environment that makes a process, and what it starts, found by `marked`. This process answers for it."""
    return {MARK: f"{_identity(psutil.Process())} {folder}"}


def marked(folder: Path) -> list[Marked]:
    """The running processes that work for `folder`."""
    found: list[Marked] = []
    for process in psutil.process_iter():
        try:
            owner, _, place = process.environ().get(MARK, "").partition(" ")
            if place == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Marked(process, owner))
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone meanwhile
    return found


def family(folder: Path, roots: Iterable[int]) -> list[psutil.Process]:
    """What works for `folder` in this process's name, and all descendants of `roots`, marked or not."""
    found = {entry.process for entry in marked(folder) if entry.is_ours}
    for pid in roots:
        try:
            found.update(psutil.Process(pid).children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    found.discard(psutil.Process(os.getpid()))
    return list(found)


def finish_off(processes: Sequence[psutil.Process], patience: float = 3.0) -> None:
    """Asks `processes` to end, and after `patience` seconds makes those end that have not."""
    for process in processes:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=patience)


def wait_for(condition: Callable[[], bool], seconds: float, interrupted: Callable[[], bool] = lambda: False) -> bool:
    """Waits until `condition` holds, at most `seconds`, and no longer than until `interrupted`. True if it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or interrupted():
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_running(process: psutil.Process) -> bool:
    """Whether `process` still does something: one that ended but was not waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _identity(process: psutil.Process) -> str:
    """Names a process for good: ids alone are used again."""
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
