"""Finds and stops the processes that an earlier run left behind when its launcher was killed."""

import signal
from pathlib import Path

import psutil

from local_platform.console import Problem
from local_platform.ports import suggest_offset
from local_platform.processes import end_processes, find_marked

SAVE_SECONDS = 90.0
"""How long to wait for a suite to end. It saves its data first, and waits up to a minute for requests under way."""


def end_leftovers(folder: Path, offset: int = 0) -> int:
    """Stops the processes that an earlier suite in `folder` left behind, and returns their number.

    The suite's data is saved first, as usual. Raises `Problem` if the suite's launcher is still running. The
    remedy suggests a PORT_OFFSET other than `offset`, which is in use.
    """
    found = find_marked(folder)
    for entry in found:
        if not entry.is_orphan:
            raise Problem(
                f"A suite of this clone is already running (process {entry.owner_pid})",
                "Stop it first (Ctrl-C in its terminal), or choose other ports for this one, such as "
                f"PORT_OFFSET={suggest_offset(offset)}.",
            )
    leaders = [entry.process for entry in found if _is_firebase(entry.process)]
    for leader in leaders:
        leader.send_signal(signal.SIGINT)
    psutil.wait_procs(leaders, timeout=SAVE_SECONDS)
    end_processes([entry.process for entry in find_marked(folder)])
    return len(found)


def _is_firebase(process: psutil.Process) -> bool:
    try:
        return "emulators:start" in process.cmdline()
    except psutil.Error:
        return False
