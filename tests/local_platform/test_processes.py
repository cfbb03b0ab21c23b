"""Every started process is found and ended, even if it has detached itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local_platform import processes
from local_platform.console import Problem
from local_platform.leftovers import end_leftovers

_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
_START_AND_EXIT = """
import os, subprocess, sys
sys.path.insert(0, {package!r})
from pathlib import Path
from local_platform import processes
child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(60)"],
    start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    env={{**os.environ, **processes.mark(Path({folder!r}))}},
)
print(child.pid, flush=True)
os._exit(0)
"""


def _leave_behind(folder: Path) -> psutil.Process:
    """Returns a running process for `folder` whose parent has ended."""
    package = str(Path(processes.__file__).parents[1])
    program = _START_AND_EXIT.format(package=package, folder=str(folder))
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return psutil.Process(int(started.stdout))


def test_a_detached_child_is_found_by_its_mark(tmp_path: Path) -> None:
    """Only processes that are marked for this folder are found. The test's process is their owner."""
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, **processes.mark(tmp_path)}, start_new_session=True)
    try:
        # The child process does not run `sleep` immediately.
        processes.wait_for(lambda: bool(processes.find_marked(tmp_path)), seconds=5)
        found = processes.find_marked(tmp_path)
        assert [entry.process.pid for entry in found] == [child.pid]
        assert found[0].owner_pid == os.getpid()
        assert found[0].is_owned_by_this_process
        assert not found[0].is_orphan
        assert processes.find_marked(tmp_path / "other") == []
    finally:
        child.kill()
        child.wait()
    assert processes.find_marked(tmp_path) == []


def test_a_process_that_ignores_termination_is_killed(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is killed after the given time."""
    child = subprocess.Popen([sys.executable, "-c", _STUBBORN], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        began = time.monotonic()
        processes.end_processes([psutil.Process(child.pid)], patience=0.3)
        assert time.monotonic() - began >= 0.3
        assert psutil.pid_exists(child.pid) is False


def test_leftovers_of_a_killed_launcher_are_ended(tmp_path: Path) -> None:
    """Processes whose owner has ended are recognized as leftovers, and ended."""
    leftover = _leave_behind(tmp_path)
    assert [entry.is_orphan for entry in processes.find_marked(tmp_path)] == [True]
    assert processes.find_owned_processes(tmp_path, []) == []
    assert end_leftovers(tmp_path) == 1
    assert not processes.is_running(leftover)
    assert end_leftovers(tmp_path) == 0


def test_a_running_suite_is_not_a_leftover(tmp_path: Path) -> None:
    """A suite whose launcher is running is not stopped. The message names the launcher's process."""
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, **processes.mark(tmp_path)})
    try:
        with pytest.raises(Problem, match=rf"is already running \(process {os.getpid()}\)"):
            end_leftovers(tmp_path)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_waiting_ends_with_the_condition_the_time_or_an_interruption() -> None:
    """The wait ends when the condition is true, the time is up, or it is interrupted, whichever comes first."""
    assert processes.wait_for(lambda: True, 0)
    assert not processes.wait_for(lambda: False, 0.1)
    assert not processes.wait_for(lambda: False, 60, lambda: True)
