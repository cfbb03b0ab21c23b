"""Runs programs in CPython in WebAssembly. Each run has its own instance, in a process that only its tenant uses."""

import asyncio
import os
import time
from dataclasses import dataclass, replace

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.errors import Unavailable
from shared.models.wire import JsonObject
from shared.sandbox.analysis.analysis import analyze
from shared.sandbox.analysis.source import unwrap_code
from shared.sandbox.conversation import Conversation, TooManyCalls
from shared.sandbox.failures import describe_cpu_timeout, describe_fault, describe_findings, describe_timeout
from shared.sandbox.forking import InterpreterNotBuilt
from shared.sandbox.inside.calls import HostFunctions
from shared.sandbox.inside.json_values import InvalidJson, refuse_long
from shared.sandbox.json_values import parse_json
from shared.sandbox.logs import Logs
from shared.sandbox.messages import Fault
from shared.sandbox.no_host_functions import NoHostFunctions
from shared.sandbox.pending_calls import TrackedHostFunctions
from shared.sandbox.program import Failure, Limits, Outcome, Program
from shared.sandbox.recorded_conversation import RecordedConversation
from shared.sandbox.recorder import ReplayDiverged
from shared.sandbox.run_slots import slots
from shared.sandbox.timeline import Stuck
from shared.sandbox.worker import ProtocolViolation, Start, WorkerFailed
from shared.sandbox.workers import worker_for
from shared.settings import Settings

_log = get_logger("sandbox")
_MAX_TRIES = 3
"""The maximum number of workers that a run tries. It tries another if one ends before the program has any effect."""
_SEED_BYTES = 32


def create_engine(settings: Settings) -> "WasmEngine":
    """Creates an engine. This takes hardly any time, as all engines on an event loop share the same processes."""
    return WasmEngine(settings.runs_at_once)


@dataclass(frozen=True)
class _Value:
    value: JsonValue


class WasmEngine:
    """An `Engine`. `max_runs`: the number of run slots on each level."""

    def __init__(self, max_runs: int) -> None:
        self._max_runs = max_runs

    async def run(self, program: Program, host_functions: HostFunctions, limits: Limits, level: int = 0) -> Outcome:
        """See `Engine`."""
        started = time.monotonic()
        logs = Logs(limits.log_bytes)
        attempt = await self._try(program, host_functions, limits, logs, level)
        failure = attempt if isinstance(attempt, Failure) else None
        result = None if isinstance(attempt, Failure) else attempt.value
        return Outcome(result, failure, logs.lines(), logs.times(), time.monotonic() - started)

    async def load(
        self, code: str, limits: Limits, sharers: tuple[str, ...] = (), caller: str | None = None
    ) -> Failure | None:
        """See `Engine`."""
        program = Program(code, {}, sharers=sharers, caller=caller)
        attempt = await self._try(program, NoHostFunctions(), limits, Logs(0), 0, only_load=True)
        return attempt if isinstance(attempt, Failure) else None

    async def _try(
        self,
        program: Program,
        host_functions: HostFunctions,
        limits: Limits,
        logs: Logs,
        level: int,
        only_load: bool = False,
    ) -> "_Value | Failure":
        tracked = TrackedHostFunctions(host_functions, limits.seconds)
        try:
            async with (
                asyncio.timeout(limits.seconds),
                slots(self._max_runs, level).slot(program.sharers, program.caller),
            ):
                program.on_start()
                if findings := await analyze(program.code):
                    return describe_findings(findings, program.code)
                if (code := unwrap_code(program.code)) != program.code:
                    program = replace(program, code=code)
                return await _run_program(program, tracked, limits, logs, only_load)
        except TimeoutError:
            return describe_timeout(limits, tracked.pending_calls)
        except TooManyCalls:
            return Failure("RuntimeError: The run made more calls than allowed.")
        except Stuck:
            return Failure("RuntimeError: The run waits for something that never happens.")
        except ReplayDiverged as error:
            if level > 0 and program.recorder is not None:  # the agent that called this one must not catch it
                program.recorder.suspension.abort(error)
                await program.recorder.suspension.wait_for_end()
            return Failure(f"ReplayDiverged: {error}")
        except InvalidJson as error:
            return Failure(f"TypeError: {error}")
        except (InterpreterNotBuilt, WorkerFailed) as error:
            _log.error("The sandbox could not start: %s", error)
            return Failure(f"RuntimeError: The sandbox could not start. {error}")


async def _run_program(
    program: Program, tracked: TrackedHostFunctions, limits: Limits, logs: Logs, only_load: bool
) -> "_Value | Failure":
    """Runs the program in a worker, or in another one if the first ends too early.

    Raises `WorkerFailed`, `InterpreterNotBuilt`, `TooManyCalls` and `InvalidJson`.
    """
    message: JsonObject = {
        "code": program.code,
        "input_dict": program.input_dict,
        "tools": {url: list(names) for url, names in program.tools.items()},
        "log_bytes": limits.log_bytes,
        "result_bytes": limits.result_bytes,
        "only_load": only_load,
    }
    recorder = program.recorder
    if recorder is None:
        start = Start(limits.cpu_seconds, program.seed or os.urandom(_SEED_BYTES), program.clock)
    else:
        start = Start(limits.cpu_seconds, recorder.seed, recorder.clock)
    tenant = program.sharers[0] if program.sharers else None
    for _ in range(_MAX_TRIES):
        try:
            async with worker_for(tenant, limits.memory_bytes) as worker:
                if recorder is None:
                    conversation = Conversation(worker, tracked, logs)
                else:
                    conversation = RecordedConversation(worker, recorder, logs)
                try:
                    worker.start_run(start)
                    end = await conversation.run(message)
                except WorkerFailed as error:
                    ending = await worker.find_ending(error)
                    if conversation.has_started or ending or isinstance(error, ProtocolViolation):
                        if recorder is not None and not (ending or isinstance(error, ProtocolViolation)):
                            raise Unavailable("The run's process died.") from error
                        return _describe_end(ending, error, limits)
                    _log.warning("A worker ended before its program had sent anything")
                    raise
                return _read_end(end, conversation, program, limits)
        except WorkerFailed:
            continue
    raise WorkerFailed("The worker processes ended before they sent anything.")


def _read_end(end: str | Fault, conversation: Conversation, program: Program, limits: Limits) -> "_Value | Failure":
    if isinstance(end, Fault):
        return describe_fault(end, program.code, conversation.failures)
    refuse_long(end, limits.result_bytes, "result")
    return _Value(parse_json(end, "result") if end else None)


def _describe_end(ending: str, error: WorkerFailed, limits: Limits) -> Failure:
    """Returns the failure of a run whose worker ended. `ending`: how the run ended; empty if that is not known."""
    match ending:
        case "seconds":
            return Failure(f"TimeoutError: {describe_cpu_timeout(limits)}")
        case "stack":
            return Failure("RecursionError: The code recursed too deeply and was stopped.")
        case "memory":
            return Failure("MemoryError: The run used more memory than allowed.")
        case _:
            _log.warning("A worker ended during a run: %s (%s)", error, ending)
            return Failure("RuntimeError: The interpreter ended in the middle of the run.")
