"""The fast engine: pydantic-monty, a Python interpreter in worker processes of its own.

A worker has no file, network, environment or import but what `world` hands in. Each run gets a process that nobody
used before, and that ends with the run: not even a fault of the interpreter itself can show one run to the next.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pydantic_monty as monty
from pydantic import JsonValue

from shared.log import get_logger
from shared.models.errors import Unavailable
from shared.per_loop import per_loop
from shared.sandbox.findings import Finding
from shared.sandbox.json_values import NotJson, parsed, refuse_long
from shared.sandbox.logs import Logs
from shared.sandbox.look import looked_at_soon
from shared.sandbox.no_abilities import NoAbilities
from shared.sandbox.program import Abilities, Failure, Limits, Outcome, Program
from shared.sandbox.workers import Kind, fresh_session
from shared.sandbox.world import World

_log = get_logger("sandbox")
_CODE = "<python-input-2>"
"""The engine's name for what it was fed third: the agent's code, after imports of ours."""
_CHECKOUT_SECONDS = 10.0
_LONGEST_MESSAGE = 2000
_LONGEST_LINE = 200
_MOST_FRAMES = 20
_MOST_FINDINGS = 10
_BETTER = {
    "suspension limit": "The code called out more often than a run may.",
    "Internal error in monty": "The code asked the interpreter to end, or for what it does not have.",
}
"""What the engine says, in words for whoever wrote the code."""
_NO_JSON = "Object of type "
_WITHOUT_IMPORT = {
    "httpx": "import httpx",
    "litellm": "import litellm",
    "RemoteMCPClient": "from agent_factory.remote_mcp_client import RemoteMCPClient",
}
"""What we hand in and code uses without an import, by what the code then mentions."""


class MontyEngine:
    """Cheap to make: the pool behind it is shared by all on the same event loop. `at_once`: runs, per level.

    An agent waits for the agents that it calls. So each level has places of its own: whoever waits, waits for a
    deeper level, and the deepest waits for nobody.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    async def run(self, program: Program, abilities: Abilities, limits: Limits, level: int = 0) -> Outcome:
        """See `Engine`."""
        began = time.monotonic()
        logs = Logs(limits.log_bytes)
        attempt = await self._attempt(_Run(program, World(abilities, program), limits, logs), level)
        failure = attempt if isinstance(attempt, Failure) else None
        result = None if isinstance(attempt, Failure) else attempt.value
        return Outcome(result, failure, logs.lines(), time.monotonic() - began)

    async def load(self, code: str, limits: Limits) -> Failure | None:
        """See `Engine`."""
        program = Program(code, {})
        run = _Run(program, World(NoAbilities(), program), limits, Logs(0), only_load=True)
        attempt = await self._attempt(run, 0)
        return attempt if isinstance(attempt, Failure) else None

    async def _attempt(self, run: "_Run", level: int) -> "_Value | Failure":
        try:
            async with asyncio.timeout(run.limits.seconds), _place(self._at_once, level):
                looked = await looked_at_soon(run.program.code)
                if looked.findings:
                    return _not_run(looked.findings)
                return _Value(await _result(run, looked.entry))
        except TimeoutError:
            return Failure(f"TimeoutError: The run took longer than {run.limits.seconds:g} s.")
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
    limits: Limits
    logs: Logs
    only_load: bool = False


@dataclass(frozen=True)
class _Value:
    value: JsonValue


def _not_run(findings: list[Finding]) -> Failure:
    kind = "SyntaxError" if findings[0].syntax else "NotImplementedError"
    told = "; ".join(f"line {finding.line}: {finding.message}" for finding in findings[:_MOST_FINDINGS])
    return Failure(f"{kind}: {told}")


@per_loop
def _places(at_once: int, level: int) -> asyncio.Semaphore:
    del level  # part of the key
    return asyncio.Semaphore(at_once)


@asynccontextmanager
async def _place(at_once: int, level: int) -> AsyncGenerator[None]:
    """A place for a run. Raises `Unavailable` when none comes free for a while."""
    places = _places(at_once, level)
    try:
        async with asyncio.timeout(_CHECKOUT_SECONDS):
            await places.acquire()
    except TimeoutError as error:
        raise Unavailable("Too many agents are running right now. Try again.", retry_after=5) from error
    try:
        yield
    finally:
        places.release()


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
            frames = [frame for frame in error.traceback() if frame.filename == _CODE]
        case monty.MontyCrashedError() if error.timed_out:
            return Failure(f"TimeoutError: {_too_long(run)}")
        case monty.MontyCrashedError():
            _log.warning("A sandbox process ended: %s", str(error)[:300])
            return Failure("MemoryError: The run took more than it may, and was ended.")
        case _:
            return Failure(f"{type(error.exception()).__name__}: {str(error)[:_LONGEST_MESSAGE]}")
    kind, _, message = told.partition(": ")
    kind = kind.rpartition(".")[-1]
    if kind == "KeyError":
        message = str(error.exception())  # which shows the key as Python does
        if message.startswith(("'http://", "'https://")) and "mcpc" in run.program.code:
            message += ". The agent's tools name no such MCP server."
    if message.startswith("feed time limit exceeded"):
        message = _too_long(run)
    for begins, better in _BETTER.items():
        if message.startswith(begins):
            message = better
    if not frames and message.startswith(_NO_JSON):
        kind_of_it = message.removeprefix(_NO_JSON).partition(" ")[0]
        message = f"The result must be JSON, and a {kind_of_it} is not. Return dicts, lists, texts and numbers."
    cause = None
    for seen in reversed(run.world.failures):
        if message == seen.message and kind in (seen.kind, "OSError"):
            kind, cause = seen.name, seen.cause
            break
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + "…"
    told = f"{kind}: {message}" if message else kind
    return Failure(told, _traceback(frames, told), cause)


def _too_long(run: _Run) -> str:
    return f"The code computed for longer than {run.limits.cpu_seconds:g} s, which is the most that a run may."


def _traceback(frames: list[monty.Frame], told: str) -> str:
    if not frames:
        return ""
    lines = ["Traceback (most recent call last):"]
    for frame in frames[-_MOST_FRAMES:]:
        lines.append(f'  File "agent.py", line {frame.line}, in {frame.function_name or "<module>"}')
        if frame.source_line:
            lines.append(f"    {frame.source_line.strip()[:_LONGEST_LINE]}")
    return "\n".join([*lines, told])
