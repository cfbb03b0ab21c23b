"""Restricts a worker's process before it runs any code."""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_NICENESS = 10
_MAX_OPEN_FILES = 16
_RESERVE_BYTES = 96 * 2**20
"""The memory that a worker may use in addition to Python's memory, for messages in transit."""
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def confine(memory_bytes: int, parent: int) -> None:
    """Drops all privileges that this process no longer needs, and makes it end when the process `parent` ends.

    `memory_bytes`: the maximum size of Python's memory.
    """
    os.chdir("/")
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # the parent ended before the call above
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        max_bytes = measure_memory("VmData") + memory_bytes + 2 * _RESERVE_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_OPEN_FILES, _MAX_OPEN_FILES))


def measure_memory(field: str) -> int:
    """Returns this process's memory use in bytes, by Linux field (`VmData`, `VmStk`); 0 if it is not reported."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith(field)), 0)
    return 0
