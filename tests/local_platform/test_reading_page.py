"""The API page's files are copied once from `node_modules`."""

from pathlib import Path

import pytest

from local_platform.console import Problem
from local_platform.layout import LAYOUT, Layout
from local_platform.reading_page import ensure_api_page


@pytest.fixture
def clone(tmp_path: Path) -> Layout:
    """Returns a clone with the npm package, whose files contain only their names."""
    package = tmp_path / "node_modules" / "swagger-ui-dist"
    package.mkdir(parents=True)
    (tmp_path / "functions" / "meta" / "docs").mkdir(parents=True)
    for name in (
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
        "favicon-32x32.png",
        "LICENSE",
        "NOTICE",
    ):
        (package / name).write_text(name)
    return Layout(tmp_path)


def test_the_files_are_copied_once(clone: Layout) -> None:
    """The files are copied with their license, and a second set-up copies nothing."""
    assert ensure_api_page(clone)
    assert (clone.page_parts / "swagger-ui.css").read_text() == "swagger-ui.css"
    assert (clone.page_parts / "LICENSE").exists()
    assert not ensure_api_page(clone)


def test_a_newer_package_replaces_the_copies(clone: Layout) -> None:
    """Outdated copies are replaced, so they are not served forever."""
    ensure_api_page(clone)
    (clone.root / "node_modules" / "swagger-ui-dist" / "swagger-ui.css").write_text("newer")
    assert ensure_api_page(clone)
    assert (clone.page_parts / "swagger-ui.css").read_text() == "newer"


def test_an_incomplete_package_is_reported(clone: Layout) -> None:
    """The message names the missing file and a remedy."""
    (clone.root / "node_modules" / "swagger-ui-dist" / "NOTICE").unlink()
    with pytest.raises(Problem, match=r"swagger-ui-dist has no NOTICE\. Remove node_modules"):
        ensure_api_page(clone)


def test_the_copies_are_not_committed() -> None:
    """git ignores the copies, and the package's version is pinned."""
    assert "functions/meta/docs/vendor/" in (LAYOUT.root / ".gitignore").read_text().splitlines()
    assert '"swagger-ui-dist": "5.35.0"' in (LAYOUT.root / "package.json").read_text()
