"""The interface of an engine: the input and the output of a run.

An engine takes a `Program`, the `HostFunctions` that its code may use, and `Limits`. It returns an `Outcome`. Only
plain JSON values pass between the host and agent code, so the interface fits any engine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox.inside.calls import HostFunctions
from shared.sandbox.recorder import Recorder


def _do_nothing() -> None: ...


@dataclass(frozen=True)
class Program:
    """Agent code, which defines `async def run(input_dict, tools)`, and the arguments of `run`.

    `tools`: the names of the callable tools, by the URL of their MCP server. `sharers`: the users and agents whose
    shares of the run slots the run uses (see `run_slots`). The first sharer is the tenant, whose runs may use the same
    process, one after the other. `caller`: the caller that requested the run, if the sharers have many callers.
    `on_start`: called when the run has got its slot. `seed` and `clock`: see
    `shared.sandbox.fork_server.run_environment`. Without them, the run gets a random seed and the system's clock.
    `recorder`: records the run's calls, makes them instead of the engine's host functions, and has a seed and a clock.
    """

    code: str
    input_dict: JsonObject
    tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    sharers: tuple[str, ...] = ()
    caller: str | None = None
    on_start: Callable[[], None] = _do_nothing
    seed: bytes | None = None
    clock: int | None = None
    recorder: Recorder | None = None


@dataclass(frozen=True)
class Limits:
    """The limits of one run. `seconds`: the total time, including waiting. `cpu_seconds`: the time spent computing."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    log_bytes: int
    result_bytes: int


@dataclass(frozen=True)
class Failure:
    """The reason why a run has no result.

    `error`: "TypeName: message". `traceback`: the agent's own lines; empty if none are involved. `cause`: the exception
    on the host that made a call of a host function fail, if the code did not catch that failure.
    """

    error: str
    traceback: str = ""
    cause: Exception | None = None


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run. `result` is None if there is a `failure`.

    `logs`: the printed lines. `log_times`: for each line, the seconds from the run's start to the line's beginning.
    `seconds`: the run's duration.
    """

    result: JsonValue
    failure: Failure | None
    logs: list[str]
    log_times: list[float]
    seconds: float


class Engine(Protocol):
    """Runs programs. Errors of a program and exceeded limits are reported in the outcome, not raised.

    Both methods raise `shared.models.errors.NoRunSlot` if no run slot becomes free. A run with a recorder also raises
    `Suspended` if it is put aside, `shared.models.errors.Unavailable` if its process died, and the error with which it
    was aborted.
    """

    async def run(self, program: Program, host_functions: HostFunctions, limits: Limits, level: int = 0) -> Outcome:
        """Runs the program's `run`. `level`: the number of agents between this run and the request that started it."""
        ...

    async def load(
        self, code: str, limits: Limits, sharers: tuple[str, ...] = (), caller: str | None = None
    ) -> Failure | None:
        """Runs the module's top-level code, without host functions. Returns None if that succeeds.

        `sharers`, `caller`: see `Program`.
        """
        ...
