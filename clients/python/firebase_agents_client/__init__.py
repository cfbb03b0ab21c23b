"""A typed client of the Firebase agents service.

`generated.api` has a module for each operation, by function; `generated.models` has their requests and responses. The
hand-written part: `connect` opens a client; `answered` returns a call's result or raises an exception;
`wait_for_ticket` waits for a chat.
"""

from firebase_agents_client.answers import ErrorBody, ServiceError, answered
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
    "answered",
    "connect",
    "function_address",
    "hosting_address",
    "local_address",
    "wait_for_ticket",
    "wait_for_ticket_async",
]
