"""Tests log lines, including the events for Error Reporting."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.log import JsonFormatter, get_logger
from tests.conftest import SECRET_KEY, Lines


def fail() -> None:
    raise RuntimeError(f"the key {SECRET_KEY} is wrong")


def test_an_exception_is_grouped_by_its_stack(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event for an exception has the stack in the format of `traceback.format_exc`, the service and its
    revision."""
    monkeypatch.setenv("K_SERVICE", "worker")
    monkeypatch.setenv("K_REVISION", "worker-00007-abc")
    try:
        fail()
    except RuntimeError:
        get_logger("test").exception("It broke", extra={"fields": {"ticket": "7"}})
    (line,) = lines()
    assert line["severity"] == "ERROR"
    assert line["@type"] == "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
    assert line["serviceContext"] == {"service": "worker", "version": "worker-00007-abc"}
    assert (line["message"], line["ticket"]) == ("It broke", "7")
    assert line["stack_trace"].startswith("Traceback (most recent call last):\n  File ")
    assert line["stack_trace"].splitlines()[-1].startswith("RuntimeError: ")
    assert "context" not in line


@pytest.mark.parametrize("name", ["test", "client"])
def test_a_stack_trace_contains_no_secret(lines: Lines, name: str) -> None:
    """Secrets in the message of an exception are masked, whichever logger is used."""
    try:
        fail()
    except RuntimeError:
        get_logger(name).exception("It broke with %s", SECRET_KEY if name == "test" else "")
    assert SECRET_KEY not in json.dumps(lines())


def test_an_error_without_an_exception_is_grouped_by_its_location(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error without an exception is logged with its location, because Error Reporting requires a stack or a
    location."""
    monkeypatch.delenv("K_SERVICE", raising=False)
    get_logger("test").error("It broke")
    (line,) = lines()
    location = line["context"]["reportLocation"]
    assert location["filePath"].endswith("tests/test_log.py")
    assert location["functionName"] == "test_an_error_without_an_exception_is_grouped_by_its_location"
    assert location["lineNumber"] > 0
    assert line["serviceContext"] == {"service": "local"}


def test_an_exception_group_has_a_location(lines: Lines) -> None:
    """An exception group is logged with a location, because Error Reporting does not accept the format of its stack."""
    try:
        raise ExceptionGroup("several", [RuntimeError("one")])
    except ExceptionGroup:
        get_logger("test").exception("They broke")
    (line,) = lines()
    assert "one" in line["stack_trace"]
    assert "reportLocation" in line["context"]


@pytest.mark.parametrize(("name", "level"), [("test", "WARNING"), ("client", "ERROR"), ("access", "ERROR")])
def test_other_lines_are_not_error_events(lines: Lines, name: str, level: str) -> None:
    """Warnings, lines from frontends, and access log lines of 5xx responses are not reported as errors."""
    get_logger(name).log(getattr(logging, level), "Something")
    (line,) = lines()
    assert line["severity"] == level
    assert "@type" not in line


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3))
def test_a_line_is_one_line_of_json(message: str, fields: dict[str, Any]) -> None:
    """Every log entry is a single line of JSON, whatever its message, fields and level."""
    for level in (logging.INFO, logging.ERROR):
        record = logging.LogRecord("agents.test", level, "here.py", 7, "%s", (message,), None)
        record.fields = fields
        line = JsonFormatter().format(record)
        assert len(line.splitlines()) == 1
        assert json.loads(line)["serviceContext" if level == logging.ERROR else "logger"]
