"""The terminal shows only the important lines of the suite's log."""

from pathlib import Path

import pytest

from local_platform.suite_log import SuiteLog, format_for_terminal


@pytest.mark.parametrize(
    "line",
    [
        'i  functions: Beginning execution of "us-central1-meta"',
        '>  {"severity": "INFO", "message": "GET /health 200"}',
        '>  {"severity": "WARNING", "message": "GET /chat/{id} 404", "httpRequest": {}}',
        "⚠  firestore: Env variable override detected. Using firestore emulator at x.jar",
        "✔  emulators: Export complete.",
        ">  I1128 04:45:57.361502   24525 fork_posix.cc:71] Other threads are currently calling into gRPC, skipping",
        "",
        ">  ",
    ],
)
def test_ordinary_lines_are_not_shown(line: str) -> None:
    """Neither information nor errors that the caller sees are shown."""
    assert format_for_terminal(line) is None


def test_warnings_and_errors_of_functions_are_shown_with_their_traceback() -> None:
    """The message and the traceback are shown as text, without their JSON."""
    line = r'>  {"severity": "ERROR", "message": "Unhandled", "stack_trace": "Traceback\n  File x\nKeyError: 1"}'
    assert format_for_terminal(line) == "> ERROR Unhandled\nTraceback\n  File x\nKeyError: 1"
    assert format_for_terminal('>  {"severity": "WARNING", "message": "slow"}') == "> WARNING slow"
    upstream = '>  {"severity": "WARNING", "message": "POST 502: y", "httpRequest": {"status": 502}, "upstream": "y"}'
    assert format_for_terminal(upstream) == "> WARNING POST 502: y"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (">  Traceback (most recent call last):", "> Traceback (most recent call last):"),
        (">  [1, 2]", "> [1, 2]"),
        ("⚠  functions: something new", "⚠  functions: something new"),
        ("Error: An unexpected error has occurred.", "Error: An unexpected error has occurred."),
    ],
)
def test_lines_that_functions_print_and_warnings_of_the_suite_are_shown(line: str, shown: str) -> None:
    """Printed lines are shown, because a function that cannot be imported prints its traceback and logs nothing."""
    assert format_for_terminal(line) == shown


def test_lines_are_returned_once_and_complete(tmp_path: Path) -> None:
    """An incomplete line is held back until it is complete."""
    log = SuiteLog(tmp_path / "suite.log", tail=2)
    log.start_over()
    with log.path.open("a") as out:
        out.write("one\ntw")
        out.flush()
        assert log.new_lines() == ["one"]
        out.write("o\n\nthree\n")
    assert log.new_lines() == ["two", "", "three"]
    assert log.new_lines() == []
    assert log.tail() == ["two", "three"]


def test_failures_and_saves_are_recorded_until_the_log_is_started_over(tmp_path: Path) -> None:
    """Starting over resets both, and renames the previous run's log."""
    log = SuiteLog(tmp_path / "suite.log")
    log.start_over()
    log.path.write_text("⬢  functions: Failed to load function definition from source: x\n✔  Export complete\n")
    log.new_lines()
    assert log.broken
    assert log.saved
    log.start_over()
    assert not log.broken
    assert log.new_lines() == []
    assert "Failed to load" in (tmp_path / "suite.previous.log").read_text()


@pytest.mark.parametrize(
    ("line", "saved", "failed"),
    [
        ("✔  Export complete", True, False),
        ('⚠  Automatic export to "/x/data" failed, going to exit now...', False, True),
        ("✔  emulators: Export complete.", False, False),  # an export on request, perhaps to another folder
        (">  Export complete", False, False),
        ('>  ⚠  Automatic export to "/x/data" failed', False, False),
    ],
)
def test_only_the_suite_reports_whether_the_data_is_saved(line: str, saved: bool, failed: bool, tmp_path: Path) -> None:
    """Similar lines that a function prints, or that report other exports, do not count."""
    log = SuiteLog(tmp_path / "suite.log")
    log.start_over()
    log.path.write_text(f"{line}\n")
    log.new_lines()
    assert (log.saved, log.saving_failed) == (saved, failed)
