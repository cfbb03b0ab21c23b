"""Runs programs one after the other, each in its own module, and describes their outcomes.

This file is an agent program, so the engine runs it like any other. The process of the plain Python also runs it. A
program is `{"code": …, "input": …}`. Its outcome is a dict, which `runner` calls an `Answer`.
"""

import asyncio
import contextlib
import datetime
import gc
import inspect
import io
import json
import math
import re
import sys
import traceback
from types import ModuleType
from typing import Any

_FILE = "program.py"
_MAX_CHARACTERS = 8000


async def run(input_dict: dict[str, Any], tools: object) -> list[dict[str, Any]]:
    return [await run_program(program) for program in input_dict["programs"]]


async def run_program(program: dict[str, Any]) -> dict[str, Any]:
    """Runs one program until everything that it started has ended. Cycles are collected only at the end."""
    gc.disable()
    current = asyncio.current_task()
    streams = sys.stdout, sys.stderr
    printed, warned = io.StringIO(), io.StringIO()
    module = ModuleType("agent")
    module.__dict__.update(json=json, re=re, asyncio=asyncio, math=math, datetime=datetime)
    sys.modules["agent"] = module
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(warned):
            answer = await asyncio.create_task(_execute(program, module))
            prints = printed.getvalue()
            answer["warned"] = bool(warned.getvalue())
            remaining = asyncio.all_tasks() - {current}
            for task in remaining:
                task.cancel()
            await asyncio.gather(*remaining, return_exceptions=True)
            remaining.clear()
            sys.modules.pop("agent", None)
            del module
            gc.collect()
    finally:
        sys.stdout, sys.stderr = streams
    after = printed.getvalue()[len(prints) :]
    return {**answer, "prints": prints[:_MAX_CHARACTERS], "after": after[:_MAX_CHARACTERS]}


async def _execute(program: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    try:
        exec(compile(program["code"], _FILE, "exec"), module.__dict__)  # noqa: S102 - the tests' programs
        result = await _call(module.__dict__["run"], program["input"])
        return {"result": _represent(result)[:_MAX_CHARACTERS], "json": _json(result), "raised": None, "lines": []}
    except BaseException as error:
        trace = traceback.extract_tb(error.__traceback__)
        lines = [[frame.lineno, frame.name] for frame in trace if frame.filename == _FILE][-20:]
        return {"result": None, "json": None, "raised": _describe(error), "lines": lines}


def _call(run: Any, input_dict: Any) -> Any:
    """Calls `run` with keyword arguments if it has the documented parameter names, otherwise with positional ones."""
    parameters = inspect.signature(run).parameters
    if {"input_dict", "tools"} <= set(parameters):
        return run(input_dict=input_dict, tools={})
    is_variadic = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    return run(input_dict, {}) if is_variadic or len(parameters) > 1 else run(*[input_dict] * len(parameters))


def _describe(error: BaseException) -> list[Any]:
    """Returns the exception's class and message, and those of each exception in a group."""
    try:
        message = str(error)
    except BaseException as broken:
        message = f"<{type(broken).__name__}>"
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [type(error).__name__, message[:_MAX_CHARACTERS], [_describe(member) for member in inner]]


def _json(value: Any) -> str | None:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _represent(value: Any) -> str:
    """Works like `repr`, except that it sorts the elements of sets, whose order is undefined."""
    kind: type[Any] = type(value)
    if kind is list:
        return f"[{', '.join(map(_represent, value))}]"
    if kind is tuple:
        return f"({', '.join(map(_represent, value))},)"
    if kind is dict:
        return f"{{{', '.join(f'{_represent(key)}: {_represent(value[key])}' for key in value)}}}"
    if kind in (set, frozenset):
        return f"{kind.__name__}({', '.join(sorted(map(_represent, value)))})"
    return repr(value)
