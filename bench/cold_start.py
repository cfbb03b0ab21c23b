"""Measures each function's startup time and memory, compared with an empty function."""

import tempfile
from pathlib import Path
from statistics import median

from bench.served import ROOT, Served, serve

_RUNS = 3
_EMPTY = """
from functions_framework import aio

@aio.http
async def empty(request):
    return "empty"
"""


def measure() -> None:
    """Prints a line for each function: the medians of three starts, and their ratios to the empty function."""
    print(f"Cold start, median of {_RUNS} (process start to first response; memory of gunicorn's two processes)")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "main.py"
        source.write_text(_EMPTY)
        empty = _print_row("empty", source, None)
    for function in sorted(path.parent.name for path in ROOT.glob("functions/*/main.py")):
        _print_row(function, ROOT / "functions" / function / "main.py", empty)


def _print_row(name: str, source: Path, empty: tuple[float, float] | None) -> tuple[float, float]:
    """Returns the medians: seconds until the first response, and bytes of memory."""
    runs = [_start(name, source) for _ in range(_RUNS)]
    seconds, memory = median(run.startup_seconds for run in runs), median(run.memory for run in runs)
    ratios = "" if empty is None else f"   x{seconds / empty[0]:.2f} time  x{memory / empty[1]:.2f} memory"
    print(f"  {name:12} {seconds:6.2f} s {memory / 2**20:6.0f} MiB{ratios}", flush=True)
    return seconds, memory


def _start(name: str, source: Path) -> Served:
    with serve(name, source) as function:
        return function
