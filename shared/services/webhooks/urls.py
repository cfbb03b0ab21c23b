"""Checks the URLs that users want to be notified at.

A name is not resolved here, because it may lead to another address later: `shared.outbound` checks each connection.
"""

from shared.late_imports import import_late
from shared.models.errors import InvalidInput
from shared.outbound.errors import OutboundError
from shared.settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


async def check_url(url: str, settings: Settings) -> None:
    """Raises `InvalidInput` for a URL that could never be notified, or only without encryption in a deployment."""
    urls = await import_late("shared.outbound.urls")
    network = await import_late("shared.outbound.network")
    try:
        parsed = urls.parse_url(url)
        port = parsed.port or _DEFAULT_PORTS[parsed.scheme]
        network.Guard.of(settings).refuse_private_literal(parsed.host, port)
    except OutboundError as error:
        raise _invalid(error.message) from error
    if settings.deployed and parsed.scheme != "https":
        raise _invalid("The URL must begin with https://, because notifications contain the results of runs.")


def _invalid(message: str) -> InvalidInput:
    return InvalidInput([("webhook_url", ("url",), message)])
