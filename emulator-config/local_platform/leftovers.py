"""Finds and stops the processes that an earlier run left behind when its launcher was killed."""

import signal
from pathlib import Path

import psutil

from local_platform.console import Problem
from local_platform.ports import other_offset
from local_platform.processes import finish_off, marked

SAVE_SECONDS = 90.0
"""The suite saves its data before it ends, and waits for running requests for at most a minute."""


def end_leftovers(folder: Path, offset: int = 0) -> int:
    """Stops the processes that an earlier suite of `folder` left behind; returns their number.

    Its data are saved first, as at any other end. Raises `Problem` if the suite is still running under its launcher;
    the remedy suggests a PORT_OFFSET other than `offset`, which is in use.
    """
    found = marked(folder)
    for entry in found:
        if not entry.is_orphan:
            raise Problem(
                f"A suite of this clone is running already (process {entry.owner_pid})",
                "Stop that one first (Ctrl-C in its terminal), or choose other ports for this one, such as "
                f"PORT_OFFSET={other_offset(offset)}.",
            )
    leaders = [entry.process for entry in found if _is_firebase(entry.process)]
    for leader in leaders:
        leader.send_signal(signal.SIGINT)
    psutil.wait_procs(leaders, timeout=SAVE_SECONDS)
    finish_off([entry.process for entry in marked(folder)])
    return len(found)


def _is_firebase(process: psutil.Process) -> bool:
    try:
        return "emulators:start" in process.cmdline()
    except psutil.Error:
        return False
