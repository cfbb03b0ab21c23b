"""Finds the sandbox's processes that this process has started."""

import contextlib
import os
import signal

import psutil


def find_fork_servers() -> list[psutil.Process]:
    """Returns the running fork servers that this process has started."""
    return [child for child in psutil.Process().children() if _is_sandbox(child)]


def find_workers() -> list[psutil.Process]:
    """Returns the workers of these fork servers."""
    workers: list[psutil.Process] = []
    for server in find_fork_servers():
        with contextlib.suppress(psutil.Error):
            workers += [child for child in server.children() if _is_sandbox(child)]
    return workers


def kill_all() -> None:
    """Kills all workers, including idle ones."""
    for child in find_workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


def _is_sandbox(process: psutil.Process) -> bool:
    try:
        is_alive = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and any("fork_server" in argument for argument in process.cmdline())
    except psutil.Error:
        return False
