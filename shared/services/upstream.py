"""Translates errors of calls to third-party servers into errors that a route may return."""

from shared.models.errors import BadRequest, ServiceError, UpstreamFailed, UpstreamTooSlow
from shared.outbound import errors as outbound


def to_service_error(error: outbound.OutboundError, message: str | None = None) -> ServiceError:
    """Returns `BadRequest` for a caller's fault, else `UpstreamTooSlow` or `UpstreamFailed`.

    `message` replaces the error's own message.
    """
    message = error.message if message is None else message
    match error:
        case outbound.BadAddress() | outbound.BadRequest() | outbound.AddressRefused():
            return BadRequest(message)
        case outbound.TooSlow():
            return UpstreamTooSlow(message)
        case _:
            return UpstreamFailed(message)
