"""Translates the errors of httpcore2, on which httpx2 is built, into error messages for users."""

import ssl
from collections.abc import Iterator

import httpcore2

from shared.outbound.errors import BadRequest, BadResponse, OutboundError, TooSlow, Unreachable

FAILURES = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.RemoteProtocolError,
    httpcore2.LocalProtocolError,
)
"""The errors that `explain_failure` accepts."""


def explain_failure(error: Exception, host: str) -> OutboundError:
    """Returns the error to show for one of `FAILURES`. `host`: with its port, unless that is the default.

    The text of the original error is left out, because it may quote the request.
    """
    causes = list(_iterate_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(f"The certificate of {host} is not valid: {_explain_certificate(cause)}.")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Unreachable(f"No TLS connection to {host} could be made.")
    if isinstance(error, httpcore2.TimeoutException):
        return TooSlow(f"{host} could not be reached in time.")
    if isinstance(error, httpcore2.ConnectError):
        return Unreachable(f"{host} could not be reached.")
    if isinstance(error, httpcore2.LocalProtocolError):
        return BadRequest("The request is not valid HTTP: check its headers.")
    if isinstance(error, httpcore2.RemoteProtocolError) and causes:
        return BadResponse(f"{host} did not send a valid HTTP response.")
    return Unreachable(f"{host} closed the connection.")  # reported as a protocol error without a cause


_CERTIFICATE_PROBLEMS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "it is signed by an unknown authority",
    20: "it is signed by an unknown authority, or the server does not send all intermediate certificates",
    21: "it is signed by an unknown authority, or the server does not send all intermediate certificates",
    23: "it has been revoked",
    62: "it was issued for another host",
    64: "it was not issued for this address",
}
"""Explanations by OpenSSL error code."""


def _explain_certificate(error: ssl.SSLCertVerificationError) -> str:
    return _CERTIFICATE_PROBLEMS.get(error.verify_code, f"it cannot be verified (OpenSSL error {error.verify_code})")


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the causes of an error, outermost first.

    Each layer wraps the errors of the layer below. The pool raises its errors `from None`, so contexts count as causes.
    """
    while (cause := error.__cause__ or error.__context__) is not None:
        yield cause
        error = cause
