"""A typed client for the Firebase agents service.

`generated.api` has a package for each function, with a module for each operation. `generated.models` has the types of
requests and responses. This package adds `connect`, which opens a client, `unwrap`, which returns a call's result or
raises an exception, `wait_for_ticket`, which waits for a chat's result, and `watch_ticket`, which yields the answer
while it is being given; `client.watch` is the same. `watch_run` yields what an agent does, and `client.watch_run` is
the same.
"""

from firebase_agents_client.answers import ErrorBody, ServiceError, unwrap
from firebase_agents_client.connection import (
    Client,
    TokenProvider,
    connect,
    function_address,
    hosting_address,
    local_address,
)
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.runs import LogEvent, RunDone, RunEvent, StepEvent, watch_run
from firebase_agents_client.tickets import (
    TicketCancelled,
    TicketFailed,
    TicketTimeout,
    wait_for_ticket,
    wait_for_ticket_async,
)
from firebase_agents_client.watching import Delta, Done, Restart, Status, TicketEvent, ToolCalls, watch_ticket

__all__ = [
    "AuthenticatedClient",
    "Client",
    "Delta",
    "Done",
    "ErrorBody",
    "LogEvent",
    "Restart",
    "RunDone",
    "RunEvent",
    "ServiceError",
    "Status",
    "StepEvent",
    "TicketCancelled",
    "TicketEvent",
    "TicketFailed",
    "TicketTimeout",
    "TokenProvider",
    "ToolCalls",
    "connect",
    "function_address",
    "hosting_address",
    "local_address",
    "unwrap",
    "wait_for_ticket",
    "wait_for_ticket_async",
    "watch_run",
    "watch_ticket",
]
