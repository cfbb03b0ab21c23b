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


def write_report(measurements: Mapping[str, Sequence[Row]], seconds: float, file: Path = FILE) -> None:
    """Writes the rows by measurement. `seconds`: how long they took in all."""
    report = {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "seconds": seconds,
        "machine": describe_machine(),
        "measurements": {name: [row.to_json() for row in rows] for name, rows in measurements.items()},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report, indent=1), encoding="utf-8")


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
