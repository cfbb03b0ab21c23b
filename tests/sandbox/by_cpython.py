"""What CPython makes of an agent program, in this process."""

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


def by_cpython(code: str, case: Case) -> tuple[Any, str | None, list[str]]:
    """The case's result, error and lines, if it calls no host function."""
    there: dict[str, Any] = {"json": json, "re": re, "asyncio": asyncio, "math": math, "datetime": datetime}
    printed = io.StringIO()
    result: Any = None
    error: str | None = None
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(code, "agent.py", "exec"), there)  # noqa: S102 - programs of our own
            result = json.loads(json.dumps(asyncio.run(_called(there["run"], case))))
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
    text = printed.getvalue()
    return result, error, text.removesuffix("\n").split("\n") if text else []


def _called(run: Any, case: Case) -> Any:
    """As the contract says: by name if `run` has its names, else by position."""
    parameters = inspect.signature(run).parameters
    input_dict, tools = copy.deepcopy(case.input), copy.deepcopy(case.tools)
    if {"input_dict", "tools"} <= set(parameters):
        return run(input_dict=input_dict, tools=tools)
    several = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters.values())
    return run(input_dict, tools) if several or len(parameters) > 1 else run(*[input_dict] * len(parameters))
