"""Functions in processes of their own: what is reported when they do not work."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from bench.served import Probe, get_json, serve
from bench.watching import MeasurementFailed, check_processes
from local_platform.processes import is_running

_HEAD = """
import os, sys
from functions_framework import aio
from starlette.responses import JSONResponse
"""


def _write(folder: Path, body: str) -> Path:
    source = folder / "main.py"
    source.write_text(f"{_HEAD}\n{body}", encoding="utf-8")
    return source


def _request(source: Path, status: int = 200) -> None:
    with serve("floor", source, first=Probe(status=status)):
        pass


def _kill(source: Path) -> None:
    with serve("floor", source) as served:
        assert get_json(served, "/") == [1]
        os.kill(served.pid, signal.SIGKILL)
        os.waitid(os.P_PID, served.pid, os.WEXITED | os.WNOWAIT)
        check_processes()


def test_a_function_that_exits_is_reported_with_its_log(tmp_path: Path) -> None:
    """The message is short, and a note has the last lines of the log."""
    source = _write(tmp_path, "sys.exit('The key is missing.')")
    with pytest.raises(MeasurementFailed) as caught:
        _request(source)
    assert str(caught.value) == "the function floor ended unexpectedly"
    assert caught.value.__notes__[0].endswith("The key is missing.")


def test_an_unexpected_status_is_reported(tmp_path: Path) -> None:
    """With the response's body."""
    source = _write(tmp_path, "@aio.http\nasync def floor(_): return JSONResponse({'detail': 'No.'}, 403)")
    with pytest.raises(MeasurementFailed, match=r'GET /: 403 {"detail":"No."}'):
        _request(source)


def test_a_function_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    """With its children. It may be waiting for a server that has ended."""
    with serve("floor", _write(tmp_path, "@aio.http\nasync def floor(_): return JSONResponse([1])")) as served:
        processes = [psutil.Process(served.pid), *psutil.Process(served.pid).children(recursive=True)]
        for process in processes:
            process.suspend()
    assert len(processes) > 1
    assert not any(map(is_running, processes))


def test_cpu_time_is_measured_in_small_units(tmp_path: Path) -> None:
    """A request that takes a millisecond of it is noticed. The supervising process counts as well."""
    source = _write(tmp_path, "@aio.http\nasync def floor(_): return JSONResponse([1])")
    with serve("floor", source) as served:
        before = served.total_cpu_seconds()
        get_json(served, "/")
        after = served.total_cpu_seconds()
    assert 0 < after - before < 1
    assert before > 0.1


def test_a_function_that_ends_later_is_reported(tmp_path: Path) -> None:
    """By whatever waits next. Its log is a note, and it is no longer watched afterwards."""
    body = "print('Here.', file=sys.stderr)\n@aio.http\nasync def floor(_): return JSONResponse([1])"
    with pytest.raises(MeasurementFailed, match="the function floor ended") as caught:
        _kill(_write(tmp_path, body))
    assert "Here." in caught.value.__notes__[0]
    check_processes()
