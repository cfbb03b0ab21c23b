"""Which tests `make check` runs: those that reach what was changed, the nearest first."""

from pathlib import Path

import pytest

from tools.check import MAX_FILES, affected_tests


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """`low` is imported by `middle`, that by `high`, each with a test; a conftest and a late import, too."""
    files = {
        "shared/low.py": "",
        "shared/middle.py": "from shared.low import x",
        "shared/high.py": "import shared.middle",
        "shared/late_imports.py": 'import_late("shared.low")',
        "tests/test_low.py": "from shared.low import x",
        "tests/test_high.py": "from shared import high",
        "tests/test_late.py": "import shared.late_imports",
        "tests/other/conftest.py": "from shared.high import y",
        "tests/other/test_other.py": "",
        "tests/e2e/test_slow.py": "import shared.low",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_tests_that_reach_a_change_run_and_the_nearest_come_first(project: Path) -> None:
    """Through other modules, late imports and fixtures; end-to-end tests only when they changed themselves."""
    tests = affected_tests(["shared/low.py"], project)
    assert tests[0] == "tests/test_low.py"
    assert set(tests) == {"tests/test_low.py", "tests/test_high.py", "tests/test_late.py", "tests/other/test_other.py"}
    assert affected_tests(["shared/high.py"], project) == ["tests/test_high.py", "tests/other/test_other.py"]
    assert affected_tests(["tests/e2e/test_slow.py"], project) == ["tests/e2e/test_slow.py"]


def test_what_nobody_imports_has_tests_all_the_same(project: Path) -> None:
    """Documents and configuration."""
    assert affected_tests(["docs/reference/chat.md"], project) == ["tests/docs"]
    assert affected_tests(["firestore.rules"], project) == ["tests/rules"]


def test_a_change_to_what_all_import_runs_a_few_tests_only() -> None:
    """It would be the whole suite otherwise, which has a target of its own."""
    assert len(affected_tests(["shared/settings.py"])) == MAX_FILES
