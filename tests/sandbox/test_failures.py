"""The content of a run's failure: the error, the author's own lines, and the cause."""

import pytest

from shared.sandbox import CallFailed, Failure, HttpCall, HttpResponse, Outcome, Program
from shared.sandbox.engine import WasmEngine
from shared.sandbox.no_host_functions import NoHostFunctions
from tests.sandbox.conftest import LIMITS, Run

RUN = "async def run(input_dict, tools):\n"


async def test_the_outcome_has_lines_printed_before_a_failure(run: Run) -> None:
    """The outcome contains the lines that were printed before an exception or a timeout."""
    assert (await run("print('loaded')\n" + RUN + "    print('ran')\n    1 / 0")).logs == ["loaded", "ran"]
    assert (await run(RUN + "    print('ran')\n    await asyncio.sleep(60)", seconds=0.3)).logs == ["ran"]


async def test_the_traceback_has_the_authors_own_lines(run: Run) -> None:
    """The traceback has the line numbers of the submitted code, in the order of the calls."""
    outcome = await run("def half(n):\n    return 1 / n\n\n" + RUN + "    return half(0)")
    assert outcome.failure == Failure(
        "ZeroDivisionError: division by zero",
        'Traceback (most recent call last):\n  File "agent.py", line 5, in run\n    return half(0)\n'
        '  File "agent.py", line 2, in half\n    return 1 / n\nZeroDivisionError: division by zero',
    )


async def test_a_failure_while_code_is_loaded_names_its_line(run: Run) -> None:
    """An exception in top-level code has a traceback with its line."""
    outcome = await run("x = 1\ny = x / 0\n" + RUN + "    return y")
    assert outcome.failure
    assert outcome.failure.error == "ZeroDivisionError: division by zero"
    assert '"agent.py", line 2, in <module>' in outcome.failure.traceback


async def test_code_with_findings_does_not_run(run: Run) -> None:
    """The failure lists all findings by line, and nothing is printed."""
    outcome = await run("import numpy\nprint('x')\n" + RUN + "    call_llm(messages='x')")
    assert outcome.logs == []
    assert outcome.failure
    assert outcome.failure.error.startswith("NotImplementedError: line 1: The module `numpy` is not available here.")
    assert "line 4: `call_llm(…)` must be awaited." in outcome.failure.error


async def test_a_syntax_error_is_shown_with_a_caret(run: Run) -> None:
    """The traceback shows the line unchanged, with a caret below the position of the error."""
    failure = (await run(RUN + "    return 1 +")).failure
    assert failure
    assert failure.error == "SyntaxError: line 2: This is not valid Python: invalid syntax."
    assert failure.traceback.split("\n")[:3] == [
        '  File "agent.py", line 2',
        "        return 1 +",
        "                  ^",
    ]


async def test_warnings_do_not_name_the_services_files(run: Run) -> None:
    """A warning about a call without `await` names the function, and other warnings name the agent's line."""
    code = (
        "import gc, warnings\n"
        + RUN
        + ("    async def mine():\n        pass\n    mine()\n    gc.collect()\n    warnings.warn('odd')\n    return 1")
    )
    outcome = await run(code)
    assert outcome.result == 1
    assert outcome.logs[-1] == "agent.py:7: UserWarning: odd"
    assert "coroutine 'run.<locals>.mine' was never awaited" in outcome.logs[0]
    assert "/shared/" not in "".join(outcome.logs)
    assert "tracemalloc" not in "".join(outcome.logs)


async def test_notes_and_the_exceptions_of_a_group_are_shown(run: Run) -> None:
    """The notes and the exceptions of a group follow the exception, as in Python's output."""
    code = RUN + (
        "    error = ExceptionGroup('several', [ValueError('a'), KeyError('b')])\n"
        "    error.add_note('while it was read')\n"
        "    raise error"
    )
    failure = (await run(code)).failure
    assert failure
    assert failure.error == "ExceptionGroup: several (2 sub-exceptions)"
    assert failure.traceback.split("\n")[-4:] == [
        "ExceptionGroup: several (2 sub-exceptions)",
        "while it was read",
        "  1: ValueError: a",
        "  2: KeyError: 'b'",
    ]


