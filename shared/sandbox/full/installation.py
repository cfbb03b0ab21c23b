"""What the full engine needs on the machine: Deno, Pyodide, and a folder of its own with all that Deno may read.

The folder holds Pyodide's files, what runs inside, and the snapshot of an interpreter that has just booted, so that the
next one need not. It says nothing of any run, and is shared by all processes of this machine's user.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.log import get_logger
from shared.per_loop import per_loop

_log = get_logger("sandbox")
_ROOT = Path(__file__).parents[3]
_HERE = Path(__file__).parent
_PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
_MODULES = (("sandbox", "inside"), ("sandbox", "full", "guest"))
_SNAPSHOT = "snapshot.bin"
_SNAPSHOT_SECONDS = 60.0
_NO_CACHE = "/dev/null/none"
"""Where Deno would keep what outlives a process, `localStorage` above all: a place where nothing can be."""


class NotInstalled(Exception):
    """`args[0]` says what is missing, and how it is installed."""


@dataclass(frozen=True)
class Installation:
    """`deno`: the program. `folder`: all that it may read."""

    deno: str
    folder: Path

    def command(self, memory_pages: int | None = None) -> list[str]:
        """Starts an interpreter that may read the folder, and nothing else. `memory_pages`: of 64 KiB, at most."""
        flags = ["--max-old-space-size=128", *([f"--wasm-max-mem-pages={memory_pages}"] if memory_pages else [])]
        closed = ["--no-prompt", "--no-remote", "--no-npm", "--no-config", "--no-lock", "--no-code-cache"]
        return [self.deno, "run", *closed, f"--v8-flags={','.join(flags)}", f"--allow-read={self.folder}", "boot.mjs"]

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this process' own."""
        return {"DENO_DIR": _NO_CACHE, "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"}


async def installation() -> Installation:
    """Lays the folder out if no process has yet: two seconds. Raises `NotInstalled`."""
    deno = _deno()
    async with _one_at_a_time():
        folder = await asyncio.to_thread(_laid_out)
        if not (_is_ours(folder) and (folder / "boot.mjs").is_file()):  # cleaned up, and perhaps made anew by another
            _laid_out.cache_clear()
            folder = await asyncio.to_thread(_laid_out)
        installed = Installation(deno, folder)
        if not (folder / _SNAPSHOT).is_file():
            await _make_snapshot(installed)
    return installed


@per_loop
def _one_at_a_time() -> asyncio.Lock:
    return asyncio.Lock()


@cache
def _deno() -> str:
    if importlib.util.find_spec("deno") is not None:
        from deno import find_deno_bin  # the package that carries it

        with contextlib.suppress(OSError):
            return str(find_deno_bin())
    if found := shutil.which("deno"):
        return found
    raise NotInstalled("Deno is not installed (the package `deno` of the function's requirements)")


@cache
def _pyodide() -> Path:
    for folder in (_HERE / "pyodide", _ROOT / "node_modules" / "pyodide"):
        if all((folder / name).is_file() for name in _PYODIDE_FILES):
            return folder
    raise NotInstalled("Pyodide is not installed (`npm ci`, or its files in `shared/sandbox/full/pyodide`)")


@cache
def _laid_out() -> Path:
    """The folder, with everything but the snapshot."""
    pyodide = _pyodide()
    files = {name: (pyodide / name).read_bytes() for name in _PYODIDE_FILES}
    for name in ("boot.mjs", "prepare.py"):
        files[name] = (_HERE / "guest" / name).read_bytes()
    files["modules.json"] = json.dumps(_modules()).encode()
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode() + b"\0" + data)
    folder = Path(tempfile.gettempdir()) / f"agents-full-engine-{os.getuid()}-{digest.hexdigest()[:16]}"
    if not (folder / "boot.mjs").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        _write(files, folder)
    if not _is_ours(folder):
        folder = Path(tempfile.mkdtemp(prefix="agents-full-engine-")) / "files"
        _write(files, folder)
    return folder


def _modules() -> list[tuple[str, str]]:
    """What runs inside, each file by its path there; packages are empty."""
    packages = ["shared", "shared/sandbox", "shared/sandbox/full"]
    modules = [(f"{package}/__init__.py", "") for package in packages]
    for parts in _MODULES:
        folder = _ROOT.joinpath("shared", *parts)
        modules += [("/".join(("shared", *parts, file.name)), file.read_text()) for file in sorted(folder.glob("*.py"))]
    return modules


def _write(files: dict[str, bytes], folder: Path) -> None:
    """All of them or none: whoever finds the folder finds it whole."""
    beside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    for name, data in files.items():
        (beside / name).write_bytes(data)
    try:
        beside.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(beside, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """It is there, and nobody else can have put something into it."""
    try:
        seen = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and not seen.st_mode & 0o022


async def _make_snapshot(installed: Installation) -> None:
    """Boots once without one. Raises `NotInstalled` where that does not work."""
    process = await asyncio.create_subprocess_exec(
        *installed.command(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=installed.environment,
        cwd=installed.folder,
    )
    try:
        async with asyncio.timeout(_SNAPSHOT_SECONDS):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise NotInstalled("Pyodide did not boot in time") from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0 or len(out) < 4 or int.from_bytes(out[:4], "big") != len(out) - 4:
        _log.error("Pyodide does not boot", extra={"fields": {"said": err.decode("utf-8", "replace")[-2000:]}})
        raise NotInstalled("Pyodide does not boot in Deno; the log has what it said")
    await asyncio.to_thread(_put, installed.folder / _SNAPSHOT, out[4:])


def _put(file: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as beside:
        beside.write(data)
    Path(beside.name).rename(file)
