"""Finds and runs the plain CPythons that the engine is compared with. None is newer than the engine's CPython."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

ENGINE = (3, 14)
"""The version of the engine's CPython."""
_OLDEST = (3, 11)
"""The oldest usable version. Earlier versions lack too many features that the programs use."""
_HERE = Path(__file__).parent
DRIVER = _HERE / "driver.py"
_MODULES = (
    "base64,bisect,calendar,collections,contextlib,contextvars,copy,csv,dataclasses,decimal,enum,fractions,functools,"
    "hashlib,heapq,itertools,operator,random,statistics,string,textwrap,typing,unicodedata,uuid"
)
"""Modules that are loaded before all programs, so their import does not slow down any program."""


@dataclass(frozen=True)
class Python:
    path: str
    version: tuple[int, int]


@functools.cache
def find_pythons() -> tuple[Python, ...]:
    """Returns the usable Pythons on this machine, newest first: that of this process, those on `PATH`, and pyenv's."""
    found: dict[tuple[int, int], Python] = {}
    for path in _find_candidates():
        version = _read_version(path)
        if version and _OLDEST <= version <= ENGINE:
            found.setdefault(version, Python(path, version))
    return tuple(found[version] for version in sorted(found, reverse=True))


def _find_candidates() -> Iterable[str]:
    yield sys.executable
    names = [f"python3.{minor}" for minor in range(_OLDEST[1], ENGINE[1] + 1)]
    yield from filter(None, map(shutil.which, names))
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for name in names:
        yield from sorted(map(str, root.glob(f"versions/*/bin/{name}")))


def _read_version(path: str) -> tuple[int, int] | None:
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        command = [path, "-I", "-c", code]
        output = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.fullmatch(r"cpython (\d+) (\d+)\s*", output)
    return (int(match[1]), int(match[2])) if match else None


class PlainPython:
    """A process of a plain Python. Different values of `hash_seed` expose programs that depend on the order of sets."""

    def __init__(self, python: Python, hash_seed: int) -> None:
        self._process = subprocess.Popen(
            [python.path, "-s", str(_HERE / "child.py"), str(DRIVER), _MODULES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONHASHSEED": str(hash_seed), "PYTHONUTF8": "1", "TZ": "UTC"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.communicate()

    def run(self, programs: Sequence[JsonValue]) -> list[dict[str, Any] | None]:
        """Returns the driver's answers, in order. A program that takes too long or crashes the process has None."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(programs) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())
