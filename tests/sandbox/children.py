"""The sandbox's processes that belong to this one, as the system sees them."""

import contextlib
import os
import signal

import psutil


def fork_servers() -> list[psutil.Process]:
    """Those that this process has started and that have not ended."""
    return [child for child in psutil.Process().children() if _is_one(child)]


def children() -> list[psutil.Process]:
    """Their workers."""
    found: list[psutil.Process] = []
    for server in fork_servers():
        with contextlib.suppress(psutil.Error):
            found += [child for child in server.children() if _is_one(child)]
    return found


def kill_all() -> None:
    """All workers, those that wait for a next run, too."""
    for child in children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


def _is_one(process: psutil.Process) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and any("fork_server" in word for word in process.cmdline())
    except psutil.Error:
        return False
