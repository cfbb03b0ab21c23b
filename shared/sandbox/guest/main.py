"""Runs a program inside the sandbox: receives it, sends its output and its calls, and finally its result or error."""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import sys
import time
import warnings
from collections import deque
from contextvars import Context
from json import dumps  # by name, as code may replace it in its module
from types import FunctionType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from shared.sandbox.guest.channel import Channel
from shared.sandbox.guest.heap import release_part_of_reserve
from shared.sandbox.guest.loop import HostLoop
from shared.sandbox.guest.printed import OutputStream
from shared.sandbox.guest.remote_host_functions import RemoteHostFunctions
from shared.sandbox.guest.results import encode_result
from shared.sandbox.guest.world import create_mcp_clients, create_world
from shared.sandbox.inside.json_values import InvalidJson

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = "agent.py"
_VERSION = 1
_SEED_BYTES = 16
_MAX_MESSAGE_CHARACTERS = 4000
_MAX_NAME_CHARACTERS = 200
_MAX_SLEEP_SECONDS = 2**63 / 10**9
_MAX_FRAMES = 40
_MAX_NOTES = 10
_MAX_CAUSES = 5
_MAX_CAUSE_MESSAGE_CHARACTERS = 1000
_MAX_CAUSE_FRAMES = 10
_NO_RUN = "The code defines no `async def run(input_dict, tools)`."
_NOT_ASYNC = "`run` must be `async def run(input_dict, tools)`."
_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__
_traceback_of: Callable[[BaseException], TracebackType | None] = BaseException.__dict__["__traceback__"].__get__
_cause_of: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__cause__"].__get__
_context_of: Callable[[BaseException], BaseException | None] = BaseException.__dict__["__context__"].__get__
_hides_context: Callable[[BaseException], bool] = BaseException.__dict__["__suppress_context__"].__get__
"""These functions read the attributes directly, even if the exception's class redefines them."""


class NoRunFunction(Exception):
    """The code defines no valid `run`. This is reported as a `NotImplementedError` without a traceback."""


class Guest:
    """Everything that a run needs except its program. A guest is created before the snapshot is taken."""

    def __init__(self, receive: Callable[[], str], write: Callable[[str], object]) -> None:
        self._write = write
        self._channel = Channel(receive, write)
        self._printed = OutputStream(self._channel)
        self._printed.redirect_output()
        self._loop = HostLoop(self._channel)
        self._names = create_world(RemoteHostFunctions(self._loop))
        asyncio.set_event_loop(self._loop)
        warnings.showwarning = _show_warning

    def run(self) -> None:
        """Runs one program. Does not clean up afterwards, as an instance serves only one run."""
        channel = self._channel
        channel.send("ready", version=_VERSION)
        program = channel.receive()
        self._printed.set_limit(program["log_bytes"])
        time.sleep = _make_sleep(channel)
        random.seed(int.from_bytes(os.urandom(_SEED_BYTES)))
        try:
            self._run_program(program)
        except MemoryError:  # the code's objects left no memory for the last message
            release_part_of_reserve()
            self._write(_OUT_OF_MEMORY)

    def _run_program(self, program: dict[str, Any]) -> None:
        try:
            task = self._loop.create_task(
                _run_to_end(program, self._names), context=Context()
            )  # the run's context is empty
            end = self._loop.run_until_complete(task)
        except BaseException as error:  # raised by another task or by the loop itself
            end = ("failed", _describe_error(error))
        self._printed.end()
        self._channel.send(*end)


async def _run_to_end(program: dict[str, Any], names: dict[str, Any]) -> tuple[str, str]:
    """Returns the last message. No exception of the code reaches the loop, which would call methods of its class."""
    try:
        return "done", await _run_code(program, names)
    except InvalidJson as error:
        return "failed", _encode_failure("TypeError", str(error), [])
    except NoRunFunction as error:
        return "failed", _encode_failure("NotImplementedError", str(error), [])
    except BaseException as error:
        return "failed", _describe_error(error)


async def _run_code(program: dict[str, Any], names: dict[str, Any]) -> str:
    """Runs the code. Returns the result as JSON text. If the code is only loaded, the text is empty."""
    module = ModuleType("agent")
    module.__dict__.update(names, mcpc=create_mcp_clients(program["tools"]))
    sys.modules["agent"] = module
    exec(compile(program["code"], _FILE, "exec"), module.__dict__)  # noqa: S102 - the purpose of the sandbox
    if program["only_load"]:
        return ""
    run = module.__dict__.get("run")
    if not callable(run):
        raise NoRunFunction(_NO_RUN)
    result = _call_run(run, program)
    if not inspect.isawaitable(result):
        raise NoRunFunction(_NOT_ASYNC)
    return encode_result(await result, program["result_bytes"])


