"""Provides a clone that tests may change."""

import shutil
from pathlib import Path

import pytest

from local_platform.layout import Layout

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Layout:
    """Creates a clone with this project's configuration, and with functions that do nothing."""
    root = tmp_path / "clone"
    for name in ("firebase.json", "firestore.rules", "firestore.indexes.json", "package-lock.json"):
        root.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name in ("public", "requirements"):
        shutil.copytree(ROOT / name, root / name)
    for source in (ROOT / "functions").iterdir():
        if (source / "functions.yaml").exists():
            function = root / "functions" / source.name
            function.mkdir(parents=True)
            shutil.copy(source / "functions.yaml", function)
            (function / "main.py").write_text("")
            (function / "requirements.in").write_text("functions-framework\n")
    return Layout(root)
