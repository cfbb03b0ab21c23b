"""Translates errors of calls to other people's servers into those that a route answers with."""

from shared.models.errors import BadRequest, ServiceError, UpstreamFailed, UpstreamTooSlow
from shared.outbound import errors as outbound


def to_service_error(error: outbound.OutboundError, message: str | None = None) -> ServiceError:
    """`BadRequest` for what the caller asked for, `UpstreamTooSlow`, or `UpstreamFailed`. `message`: None: its own."""
    message = error.message if message is None else message
    match error:
        case outbound.BadAddress() | outbound.BadRequest() | outbound.Refused():
            return BadRequest(message)
        case outbound.TooSlow():
            return UpstreamTooSlow(message)
        case _:
            return UpstreamFailed(message)
