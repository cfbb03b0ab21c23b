"""The JSON file: all rows with their samples, the commit, and the facts about the machine."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from bench.rows import Row
from bench.served import ROOT

FILE = ROOT / "build" / "bench.json"
_PACKAGES = ("functions-framework", "gunicorn", "uvicorn", "google-cloud-firestore", "google-cloud-tasks", "litellm")
_OPTIONAL = ("uvloop", "httptools", "orjson")


def check_writable(file: Path) -> None:
    """Creates the folder, and raises `OSError` if `write_report` could not write into it. Changes no file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for each in (file, name_incomplete(file)):
        exists = each.exists()
        with each.open("ab"):
            pass
        if not exists:
            each.unlink()


def name_incomplete(file: Path) -> Path:
    """Returns the file for a run that was interrupted or that failed: `bench.incomplete.json` for `bench.json`."""
    return file.with_name(f"{file.stem}.incomplete{file.suffix}")


def write_report(
    measurements: Mapping[str, Sequence[Row]], seconds: float, file: Path = FILE, interrupted: bool = False
) -> Path:
    """Writes the rows by measurement and returns the file. `seconds`: how long they took in all.

    If the run was interrupted or a row failed, `file` is left as it is, since it may be the result of a complete run.
    Another one is then written (`name_incomplete`).
    """
    failed = any(row.failure is not None for rows in measurements.values() for row in rows)
    if interrupted or failed:
        file = name_incomplete(file)
    report = {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "seconds": seconds,
        "interrupted": interrupted,
        "machine": describe_machine(),
        "measurements": {name: [row.to_json() for row in rows] for name, rows in measurements.items()},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return file


def describe_machine() -> dict[str, Any]:
    """Returns what the figures depend on: cores, memory, load, and the versions of Python and the servers."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES} | {name: _version(name) for name in _OPTIONAL},
    }


def _version(name: str) -> str | None:
    try:
        return version(name) if find_spec(name) else None
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
