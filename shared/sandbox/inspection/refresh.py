"""Writes `fast_surface.json` and `full_surface.json` by asking the installed engines what they have.

Run as `python -m shared.sandbox.inspection.refresh` after its version changed; a second run writes the same bytes.
"""

import asyncio
import builtins
import importlib
import json
import sys
import types
import warnings
from collections.abc import Iterable

import pydantic_monty as monty

from shared.sandbox.full.engine import FullEngine
from shared.sandbox.full.interpreters import end_ready
from shared.sandbox.inspection.surface import FILE, FULL_FILE
from shared.sandbox.no_abilities import NoAbilities
from shared.sandbox.program import Limits, Program

_TYPES = (
    *("str", "int", "float", "bool", "bytes", "dict", "list", "set", "tuple", "frozenset"),
    *("datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone"),
    *("collections.Counter", "collections.deque", "collections.defaultdict", "decimal.Decimal", "random.Random"),
)
_LEFT_OUT = {"this", "antigravity"}  # importing them here would say and open things


def found(pool: monty.Monty) -> dict[str, object]:
    """The surface, as JSON takes it."""
    public = _public(builtins)
    has = _has(pool, [], public)
    modules = {
        name: _has(pool, [f"import {name}"], _public(_imported(name)), prefix=f"{name}.")
        for name in sorted(sys.stdlib_module_names - _LEFT_OUT)
        if not name.startswith("_") and _runs(pool, f"import {name}")
    }
    return {
        "engine": monty.__version__,
        "builtins": has,
        "missing_builtins": sorted(set(public) - set(has)),
        "modules": modules,
        "missing": {name: _missing(pool, name) for name in _TYPES},
    }


def _missing(pool: monty.Monty, name: str) -> list[str]:
    """What cannot be called on the type itself. Nothing can be looked up there without being called."""
    module, _, kind = name.rpartition(".")
    names = [attribute for attribute in dir(getattr(_imported(module or "builtins"), kind)) if attribute[0] != "_"]
    lines = [*([f"import {module}"] if module else []), "missing = []"]
    for attribute in names:
        lines += ["try:", f"    {name}.{attribute}()", "except Exception as error:"]
        lines += ["    if 'has no attribute' in str(error):", f"        missing.append({attribute!r})"]
    with pool.checkout() as session:
        answer: list[str] = session.feed_run("\n".join([*lines, "missing"]))
        return sorted(answer)


def _has(pool: monty.Monty, imports: list[str], names: Iterable[str], prefix: str = "") -> list[str]:
    """Those of `names` that can be looked up."""
    lines = [*imports, "found = []"]
    for name in names:
        lines += ["try:", f"    {prefix}{name}", f"    found.append({name!r})", "except Exception:", "    pass"]
    with pool.checkout() as session:
        answer: list[str] = session.feed_run("\n".join([*lines, "found"]))
        return sorted(answer)


def _runs(pool: monty.Monty, code: str) -> bool:
    with pool.checkout() as session:
        try:
            session.feed_run(code)
        except monty.MontyError:
            return False
        return True


def _public(module: types.ModuleType) -> list[str]:
    return [name for name in dir(module) if name[0] != "_" and not isinstance(getattr(module, name), types.ModuleType)]


def _imported(name: str) -> types.ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


async def asked(engine: FullEngine) -> dict[str, object]:
    """The full engine's surface, as JSON takes it."""
    code = (
        "import importlib, sys\n"
        "def there(name):\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except BaseException:\n"
        "        return False\n"
        "    return True\n"
        "async def run(input_dict, tools):\n"
        "    names = sorted(sys.stdlib_module_names - set(input_dict['left_out']))\n"
        "    return [sys.version.split()[0], [name for name in names if name[0] != '_' and there(name)]]"
    )
    limits = Limits(seconds=60, cpu_seconds=30, memory_bytes=128 * 2**20, log_bytes=0, result_bytes=100_000)
    program = Program(code, {"left_out": [*sorted(_LEFT_OUT), "idlelib", "turtledemo"]})
    outcome = await engine.run(program, NoAbilities(), limits)
    if not isinstance(outcome.result, list):
        raise SystemExit(f"The full engine did not answer: {outcome.failure}")
    version, modules = outcome.result
    return {"engine": f"CPython {version}", "modules": modules}


async def _asked() -> dict[str, object]:
    try:
        return await asked(FullEngine(1))
    finally:
        await end_ready()


def main() -> None:
    with monty.Monty() as pool:
        FILE.write_text(json.dumps(found(pool), indent=1) + "\n")
    FULL_FILE.write_text(json.dumps(asyncio.run(_asked()), indent=1) + "\n")
    print(f"Wrote {FILE} and {FULL_FILE}.")  # noqa: T201 - a person runs this


if __name__ == "__main__":
    main()
