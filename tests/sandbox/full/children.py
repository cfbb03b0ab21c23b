"""The interpreters of this process, as the system sees them."""

import os
import signal

import psutil


def children() -> list[psutil.Process]:
    """Those that this process started and that have not ended."""
    return [child for child in psutil.Process().children() if _is_one(child)]


def kill_all() -> None:
    """Those that wait for a next run, too."""
    for child in children():
        os.kill(child.pid, signal.SIGKILL)


def _is_one(child: psutil.Process) -> bool:
    try:
        return child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == ["boot.mjs"]
    except psutil.Error:
        return False
