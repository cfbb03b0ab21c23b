"""What a function installs: of the project's lock, what that function alone needs, on the machines that it runs on."""

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
    """`requirements/lock.txt`: names, each with its version and its hashes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = {
            canonicalize_name(found["name"]): (found["version"], found["hashes"].rstrip("\n"))
            for found in _ENTRY.finditer(path.read_text(encoding="utf-8"))
        }

    def narrowed(self, pins: list[str]) -> str:
        """The requirements for `pins`, which are `name==version`, with the lock's hashes. Raises `StagingFailed`."""
        lines: list[str] = []
        for pin in sorted(pins):
            name, _, version = pin.partition("==")
            locked, hashes = self._entries.get(canonicalize_name(name), ("", ""))
            if locked != version:
                raise StagingFailed(f"{pin} is not what requirements/lock.txt has", "Run `make lock`.")
            lines.append(f"{name}=={version} \\\n{hashes}\n")
        return "".join(lines)


def compiled(requirements: Path, lock: Lock, python: str) -> str:
    """The text of a `requirements.txt` for a function's `requirements.in`. `python`: "3.11".

    The versions are the lock's, so the outcome is the same whatever the index has by now. The index is asked only for
    what uv's cache does not know. Raises `StagingFailed`.
    """
    command = [find_uv_bin(), "pip", "compile", requirements.name, "--constraints", str(lock.path), "--quiet"]
    command += ["--python-version", python, "--python-platform", PLATFORM]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    done = _run([*command, "--offline"], requirements.parent)
    if done.returncode != 0:
        done = _run(command, requirements.parent)
    if done.returncode != 0:
        last = "\n  ".join(done.stderr.strip().splitlines()[-5:])
        raise StagingFailed(
            f"uv cannot resolve functions/{requirements.parent.name}/requirements.in",
            f"Check the network connection; if that is well, run `make lock`. It said:\n  {last}",
        )
    return lock.narrowed(done.stdout.splitlines())


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def installed_size(requirements: str) -> int | None:
    """Bytes that these take, as installed here; None where some are not installed."""
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
