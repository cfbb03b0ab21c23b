"""Tests that the access log's line is the one that a logger would write."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from shared import log
from shared.log import JsonFormatter
from shared.settings import Settings
from shared.trace import RequestContext, TraceContext, current_request
from shared.web.access_log import AccessEntry, AccessLog

TEXT = st.text(max_size=20)
ENTRIES = st.builds(
    AccessEntry,
    method=TEXT,
    route=TEXT,
    status=st.integers(100, 599),
    seconds=st.floats(0, 1e6),
    user_agent=TEXT,
    remote_ip=TEXT,
    function=TEXT,
    details=st.dictionaries(st.sampled_from(["uid", "ticket", "run", "upstream"]), TEXT),
)
CONTEXTS = st.none() | st.builds(
    RequestContext,
    request_id=TEXT,
    trace=st.builds(TraceContext, st.just("a" * 32), st.just("b" * 16), st.booleans()),
    project=TEXT,
    route=st.just(lambda: ("GET", "/")),
)


def write_with_logger(entry: AccessEntry) -> str:
    """Returns the line that the logger writes for the entry."""
    record = logging.LogRecord("agents.access", entry.level, "here.py", 1, "%s", (entry.message,), None)
    record.fields = entry.fields
    return JsonFormatter().format(record)


@given(ENTRIES, CONTEXTS)
def test_the_line_is_that_of_a_logger(entry: AccessEntry, context: RequestContext | None) -> None:
    """All fields are equal and in the same order, whatever they contain. Only the times differ."""
    token = current_request.set(context)
    try:
        line, expected = entry.to_line(), write_with_logger(entry)
    finally:
        current_request.reset(token)
    fields, expected_fields = json.loads(line), json.loads(expected)
    assert list(fields) == list(expected_fields)
    assert fields.pop("time")[-6:] == expected_fields.pop("time")[-6:] == "+00:00"
    assert fields == expected_fields
    assert len(line.splitlines()) == 1
    assert line.isascii()


def remove_other_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the handlers that pytest adds to the loggers of each test."""
    log.configure_logging()
    loggers = logging.getLogger("agents")
    ours = [handler for handler in loggers.handlers if type(handler).__module__ == "shared.log"]
    monkeypatch.setattr(loggers, "handlers", ours)


def test_a_request_writes_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The line is on standard output when the request is complete, once, whether or not other handlers exist."""
    log.configure_logging()
    visits = AccessLog("meta", Settings())
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    visits.end(visits.begin(scope, {}), 404)
    (with_handlers,) = capsys.readouterr().out.splitlines()
    remove_other_handlers(monkeypatch)
    visits.end(visits.begin(scope, {}), 404)
    (without_handlers,) = capsys.readouterr().out.splitlines()
    assert list(json.loads(with_handlers)) == list(json.loads(without_handlers))
    assert json.loads(without_handlers)["severity"] == "WARNING"


def test_without_other_handlers_the_line_is_written_directly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line goes to standard output as it is."""
    remove_other_handlers(monkeypatch)
    assert not log.has_other_handlers()
    log.write_line('{"a": 1}')
    assert capsys.readouterr().out == '{"a": 1}\n'


def test_other_handlers_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that is added later receives the lines, too."""
    remove_other_handlers(monkeypatch)
    monkeypatch.setattr(logging.getLogger("agents"), "propagate", True)
    assert log.has_other_handlers()
    monkeypatch.setattr(logging.getLogger("agents"), "propagate", False)
    monkeypatch.setattr(logging.getLogger("agents"), "handlers", [logging.NullHandler()])
    assert log.has_other_handlers()


def test_a_closed_output_does_not_fail_a_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that cannot be written is reported on standard error, as by a logger."""

    class Closed:
        def write(self, _text: str) -> Any:
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr("sys.stdout", Closed())
    log.write_line("lost")
    assert "BrokenPipeError" in capsys.readouterr().err
