"""`make check` runs the tests that import changed modules, the closest tests first."""

from pathlib import Path

import pytest

from tools.check import MAX_FILES, select_tests


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which `high` imports `middle`, which imports `low`, with tests, a conftest and a late import."""
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


def test_affected_tests_are_found_and_the_closest_come_first(project: Path) -> None:
    """Imports are followed through modules, late imports and conftests. End-to-end tests run only if they changed."""
    tests = select_tests(["shared/low.py"], project)
    assert tests[0] == "tests/test_low.py"
    assert set(tests) == {"tests/test_low.py", "tests/test_high.py", "tests/test_late.py", "tests/other/test_other.py"}
    assert select_tests(["shared/high.py"], project) == ["tests/test_high.py", "tests/other/test_other.py"]
    assert select_tests(["tests/e2e/test_slow.py"], project) == ["tests/e2e/test_slow.py"]


def test_files_without_imports_have_tests(project: Path) -> None:
    """A change to documentation or configuration runs the tests of its folder."""
    assert select_tests(["docs/reference/chat.md"], project) == ["tests/docs"]
    assert select_tests(["firestore.rules"], project) == ["tests/rules"]


def test_the_number_of_test_files_is_limited() -> None:
    """A change to a module that everything imports runs a few test files, because `make test` runs the whole suite."""
    assert len(select_tests(["shared/settings.py"])) == MAX_FILES
