"""Runs programs in CPython in WebAssembly: each in an instance of its own, in a process that is its tenant's alone."""

import asyncio
import os
import time
from dataclasses import dataclass, replace

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.wire import JsonObject
from shared.sandbox.analysis.analysis import analyze
from shared.sandbox.analysis.source import plain_code
from shared.sandbox.conversation import Conversation, TooManyCalls
from shared.sandbox.failures import computed_too_long, failure_of, not_run, took_too_long
from shared.sandbox.forking import NotBuilt
from shared.sandbox.inside.calls import HostFunctions
from shared.sandbox.inside.json_values import NotJson, refuse_long
from shared.sandbox.json_values import parsed
from shared.sandbox.logs import Logs
from shared.sandbox.messages import Fault
from shared.sandbox.no_host_functions import NoHostFunctions
from shared.sandbox.program import Failure, Limits, Outcome, Program
from shared.sandbox.slots import slots
from shared.sandbox.watched import Watched
from shared.sandbox.worker import Gone, Refused, Start
from shared.sandbox.workers import worker_for
from shared.settings import Settings

_log = get_logger("sandbox")
_TRIES = 3
"""Workers for one run, where one has ended before the program had done anything that could be noticed."""
_SEED_BYTES = 32


def engine(settings: Settings) -> "WasmEngine":
    """Cheap: what is behind it is shared by all on the same event loop."""
    return WasmEngine(settings.runs_at_once)


@dataclass(frozen=True)
class _Value:
    value: JsonValue


class WasmEngine:
    """An `Engine`. `at_once`: runs, per level."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    async def run(self, program: Program, host_functions: HostFunctions, limits: Limits, level: int = 0) -> Outcome:
        """See `Engine`."""
        began = time.monotonic()
        logs = Logs(limits.log_bytes)
        attempt = await self._attempt(program, host_functions, limits, logs, level)
        failure = attempt if isinstance(attempt, Failure) else None
        result = None if isinstance(attempt, Failure) else attempt.value
        return Outcome(result, failure, logs.lines(), logs.times(), time.monotonic() - began)

    async def load(
        self, code: str, limits: Limits, sharers: tuple[str, ...] = (), caller: str | None = None
    ) -> Failure | None:
        """See `Engine`."""
        program = Program(code, {}, sharers=sharers, caller=caller)
        attempt = await self._attempt(program, NoHostFunctions(), limits, Logs(0), 0, only_load=True)
        return attempt if isinstance(attempt, Failure) else None

    async def _attempt(
        self,
        program: Program,
        host_functions: HostFunctions,
        limits: Limits,
        logs: Logs,
        level: int,
        only_load: bool = False,
    ) -> "_Value | Failure":
        watched = Watched(host_functions, limits.seconds)
        try:
            async with (
                asyncio.timeout(limits.seconds),
                slots(self._at_once, level).slot(program.sharers, program.caller),
            ):
                program.started()
                if findings := await analyze(program.code):
                    return not_run(findings, program.code)
                plain = replace(program, code=plain_code(program.code))
                return await _result(plain, watched, limits, logs, only_load)
        except TimeoutError:
            return took_too_long(limits, watched.waited_for)
        except TooManyCalls:
            return Failure("RuntimeError: The code called out more often than a run may.")
        except NotJson as error:
            return Failure(f"TypeError: {error}")
        except (NotBuilt, Gone) as error:
            _log.error("The sandbox does not start: %s", error)
            return Failure(f"RuntimeError: The sandbox does not start here. {error}")


async def _result(
    program: Program, watched: Watched, limits: Limits, logs: Logs, only_load: bool
) -> "_Value | Failure":
    """Raises `Gone`, `NotBuilt`, `TooManyCalls` and `NotJson`."""
    given: JsonObject = {
        "code": program.code,
        "input_dict": program.input_dict,
        "tools": {url: list(names) for url, names in program.tools.items()},
        "log_bytes": limits.log_bytes,
        "result_bytes": limits.result_bytes,
        "only_load": only_load,
    }
    start = Start(limits.cpu_seconds, program.seed or os.urandom(_SEED_BYTES), program.clock)
    tenant = program.sharers[0] if program.sharers else None
    for _ in range(_TRIES):
        try:
            async with worker_for(tenant, limits.memory_bytes) as worker:
                conversation = Conversation(worker, watched, logs)
                try:
                    await worker.begin(start)
                    end = await conversation.held(given)
                except Gone as error:
                    over = await worker.ending(error)
                    if conversation.begun or over or isinstance(error, Refused):
                        return _ended(over, error, limits)
                    _log.warning("A worker ended before its program had said anything")
                    raise
                return _outcome(end, conversation, program, limits)
        except Gone:
            continue
    raise Gone("Its processes end before they say anything.")


def _outcome(end: str | Fault, conversation: Conversation, program: Program, limits: Limits) -> "_Value | Failure":
    if isinstance(end, Fault):
        return failure_of(end, program.code, conversation.failures)
    refuse_long(end, limits.result_bytes, "result")
    return _Value(parsed(end, "result") if end else None)


def _ended(over: str, error: Gone, limits: Limits) -> Failure:
    """Of a run that did not come to its end."""
    match over:
        case "seconds":
            return Failure(f"TimeoutError: {computed_too_long(limits)}")
        case "stack":
            return Failure("RecursionError: The code called itself too deep, and was ended.")
        case "memory":
            return Failure("MemoryError: The run took more memory than it may.")
        case _:
            _log.warning("A worker ended in a run: %s (%s)", error, over)
            return Failure("RuntimeError: The interpreter ended in the middle of the run.")
