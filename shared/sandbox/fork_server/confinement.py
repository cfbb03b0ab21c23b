"""What the system takes away from a worker before it runs any code."""

import contextlib
import ctypes
import os
import resource
import signal
import sys

_NICE = 10
_MAX_FILES = 16
_RESERVE_BYTES = 96 * 2**20
"""That a worker may take beside Python's memory: for messages on their way."""
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def confine(memory_bytes: int, parent: int) -> None:
    """Drops everything that a process which has all that it needs can do without. It ends with the process `parent`.

    `memory_bytes`: for Python's memory.
    """
    os.chdir("/")
    os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # it ended before this process asked to end with it
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        max_bytes = memory_use("VmData") + memory_bytes + 2 * _RESERVE_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_FILES, _MAX_FILES))


def memory_use(field: str) -> int:
    """Bytes of this process, by Linux's name for them (`VmData`, `VmStk`); 0 if the system does not report it."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith(field)), 0)
    return 0
