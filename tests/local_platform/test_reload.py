"""Edits are reported once no more files change."""

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
    """Edits are reported together, because an editor or git writes many files one after another."""
    watch = SourceWatch(tree)
    assert watch.find_edits() == []
    (tree / "functions/chat/main.py").write_text("newer")
    assert watch.find_edits() == []
    (tree / "shared/llm/catalog/openai.json").unlink()
    assert watch.find_edits() == []
    assert watch.find_edits() == ["functions/chat/main.py", "shared/llm/catalog/openai.json"]
    assert watch.find_edits() == []


@pytest.mark.parametrize("name", ["index.html", "page.js"])
def test_the_api_page_is_watched(tree: Path, name: str) -> None:
    """Edits to the API page are reported, because the function that serves it caches it."""
    watch = SourceWatch(tree)
    (tree / "functions" / name).write_text("new")
    assert watch.find_edits() == []
    assert watch.find_edits() == [f"functions/{name}"]


def test_files_that_functions_do_not_use_are_not_watched(tree: Path) -> None:
    """Neither other folders nor the temporary files of editors are watched."""
    watch = SourceWatch(tree)
    (tree / "docs/x.py").write_text("newer")
    (tree / "functions/chat/.main.py.swp").write_text("x")
    (tree / "functions/chat/.#main.py").write_text("x")
    (tree / "shared/notes.txt").write_text("x")
    assert watch.find_edits() == []
    assert watch.find_edits() == []


def test_a_reverted_edit_is_not_reported(tree: Path) -> None:
    """A file that is created and then removed is not reported."""
    watch = SourceWatch(tree)
    (tree / "shared/new.py").write_text("x")
    assert watch.find_edits() == []
    (tree / "shared/new.py").unlink()
    assert watch.find_edits() == []
