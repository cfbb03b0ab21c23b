"""Deployed functions import their modules from bytecode that was compiled when they were staged."""

import shutil
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from shared import bytecode

_SHARED = Path(bytecode.__file__).parent
_IMPORT = "from shared import bytecode\nbytecode.install()\nimport shared.package.module as m\nprint(m.VALUE)\nm.fail()"
_SOURCE = b"VALUE = 'source'\ndef fail():\n    raise ValueError  # here\n"
_COMPILED = _SOURCE.replace(b"source", b"compiled")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like a function's, with a package whose bytecode can be distinguished from its source."""
    package = tmp_path / "shared" / "package"
    package.mkdir(parents=True)
    for name in ("__init__.py", "bytecode.py"):
        shutil.copy(_SHARED / name, package.parent)
    (package / "__init__.py").touch()
    (package / "module.py").write_bytes(_SOURCE)
    return tmp_path


def _dump() -> bytes:
    return bytecode.dump({"shared.package.module": ("shared/package/module.py", _COMPILED)})


def _run(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", _IMPORT], cwd=folder, capture_output=True, text=True, check=False)


def test_modules_are_imported_from_the_bytecode(folder: Path) -> None:
    """The bytecode is used, even though the source has another time. Tracebacks show the source's lines."""
    (folder / bytecode.FILE_NAME).write_bytes(_dump())
    done = _run(folder)
    assert done.stdout == "compiled\n"
    assert 'File "shared/package/module.py", line 3, in fail\n    raise ValueError  # here\n' in done.stderr


def test_modules_without_bytecode_are_imported_from_their_sources(folder: Path) -> None:
    """Without the file, as on a developer's machine, and for modules that it lacks, Python compiles the sources."""
    assert _run(folder).stdout == "source\n"
    (folder / bytecode.FILE_NAME).write_bytes(bytecode.dump({}))
    assert _run(folder).stdout == "source\n"


def test_bytecode_of_another_python_is_ignored(folder: Path) -> None:
    """A file of another version, by its name or its first bytes, is never used."""
    (folder / "shared.cpython-399.bytecode").write_bytes(_dump())
    assert _run(folder).stdout == "source\n"
    (folder / bytecode.FILE_NAME).write_bytes(b"\0\0\r\n" + _dump()[len(MAGIC_NUMBER) :])
    assert _run(folder).stdout == "source\n"


def test_bytecode_depends_only_on_the_sources() -> None:
    """Another process, in which other modules are loaded, creates the same bytes."""
    path = _SHARED / "settings.py"
    code = (
        "import json, sys, decimal\nfrom pathlib import Path\nfrom shared import bytecode\n"
        f"source = Path({str(path)!r}).read_bytes()\n"
        "sys.stdout.buffer.write(bytecode.dump({'shared.settings': ('shared/settings.py', source)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=_SHARED.parent, capture_output=True, check=True)
    assert done.stdout == bytecode.dump({"shared.settings": ("shared/settings.py", path.read_bytes())})
