"""The fast engine: pydantic-monty, a Python interpreter in worker processes of its own.

A worker has no file, network, environment or import but what `world` hands in. Each run gets a process that nobody
used before, and that ends with the run: not even a fault of the interpreter itself can show one run to the next.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pydantic_monty as monty
from pydantic import JsonValue

from shared.log import get_logger
from shared.sandbox.failures import Frame, computed_too_long, failure_of, not_run, took_too_long
from shared.sandbox.fast.workers import Kind, fresh_session
from shared.sandbox.fast.world import World
from shared.sandbox.inside.calls import Abilities
from shared.sandbox.inside.json_values import NotJson, refuse_long
from shared.sandbox.inspection.look import Looked, looked_at_soon
from shared.sandbox.json_values import parsed
from shared.sandbox.logs import Logs
from shared.sandbox.no_abilities import NoAbilities
from shared.sandbox.program import Failure, Limits, Outcome, Program
from shared.sandbox.slots import Slots, slots
from shared.sandbox.watched import Watched

_log = get_logger("sandbox")
_CODE = "<python-input-2>"
"""The engine's name for what it was fed third: the agent's code, after imports of ours."""
_LONGEST_MESSAGE = 2000
_BETTER = {
    "suspension limit": "The code called out more often than a run may.",
    "Internal error in monty": "The code asked the interpreter to end, or for what it does not have.",
}
"""What the engine says, in words for whoever wrote the code."""
_WITHOUT_IMPORT = {
    "httpx": "import httpx",
    "litellm": "import litellm",
    "RemoteMCPClient": "from agent_factory.remote_mcp_client import RemoteMCPClient",
}
"""What we hand in and code uses without an import, by what the code then mentions."""


class FastEngine:
    """Cheap to make: the pool behind it is shared by all on the same event loop. `at_once`: runs, per level."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    async def run(
        self, program: Program, abilities: Abilities, limits: Limits, level: int = 0, looked: Looked | None = None
    ) -> Outcome:
        """See `Engine`. `looked`: what the look found, where it was taken already."""
        began = time.monotonic()
        logs = Logs(limits.log_bytes)
        watched = Watched(abilities, limits.seconds)
        attempt = await self._attempt(
            _Run(program, World(watched, program), watched, limits, logs, looked=looked), level
        )
        failure = attempt if isinstance(attempt, Failure) else None
        result = None if isinstance(attempt, Failure) else attempt.value
        return Outcome(result, failure, logs.lines(), time.monotonic() - began)

    async def load(
        self, code: str, limits: Limits, sharers: tuple[str, ...] = (), looked: Looked | None = None
    ) -> Failure | None:
        """See `Engine`."""
        program = Program(code, {}, sharers=sharers)
        watched = Watched(NoAbilities(), limits.seconds)
        run = _Run(program, World(watched, program), watched, limits, Logs(0), only_load=True, looked=looked)
        attempt = await self._attempt(run, 0)
        return attempt if isinstance(attempt, Failure) else None

    def _slots(self, level: int) -> Slots:
        return slots("fast", self._at_once, level)

    async def _attempt(self, run: "_Run", level: int) -> "_Value | Failure":
        try:
            async with asyncio.timeout(run.limits.seconds), self._slots(level).slot(run.program.sharers):
                run.program.started()
                looked = run.looked or await looked_at_soon(run.program.code)
                if looked.findings:
                    return not_run(looked.findings)
                return _Value(await _result(run, looked.entry))
        except TimeoutError:
            return took_too_long(run.limits, run.watched.waited_for)
        except NotJson as error:
            return Failure(f"TypeError: {error}")
        except monty.MontyError as error:
            return _failure(error, run)
        finally:
            run.world.end()


@dataclass(frozen=True)
class _Run:
    program: Program
    world: World
    watched: Watched
    limits: Limits
    logs: Logs
    only_load: bool = False
    looked: Looked | None = None


@dataclass(frozen=True)
class _Value:
    value: JsonValue


async def _result(run: _Run, entry: str) -> JsonValue:
    """Raises `MontyError`, and `NotJson` for a result that is none."""
    program, limits, logs = run.program, run.limits, run.logs
    imports = [line for name, line in _WITHOUT_IMPORT.items() if name in program.code]
    kind = Kind(limits.cpu_seconds, limits.memory_bytes)
    async with fresh_session(kind, run.world.modules(), "\n".join(imports) or "None") as session:
        names = run.world.names()
        await session.feed_run(program.code, external_lookup=names, print_callback=logs.add)
        if run.only_load:
            return None
        text: Any = await session.feed_run(
            f"import json as _json\n_json.dumps({entry})",
            inputs={"_input_dict": program.input_dict, "_tools": program.tools},
            external_lookup=names,
            print_callback=logs.add,
        )
    refuse_long(text, limits.result_bytes, "result")
    return parsed(text, "result")


def _failure(error: monty.MontyError, run: _Run) -> Failure:
    """The error as Python tells it: with the agent's own lines, and by the name that a failed call has outside."""
    match error:
        case monty.MontyRuntimeError() | monty.MontySyntaxError():
            told = error.display("type-msg")
            frames = [
                Frame(frame.line, frame.function_name or "<module>")
                for frame in error.traceback()
                if frame.filename == _CODE
            ]
        case monty.MontyCrashedError() if error.timed_out:
            return Failure(f"TimeoutError: {computed_too_long(run.limits)}")
        case monty.MontyCrashedError():
            _log.warning("A sandbox process ended: %s", str(error)[:300])
            return Failure("MemoryError: The run took more than it may, and was ended.")
        case _:
            return Failure(f"{type(error.exception()).__name__}: {str(error)[:_LONGEST_MESSAGE]}")
    kind, _, message = told.partition(": ")
    kind = kind.rpartition(".")[-1]
    if kind == "KeyError":
        message = str(error.exception())  # which shows the key as Python does
    if message.startswith("feed time limit exceeded"):
        message = computed_too_long(run.limits)
    for begins, better in _BETTER.items():
        if message.startswith(begins):
            message = better
    return failure_of(kind, message, frames, run.program.code, run.world.failures)
