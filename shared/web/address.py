"""Where a request comes from."""

import ipaddress
from typing import Annotated

from fastapi import Depends, Request

from shared.web.dependencies import CurrentSettings


def client_address(request: Request, trusted_proxies: int) -> str:
    """The caller's address: the peer's, or what the outermost proxy of ours wrote into `X-Forwarded-For`.

    Each proxy appends the address that it was called from, so with one proxy the last entry is the caller's, and
    whatever stands before it is the caller's own invention.
    """
    forwarded = [
        part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",") if part.strip()
    ]
    if trusted_proxies and forwarded:
        return forwarded[-min(trusted_proxies, len(forwarded))]
    return request.client.host if request.client else "unknown"


def address_block(address: str) -> str:
    """What a rate limit counts by: the address, or the /64 of an IPv6 one, which is what one customer gets."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if parsed.version == 6 else address


def _client_address(request: Request, settings: CurrentSettings) -> str:
    return client_address(request, settings.trusted_proxies)


ClientAddress = Annotated[str, Depends(_client_address)]
"""The caller's address, by the setting `TRUSTED_PROXIES`."""
