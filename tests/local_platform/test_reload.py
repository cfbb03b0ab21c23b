"""Edits are noticed once they have settled."""

from pathlib import Path

import pytest

from local_platform.reload import SourceWatch


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("functions/chat/main.py", "shared/llm/catalog/openai.json", "docs/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    return tmp_path


def test_an_edit_is_reported_once_when_it_has_settled(tree: Path) -> None:
    """An editor, or git, writes many files one after another."""
    watch = SourceWatch(tree)
    assert watch.edited() == []
    (tree / "functions/chat/main.py").write_text("newer")
    assert watch.edited() == []
    (tree / "shared/llm/catalog/openai.json").unlink()
    assert watch.edited() == []
    assert watch.edited() == ["functions/chat/main.py", "shared/llm/catalog/openai.json"]
    assert watch.edited() == []


@pytest.mark.parametrize("name", ["index.html", "page.js"])
def test_the_apis_page_is_watched(tree: Path, name: str) -> None:
    """The function that serves it caches it."""
    watch = SourceWatch(tree)
    (tree / "functions" / name).write_text("new")
    assert watch.edited() == []
    assert watch.edited() == [f"functions/{name}"]


def test_what_functions_do_not_import_is_not_watched(tree: Path) -> None:
    """Nor are temporary files of Python and editors."""
    watch = SourceWatch(tree)
    (tree / "docs/x.py").write_text("newer")
    (tree / "functions/chat/.main.py.swp").write_text("x")
    (tree / "functions/chat/.#main.py").write_text("x")
    (tree / "shared/notes.txt").write_text("x")
    assert watch.edited() == []
    assert watch.edited() == []


def test_a_reverted_edit_is_not_reported(tree: Path) -> None:
    """For example, a file that is created and removed between two checks."""
    watch = SourceWatch(tree)
    (tree / "shared/new.py").write_text("x")
    assert watch.edited() == []
    (tree / "shared/new.py").unlink()
    assert watch.edited() == []
