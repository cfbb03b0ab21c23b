"""Writes a function's folder so that the same sources give the same bytes, times and modes."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

MOMENT = 315_532_800
"""The first that a zip file can tell: 1980. A folder's own time would make each upload a new one."""


def write(folder: Path, files: Mapping[str, bytes]) -> int:
    """Makes `folder` hold these files and nothing else; returns how many bytes they are.

    It is made beside its place, so that one that could not be finished never looks like one that is whole.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in sorted(files.items()):
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for path in sorted(beside.rglob("*"), reverse=True):
            _settle(path)
        _settle(beside)
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return sum(map(len, files.values()))


def _settle(path: Path) -> None:
    path.chmod(0o755 if path.is_dir() else 0o644)
    os.utime(path, (MOMENT, MOMENT))
