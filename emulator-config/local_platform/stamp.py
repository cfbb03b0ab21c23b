"""Remembers what an installed folder was made from, so that a second set-up has nothing to do."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_NAME = ".installed-from"


def fingerprint(files: Iterable[Path], *details: str) -> str:
    """A digest of the contents of `files`, and of anything else that the installation depends on."""
    digest = hashlib.sha256()
    for part in (*(file.read_bytes() for file in files), *(detail.encode() for detail in details)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def is_installed(folder: Path, wanted: str) -> bool:
    """Whether `folder` was completely made from what `wanted` is the fingerprint of."""
    try:
        return (folder / _NAME).read_text(encoding="ascii").strip() == wanted
    except OSError:
        return False


def mark_installed(folder: Path, made_from: str) -> None:
    """To be called last. The mark lies inside `folder`: whoever deletes the folder deletes the mark."""
    (folder / _NAME).write_text(made_from + "\n", encoding="ascii")


def unmark(folder: Path) -> None:
    """To be called before changing `folder`: an interrupted installation must not look complete."""
    (folder / _NAME).unlink(missing_ok=True)