async def test_the_causes_of_an_exception_are_shown_before_it(run: Run) -> None:
    """As in Python's output, the causes and the handled exceptions are shown, unless `from None` hides them."""
    code = """def read(text):
    return int(text)

def checked(text):
    try:
        return read(text)
    except ValueError as error:
        raise KeyError(text) from error

async def run(input_dict, tools):
    try:
        return checked("x")
    except KeyError:
        raise RuntimeError("no number")"""
    failure = (await run(code)).failure
    assert failure
    assert failure.error == "RuntimeError: no number"
    assert (
        failure.traceback
        == """Traceback (most recent call last):
  File "agent.py", line 6, in checked
    return read(text)
  File "agent.py", line 2, in read
    return int(text)
ValueError: invalid literal for int() with base 10: 'x'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "agent.py", line 12, in run
    return checked("x")
  File "agent.py", line 8, in checked
    raise KeyError(text) from error
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "agent.py", line 14, in run
    raise RuntimeError("no number")
RuntimeError: no number"""
    )
    hidden = (await run(code.replace('"no number")', '"no number") from None'))).failure
    assert hidden
    assert hidden.traceback.startswith('Traceback (most recent call last):\n  File "agent.py", line 14')


async def test_long_chains_of_exceptions_are_truncated(run: Run) -> None:
    """The number of causes and the length of each are limited. Circular causes are handled."""
    long = RUN + (
        "    error = None\n"
        "    for number in range(100):\n"
        "        try:\n"
        "            raise ValueError('😀' * 10_000) from error\n"
        "        except ValueError as caught:\n"
        "            error = caught\n"
        "    raise error"
    )
    failure = (await run(long)).failure
    assert failure
    assert failure.traceback.count("direct cause") == 5
    circle = RUN + "    one, other = ValueError('a'), KeyError('b')\n    one.__cause__ = other\n"
    failure = (await run(circle + "    other.__cause__ = one\n    raise one")).failure
    assert failure
    assert failure.error == "ValueError: a"


async def test_a_missing_key_is_reported_as_python_does(run: Run) -> None:
    """The error is `KeyError: 'b'`, with quotes that make empty keys and spaces visible."""
    outcome = await run(RUN + "    return input_dict['b']")
    assert outcome.failure
    assert outcome.failure.error == "KeyError: 'b'"


async def test_an_invalid_escape_is_not_an_error(run: Run) -> None:
    """Models write `"\\d+"` without an `r`. Python warns about such code, but runs it."""
    assert (await run(RUN + "    return re.findall('\\d+', 'a1b22')")).result == ["1", "22"]


class FailingHostFunctions(NoHostFunctions):
    """Host functions whose HTTP calls fail with the given exception."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def http(self, call: HttpCall) -> HttpResponse:
        raise self._failure


async def _http_outcome(engine: WasmEngine, failure: Exception, code: str = "") -> Outcome:
    code = RUN + (code or "    await http_client.get('https://example.com')")
    return await engine.run(Program(code, {}), FailingHostFunctions(failure), LIMITS)


async def test_a_failed_call_is_reported_by_its_name_and_cause(engine: WasmEngine) -> None:
    """If the code does not catch the failure, the outcome has its name and its cause."""
    cause = ValueError("the cause")
    failed = CallFailed("No connection.", ConnectionError, name="ConnectError", cause=cause)
    failure = (await _http_outcome(engine, failed)).failure
    assert failure
    assert (failure.error, failure.cause) == ("ConnectError: No connection.", cause)
    assert failure.traceback.endswith("ConnectError: No connection.")


async def test_an_internal_error_reveals_nothing(engine: WasmEngine, caplog: pytest.LogCaptureFixture) -> None:
    """Agent code gets a general message, without the text of the internal exception."""
    failure = (await _http_outcome(engine, ValueError("the database's password"))).failure
    assert failure
    assert failure.error == "RuntimeError: Something went wrong on our side."
    assert "password" not in failure.traceback


async def test_a_caught_failure_is_not_the_cause(engine: WasmEngine) -> None:
    """If the run ends with another exception, a failure that the code has caught is not its cause."""
    code = (
        "    try:\n        await http_client.get('https://example.com')\n    except Exception:\n        pass\n"
        "    raise RuntimeError('another')"
    )
    failure = (await _http_outcome(engine, CallFailed("No.", cause=ValueError("the cause")), code)).failure
    assert failure
    assert (failure.error, failure.cause) == ("RuntimeError: another", None)
