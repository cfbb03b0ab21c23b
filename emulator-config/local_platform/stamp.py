"""Records the sources that a folder was installed from, so that a second set-up does not install it again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_NAME = ".installed-from"


def fingerprint(files: Iterable[Path], *details: str) -> str:
    """Returns a digest of the contents of `files` and of the `details` that the installation depends on."""
    digest = hashlib.sha256()
    for part in (*(file.read_bytes() for file in files), *(detail.encode() for detail in details)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def is_installed(folder: Path, expected: str) -> bool:
    """Returns whether `folder` was completely installed from the sources with the fingerprint `expected`."""
    try:
        return (folder / _NAME).read_text(encoding="ascii").strip() == expected
    except OSError:
        return False


def mark_installed(folder: Path, installed_from: str) -> None:
    """Marks `folder` as complete. Call this last. The mark is inside the folder and is deleted with it."""
    (folder / _NAME).write_text(installed_from + "\n", encoding="ascii")


def unmark(folder: Path) -> None:
    """Removes the mark. Call this before changing `folder`, so that an interrupted installation is incomplete."""
    (folder / _NAME).unlink(missing_ok=True)
