"""Turns the exceptions of handlers into errors of the protocol, and logs those that clients must not see."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from shared.log import get_logger
from shared.mcp_server.results import describe
from shared.models.errors import ServiceError

_log = get_logger("mcp_server")
T = TypeVar("T")


def guard(handle: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """Returns a handler that raises only what the SDK turns into errors. The SDK's own log is switched off.

    The SDK has validated the parameters before, so that a `ValidationError` here is an internal error, too.
    """

    async def guarded(context: Any, params: Any) -> T:
        try:
            return await handle(context, params)
        except MCPError:
            raise
        except ServiceError as error:
            raise MCPError(code=INTERNAL_ERROR, message=describe(error)) from error
        except Exception:
            _fail()

    return guarded


def _fail() -> NoReturn:
    _log.exception("Unhandled exception")
    raise MCPError(code=INTERNAL_ERROR, message="Something went wrong on our side. Try again.")
