"""What both Pythons run: programs, one after the other, each in a module of its own; and what became of each.

This text is an agent program, so that the engine runs it as it runs any; and the plain Python's process runs the same.
A program is `{"code": …, "input": …}`; what becomes of it is an `Answer` (`comparison`), as a dict.
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
    return [await answer_of(program) for program in input_dict["programs"]]


async def answer_of(program: dict[str, Any]) -> dict[str, Any]:
    """What became of one; whatever it started has ended then. Cycles are collected at its end, and at no other time."""
    gc.disable()
    here = asyncio.current_task()
    streams = sys.stdout, sys.stderr
    printed, warned = io.StringIO(), io.StringIO()
    module = ModuleType("agent")
    module.__dict__.update(json=json, re=re, asyncio=asyncio, math=math, datetime=datetime)
    sys.modules["agent"] = module
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(warned):
            answer = await asyncio.create_task(_ended(program, module))
            prints = printed.getvalue()
            answer["warned"] = bool(warned.getvalue())
            left = asyncio.all_tasks() - {here}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            left.clear()
            sys.modules.pop("agent", None)
            del module
            gc.collect()
    finally:
        sys.stdout, sys.stderr = streams
    after = printed.getvalue()[len(prints) :]
    return {**answer, "prints": prints[:_MAX_CHARACTERS], "after": after[:_MAX_CHARACTERS]}


async def _ended(program: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    try:
        exec(compile(program["code"], _FILE, "exec"), module.__dict__)  # noqa: S102 - programs of our own
        result = await _called(module.__dict__["run"], program["input"])
        return {"result": _shown(result)[:_MAX_CHARACTERS], "json": _json(result), "raised": None, "lines": []}
    except BaseException as error:
        trace = traceback.extract_tb(error.__traceback__)
        lines = [[frame.lineno, frame.name] for frame in trace if frame.filename == _FILE][-20:]
        return {"result": None, "json": None, "raised": _raised(error), "lines": lines}


def _called(run: Any, given: Any) -> Any:
    """As the contract says: by name if `run` has its names, else by position."""
    parameters = inspect.signature(run).parameters
    if {"input_dict", "tools"} <= set(parameters):
        return run(input_dict=given, tools={})
    several = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    return run(given, {}) if several or len(parameters) > 1 else run(*[given] * len(parameters))


def _raised(error: BaseException) -> list[Any]:
    """Its class and message, and the same of what a group holds."""
    try:
        message = str(error)
    except BaseException as broken:
        message = f"<{type(broken).__name__}>"
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [type(error).__name__, message[:_MAX_CHARACTERS], [_raised(one) for one in inner]]


def _json(value: Any) -> str | None:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _shown(value: Any) -> str:
    """As `repr` has it; sets in the order of their elements' texts, since their own order is nobody's."""
    kind: type[Any] = type(value)
    if kind is list:
        return f"[{', '.join(map(_shown, value))}]"
    if kind is tuple:
        return f"({', '.join(map(_shown, value))},)"
    if kind is dict:
        return f"{{{', '.join(f'{_shown(key)}: {_shown(value[key])}' for key in value)}}}"
    if kind in (set, frozenset):
        return f"{kind.__name__}({', '.join(sorted(map(_shown, value)))})"
    return repr(value)
