"""Explains the errors of httpcore2, which httpx2 stands on."""

import ssl
from collections.abc import Iterator

import httpcore2

from shared.outbound.errors import BadAnswer, BadRequest, OutboundError, TooSlow, Unreachable

FAILURES = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.RemoteProtocolError,
    httpcore2.LocalProtocolError,
)
"""The errors that `explain_failure` explains."""


def explain_failure(error: Exception, host: str) -> OutboundError:
    """The error for people, for one of `FAILURES`. `host`: with its port, if necessary.

    The error's own text is left out: it may quote what was sent.
    """
    causes = list(_iterate_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(f"The certificate of {host} is not valid: {_explain_certificate(cause)}.")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Unreachable(f"{host} could not be reached over TLS.")
    if isinstance(error, httpcore2.TimeoutException):
        return TooSlow(f"{host} could not be reached in time.")
    if isinstance(error, httpcore2.ConnectError):
        return Unreachable(f"{host} could not be reached.")
    if isinstance(error, httpcore2.LocalProtocolError):
        return BadRequest("The request cannot be sent over HTTP: check its headers.")
    if isinstance(error, httpcore2.RemoteProtocolError) and causes:
        return BadAnswer(f"{host} did not answer in valid HTTP.")
    return Unreachable(f"{host} closed the connection.")  # httpcore2 reports this as a protocol error without a cause


_CERTIFICATE_PROBLEMS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "it is signed by an unknown authority",
    20: "it is signed by an unknown authority, or the server does not send all intermediate certificates",
    21: "it is signed by an unknown authority, or the server does not send all intermediate certificates",
    23: "it has been revoked",
    62: "it is for another host",
    64: "it is not for this address",
}
"""By OpenSSL's error codes."""


def _explain_certificate(error: ssl.SSLCertVerificationError) -> str:
    return _CERTIFICATE_PROBLEMS.get(error.verify_code, f"it cannot be verified (OpenSSL's code {error.verify_code})")


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """The causes of an error: each layer wraps the errors of the one below; the pool raises them `from None`."""
    while (cause := error.__cause__ or error.__context__) is not None:
        yield cause
        error = cause
