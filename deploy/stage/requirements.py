"""Determines the packages that a function installs: the part of the lock file that it needs on its platform."""

import re
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name
from uv import find_uv_bin

from deploy.stage.problem import StagingFailed

PLATFORM = "x86_64-manylinux_2_28"
_ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ;[^\\\n]*)?(?: \\\n(?P<hashes>(?:    --hash=.*\n?)+))",
    re.MULTILINE,
)


class Lock:
    """The content of `requirements/lock.txt`: each package's name, version and hashes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = {
            canonicalize_name(found["name"]): (found["version"], found["hashes"].rstrip("\n"))
            for found in _ENTRY.finditer(path.read_text(encoding="utf-8"))
        }

    def narrow(self, pins: list[str]) -> str:
        """Returns the requirements for `pins` (`name==version`) with the lock file's hashes. Raises `StagingFailed`."""
        lines: list[str] = []
        for pin in sorted(pins):
            name, _, version = pin.partition("==")
            locked, hashes = self._entries.get(canonicalize_name(name), ("", ""))
            if locked != version:
                raise StagingFailed(f"{pin} is not in requirements/lock.txt", "Run `make lock`.")
            lines.append(f"{name}=={version} \\\n{hashes}\n")
        return "".join(lines)


def compile_requirements(requirements: Path, lock: Lock, python: str) -> str:
    """Returns the text of a `requirements.txt` for a function's `requirements.in` and a Python version like "3.11".

    The versions are those of the lock file, so the result does not depend on the current content of the package index.
    The index is queried only for packages that are not in uv's cache. Raises `StagingFailed`.
    """
    command = [find_uv_bin(), "pip", "compile", requirements.name, "--constraints", str(lock.path), "--quiet"]
    command += ["--python-version", python, "--python-platform", PLATFORM]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    result = _run([*command, "--offline"], requirements.parent)
    if result.returncode != 0:
        result = _run(command, requirements.parent)
    if result.returncode != 0:
        last_lines = "\n  ".join(result.stderr.strip().splitlines()[-5:])
        raise StagingFailed(
            f"uv cannot resolve functions/{requirements.parent.name}/requirements.in",
            f"Check the network connection; if it works, run `make lock`. uv printed:\n  {last_lines}",
        )
    return lock.narrow(result.stdout.splitlines())


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def installed_size(requirements: str) -> int | None:
    """Returns the total size in bytes of these packages as installed here, or None if one of them is not installed."""
    sizes = [_size(found["name"]) for found in _ENTRY.finditer(requirements)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


@cache
def _size(name: str) -> int | None:
    try:
        files = metadata.distribution(name).files or []
    except metadata.PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())
