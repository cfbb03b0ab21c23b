"""Runs agent programs with CPython, in this process."""

import asyncio
import contextlib
import copy
import datetime
import inspect
import io
import json
import math
import re
from typing import Any

from tests.sandbox.programs import Case


def run_with_cpython(code: str, case: Case) -> tuple[Any, str | None, list[str]]:
    """Runs a case that calls no host functions. Returns its result, its error and its printed lines."""
    names: dict[str, Any] = {"json": json, "re": re, "asyncio": asyncio, "math": math, "datetime": datetime}
    printed = io.StringIO()
    result: Any = None
    error: str | None = None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "agent.py", "exec"), names)  # noqa: S102 - the tests' programs
            result = json.loads(json.dumps(asyncio.run(_call(names["run"], case))))
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
    text = printed.getvalue()
    return result, error, text.removesuffix("\n").split("\n") if text else []


def _call(run: Any, case: Case) -> Any:
    """Calls `run` with keyword arguments if it has the documented parameter names, otherwise with positional ones."""
    parameters = inspect.signature(run).parameters
    input_dict, tools = copy.deepcopy(case.input), copy.deepcopy(case.tools)
    if {"input_dict", "tools"} <= set(parameters):
        return run(input_dict=input_dict, tools=tools)
    has_args = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    return run(input_dict, tools) if has_args or len(parameters) > 1 else run(*[input_dict] * len(parameters))
