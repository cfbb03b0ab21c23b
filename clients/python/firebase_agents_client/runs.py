"""Watches a run: yields what an agent does and prints while it does, and continues after every interruption."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from firebase_agents_client import watching
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.generated.models import Run, Step
from firebase_agents_client.watching import EventConnection, Status


@dataclass(frozen=True)
class StepEvent:
    """A step of the run began or ended. A step with the same `call` as an earlier one replaces it."""

    id: int
    step: Step


@dataclass(frozen=True)
class LogEvent:
    """The run printed a line. `at`: when, as RFC 3339."""

    id: int
    at: str
    text: str


@dataclass(frozen=True)
class RunDone:
    """The last event: the run has ended as `completed`, `failed` or `cancelled`. `id`: the last cursor."""

    id: int
    run: Run


RunEvent = Status | StepEvent | LogEvent | RunDone


async def watch_run(
    client: AuthenticatedClient, run_id: str, *, starting_after: int = 0, timeout: float = 600
) -> AsyncGenerator[RunEvent]:
    """Yields the run's events until it has ended.

    If the connection breaks or the service is temporarily unavailable, continues after the last event. `Status` says
    when the run waits for a person. `starting_after`: the `id` of the last event that you have; 0 for all. `timeout`:
    the maximum total time, in seconds.

    Raises `TicketTimeout`, and `ServiceError` for an error that waiting cannot resolve, such as an unknown run.
    """
    path = f"/runs/{quote(run_id, safe='')}/events"
    connection = EventConnection(client, path, _to_event, run_id, starting_after, timeout)
    while True:
        async for event in connection.read():
            yield event
            if isinstance(event, RunDone):
                return
        await watching.sleep(connection.pause())


def _to_event(name: str, data: Any, id_: int) -> RunEvent | None:
    """Returns the event. None for one of a newer version of the service."""
    match name:
        case "status":
            return Status(data["status"], data["attempt"])
        case "step":
            return StepEvent(id_, Step.from_dict(data))
        case "log":
            return LogEvent(id_, data["at"], data["text"])
        case "done":
            return RunDone(id_, Run.from_dict(data))
        case _:
            return None
