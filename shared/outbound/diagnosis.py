"""Reads what the HTTP libraries raised. There are two of them, with the same errors under their own names."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from shared.outbound.errors import BadAnswer, BadRequest, OutboundError, TooSlow, Unreachable

Kind = tuple[type[Exception], ...]


@dataclass(frozen=True)
class Kinds:
    """A library's errors. `broken`: the server's breach of the protocol; `own`: ours."""

    slow: Kind
    connect: Kind
    network: Kind
    broken: Kind
    own: Kind

    @property
    def every(self) -> Kind:
        return self.slow + self.connect + self.network + self.broken + self.own


def explain_failure(error: Exception, kinds: Kinds, host: str) -> OutboundError:
    """What people are told, of an error of one of `kinds`; `host`: with its port, if need be.

    The error's own text is left out: it may quote what was sent.
    """
    causes = list(_iterate_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(f"The certificate of {host} is not good: {_explain_certificate(cause)}.")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Unreachable(f"{host} could not be reached over TLS.")
    if isinstance(error, kinds.slow):
        return TooSlow(f"{host} could not be reached in time.")
    if isinstance(error, kinds.connect):
        return Unreachable(f"{host} could not be reached.")
    if isinstance(error, kinds.own):
        return BadRequest("The request is not one that HTTP can carry: look at its headers.")
    if isinstance(error, kinds.broken) and causes:
        return BadAnswer(f"{host} did not answer in HTTP as it should.")
    return Unreachable(f"{host} broke the connection off.")  # httpcore says so by a protocol error without a cause


_CERTIFICATE_PROBLEMS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is signed by itself, and by no authority that is known",
    19: "it is signed by an authority that is not known",
    20: "it is signed by an authority that is not known, or the server does not send all certificates in between",
    21: "it is signed by an authority that is not known, or the server does not send all certificates in between",
    23: "it has been revoked",
    62: "it is for another host",
    64: "it is not for this address",
}
"""By OpenSSL's numbers."""


def _explain_certificate(error: ssl.SSLCertVerificationError) -> str:
    return _CERTIFICATE_PROBLEMS.get(error.verify_code, f"it cannot be verified (OpenSSL's code {error.verify_code})")


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """What lies behind it: each layer wraps the errors of the one below. httpcore's pool raises them `from None`."""
    while (cause := error.__cause__ or error.__context__) is not None:
        yield cause
        error = cause
