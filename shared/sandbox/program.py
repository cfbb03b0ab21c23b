"""What goes into a run and what comes out: all that the rest of the project knows of an engine.

An engine takes a `Program`, the `HostFunctions` that its code may use, and `Limits`; it gives an `Outcome`. All that
crosses is plain JSON values, so that any engine can carry it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from shared.models.wire import JsonObject
from shared.sandbox.inside.calls import HostFunctions


def _ignore() -> None: ...


@dataclass(frozen=True)
class Program:
    """Agent code, which defines `async def run(input_dict, tools)`, and what that is called with.

    `tools`: MCP servers by their URL, and of each the tools that may be called. `sharers`: whose run it is, each of
    whom has only a share of the run slots (`shared.sandbox.slots`); the first is the tenant, whose runs may use one
    process, one after the other. `caller`: who asked for the run, if many call these sharers. `on_start`: called
    when the run has its slot. `seed` and `clock`: see `shared.sandbox.fork_server.surroundings`; without them the run
    has random ones, and the system's clock.
    """

    code: str
    input_dict: JsonObject
    tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    sharers: tuple[str, ...] = ()
    caller: str | None = None
    on_start: Callable[[], None] = _ignore
    seed: bytes | None = None
    clock: int | None = None


@dataclass(frozen=True)
class Limits:
    """Of one run. `seconds`: from start to end; `cpu_seconds`: while it computes, waiting not counted."""

    seconds: float
    cpu_seconds: float
    memory_bytes: int
    log_bytes: int
    result_bytes: int


@dataclass(frozen=True)
class Failure:
    """Why a run has no result.

    `error`: "TypeName: message". `traceback`: the agent's own lines, empty if none is involved. `cause`: the exception
    behind a failed call of a host function, if the code did not catch that.
    """

    error: str
    traceback: str = ""
    cause: Exception | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a run. `result` is None if there is a `failure`.

    `logs`: the lines that were printed; `log_times`: when each of them began, in seconds after the start. `seconds`:
    from start to end.
    """

    result: JsonValue
    failure: Failure | None
    logs: list[str]
    log_times: list[float]
    seconds: float


class Engine(Protocol):
    """Runs programs. A program's fault, or a limit that it reached, is an outcome, and is not raised.

    Both methods raise `shared.models.errors.NoRoom` if no run slot comes free.
    """

    async def run(self, program: Program, host_functions: HostFunctions, limits: Limits, level: int = 0) -> Outcome:
        """Runs the program's `run`. `level`: through how many agents this one was called."""
        ...

    async def load(
        self, code: str, limits: Limits, sharers: tuple[str, ...] = (), caller: str | None = None
    ) -> Failure | None:
        """Runs the code outside of functions, without host functions; None if that works.

        `sharers`, `caller`: see `Program`.
        """
        ...