def _call_run(run: Any, program: dict[str, Any]) -> Any:
    """Calls `run` with keyword arguments if it has the documented parameter names, otherwise with positional ones."""
    arguments = {"input_dict": program["input_dict"], "tools": program["tools"]}
    if type(run) is FunctionType and not run.__code__.co_posonlyargcount:  # the usual case, without a slow signature
        code = run.__code__
        if arguments.keys() <= set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]):
            return run(**arguments)
    parameters = inspect.signature(run).parameters.values()
    if arguments.keys() <= {
        parameter.name for parameter in parameters if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
    }:
        return run(**arguments)
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters) or len(parameters) > 1:
        return run(*arguments.values())
    return run(*[program["input_dict"]] * len(parameters))


def _describe_error(error: BaseException) -> str:
    """Describes the exception that ended the run, with the agent's own lines. Its class may be defined by the code."""
    release_part_of_reserve()
    kind = _name_of(type(error))
    try:
        if issubclass(type(error), SyntaxError) and getattr(error, "filename", None) == _FILE:
            line, reason = (getattr(error, name, None) for name in ("lineno", "msg"))
            return _encode_failure(kind, f"line {line}: This is not valid Python: {reason}.", [])
        try:
            message = str(error)
        except BaseException as broken:
            message = f"<its message cannot be read: {_name_of(type(broken))}>"
        return _encode_failure(kind, message, _list_frames(error), _format_notes(error), _list_causes(error))
    except BaseException as broken:
        return _encode_failure(kind, f"<it cannot be described: {_name_of(type(broken))}>", [])


def _list_frames(error: BaseException, max_frames: int = _MAX_FRAMES) -> list[tuple[int, str]]:
    """Returns the last of the agent's own lines. There may be a million lines and little free memory."""
    frames: deque[tuple[int, str]] = deque(maxlen=max_frames)
    trace = _traceback_of(error)
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == _FILE:
            frames.append((trace.tb_lineno or 0, code.co_name))
        trace = trace.tb_next
    return list(frames)


def _list_causes(error: BaseException) -> list[dict[str, Any]]:
    """Describes the exceptions that led to this one, oldest first. See `Cause` for `direct`."""
    causes: list[dict[str, Any]] = []
    seen = {id(error)}
    try:
        while len(causes) < _MAX_CAUSES:
            direct = (cause := _cause_of(error)) is not None
            if cause is None and not _hides_context(error):
                cause = _context_of(error)
            if cause is None or id(cause) in seen:
                break
            seen.add(id(cause))
            message = str.__getitem__(str(cause), slice(_MAX_CAUSE_MESSAGE_CHARACTERS))
            frames = _list_frames(cause, _MAX_CAUSE_FRAMES)
            causes.append(_describe(_name_of(type(cause)), message, frames) | {"direct": direct})
            error = cause
    except BaseException:  # the agent's objects may raise anything
        return []
    return causes[::-1]


def _format_notes(error: BaseException) -> str:
    """Returns the exception's notes and the exceptions of a group, as Python prints them below an exception."""
    try:
        notes = [str(note) for note in list(getattr(error, "__notes__", ()))[:_MAX_NOTES]]
        if isinstance(error, BaseExceptionGroup):
            for number, inner in enumerate(error.exceptions[:_MAX_NOTES], 1):
                notes.append(f"  {number}: {_name_of(type(inner))}: {inner}")
        return "\n".join(notes)
    except BaseException:  # the agent's objects may raise anything
        return ""


def _encode_failure(
    kind: str,
    message: str,
    frames: list[tuple[int, str]],
    notes: str = "",
    causes: list[dict[str, Any]] | None = None,
) -> str:
    details = {"notes": _to_plain_text(notes, _MAX_MESSAGE_CHARACTERS), "causes": causes or []}
    return dumps(_describe(kind, message, frames) | details)


def _describe(kind: str, message: str, frames: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "type": _to_plain_text(kind, _MAX_NAME_CHARACTERS),
        "message": _to_plain_text(message, _MAX_MESSAGE_CHARACTERS),
        "frames": [[line, _to_plain_text(name, _MAX_NAME_CHARACTERS)] for line, name in frames],
    }


def _to_plain_text(text: str, max_characters: int) -> str:
    """Shortens a string and replaces lone surrogates, which UTF-8 lacks. Its class may be defined by the code."""
    return str.__getitem__(text, slice(max_characters)).encode("utf-8", "replace").decode()


_OUT_OF_MEMORY = f"{dumps({'kind': 'failed'})}\n{_encode_failure('MemoryError', '', [])}"
"""A message that is created in advance, because there may be no memory for it later."""


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, _file: Any = None, _line: Any = None
) -> None:
    """Shows a warning as Python does, but without positions in the guest's files and advice on tracing memory."""
    position = f"{_FILE}:{lineno}: " if filename == _FILE else ""
    sys.stderr.write(f"{position}{category.__name__}: {message}\n")


def _make_sleep(channel: Channel) -> Callable[[float], None]:
    def sleep(seconds: float, /) -> None:
        """Implements `time.sleep` by waiting in the host."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        if seconds > _MAX_SLEEP_SECONDS:
            raise OverflowError("timestamp too large to convert to C PyTime_t")
        channel.sleep(seconds)

    return sleep
