"""A typed client for the Firebase agents service.

`generated.api` has a package for each function, with a module for each operation. `generated.models` has the types of
requests and responses. This package adds `connect`, which opens a client, `unwrap`, which returns a call's result or
raises an exception, and `wait_for_ticket`, which waits for a chat's result.
"""

from firebase_agents_client.answers import ErrorBody, ServiceError, unwrap
from firebase_agents_client.connection import (
    TokenProvider,
    connect,
    function_address,
    hosting_address,
    local_address,
)
from firebase_agents_client.generated.client import AuthenticatedClient
from firebase_agents_client.tickets import TicketFailed, TicketTimeout, wait_for_ticket, wait_for_ticket_async

__all__ = [
    "AuthenticatedClient",
    "ErrorBody",
    "ServiceError",
    "TicketFailed",
    "TicketTimeout",
    "TokenProvider",
    "connect",
    "function_address",
    "hosting_address",
    "local_address",
    "unwrap",
    "wait_for_ticket",
    "wait_for_ticket_async",
]
