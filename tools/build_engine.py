"""`python -m tools.build_engine`: builds the Python that agents run in. `make setup` runs it if the build is missing.

componentize-py initializes CPython with the guest code and the standard library, and stores the resulting memory. Its
core modules are merged into one (`one_core_module`), and its objects are made immortal (`immortal_objects`). wasmtime
compiles the result to machine code, which processes only need to map. This takes half a minute in total. If
neither the sources nor the tools have changed since the last build, nothing is built.
"""

import gzip
import hashlib
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from shared.sandbox import fork_server
from shared.sandbox.fork_server import component
from tools.immortal_objects import list_objects, make_immortal
from tools.one_core_module import merge_modules

ROOT = Path(__file__).parents[1]
_SANDBOX = ROOT / "shared" / "sandbox"
FOLDER = _SANDBOX / fork_server.FOLDER
_STAMP = "sources.sha256"
_GUEST = ("inside", "guest")
_STEPS = (
    *("component_format.py", "core_modules.py", "immortal_objects.py", "merged_module.py", "one_core_module.py"),
    "wasm_format.py",
)
"""The modules that change the component."""
_TOOLS = ("componentize-py", "wasmtime", "tzdata")


class BuildFailed(Exception):
    """The build failed. `args[0]` states the reason and the remedy."""


def read_sources() -> dict[str, bytes]:
    """Returns the sources that run inside the sandbox, by their paths there."""
    files: dict[str, bytes] = {"shared/__init__.py": b"", "shared/sandbox/__init__.py": b""}
    for package in _GUEST:
        for file in sorted((_SANDBOX / package).glob("*.py")):
            files[f"shared/sandbox/{package}/{file.name}"] = file.read_bytes()
    return files


def compute_digest() -> str:
    """Returns a digest of everything that the build depends on."""
    checksum = hashlib.sha256()
    for part in ((_SANDBOX / "world.wit"), Path(__file__), *(Path(__file__).with_name(name) for name in _STEPS)):
        checksum.update(part.read_bytes())
    checksum.update(f"{inspect.getsource(component.configure)}{component.FEATURES}".encode())
    for name, data in sorted(read_sources().items()):
        checksum.update(name.encode() + b"\0" + data)
    for tool in _TOOLS:
        checksum.update(f"{tool} {version(tool)}".encode())
    return checksum.hexdigest()


def is_built(folder: Path = FOLDER) -> bool:
    """Returns whether `folder` contains the current build."""
    stamp = folder / _STAMP
    return stamp.is_file() and stamp.read_text() == compute_digest()


def build(folder: Path = FOLDER) -> None:
    """Builds into `folder`, unless it already contains the current build. Raises `BuildFailed`."""
    import wasmtime
    from wasmtime.component import Component

    if is_built(folder):
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _STAMP).unlink(missing_ok=True)
    engine = wasmtime.Engine(component.configure(wasmtime))
    python = _componentize()
    try:
        python = merge_modules(python)
        python = make_immortal(python, list_objects(wasmtime, engine, Component(engine, python)))
    except RuntimeError as error:
        raise BuildFailed(str(error)) from error
    _write(folder / fork_server.COMPILED, bytes(Component(engine, python).serialize()))
    _write(folder / fork_server.COMPONENT, gzip.compress(python, mtime=0))
    _write(folder / _STAMP, compute_digest().encode())


def _componentize() -> bytes:
    import tzdata

    program = shutil.which("componentize-py", path=str(Path(sys.executable).parent)) or shutil.which("componentize-py")
    if program is None:
        raise BuildFailed("componentize-py is not installed. Run `make setup`.")
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder, "inside")
        for name, data in read_sources().items():
            file = inside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        shutil.copytree(Path(tzdata.__file__).parent, inside / "tzdata")
        output = Path(folder, "python.wasm")
        command = [program, "-d", str(_SANDBOX / "world.wit"), "-w", "engine", "componentize"]
        completed = subprocess.run(  # noqa: S603 - a fixed command
            [*command, "-p", str(inside), "shared.sandbox.guest.app", "-o", str(output)],
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            raise BuildFailed(f"componentize-py failed: {completed.stdout[-2000:]}{completed.stderr[-2000:]}")
        return output.read_bytes()


def _write(file: Path, data: bytes) -> None:
    """Writes a file atomically."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.rename(file)


def main() -> None:
    """Builds. With `--check`, only reports whether the build is current, by the exit code."""
    if "--check" in sys.argv:
        sys.exit(0 if is_built() else 1)
    if is_built():
        print(f"{FOLDER} is up to date.")  # noqa: T201 - a person runs this
        return
    print("Building the Python that agents run in, which takes half a minute …", flush=True)  # noqa: T201 - a person runs this
    try:
        build()
    except BuildFailed as error:
        sys.exit(f"✗ {error}")
    print(f"Built {FOLDER}.")  # noqa: T201 - a person runs this


if __name__ == "__main__":
    main()
