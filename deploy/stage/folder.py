"""Writes a function's folder reproducibly: the same sources result in the same bytes, times and modes."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

FILE_TIME = 315_532_800
"""The start of 1980 as a Unix time, the earliest time that a zip file can store. With real times, each upload would
differ."""


def write(folder: Path, files: Mapping[str, bytes]) -> int:
    """Writes exactly these files to `folder`, and returns their total size in bytes.

    The files are written to a temporary folder first, so that an unfinished folder never looks complete.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, content in sorted(files.items()):
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for path in sorted(temporary.rglob("*"), reverse=True):
            _normalize(path)
        _normalize(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return sum(map(len, files.values()))


def _normalize(path: Path) -> None:
    path.chmod(0o755 if path.is_dir() else 0o644)
    os.utime(path, (FILE_TIME, FILE_TIME))
