"""Finds the address that a request comes from, for rate limits.

A deployed function can be reached in two ways, and `X-Forwarded-For` differs between them. At the function's own
address, Google's front end appends the caller's address. Through Hosting, it appends the address of the Google machine
that Hosting called from, and the entry before that is the caller's. The caller may have invented any earlier entries.
Therefore the last entry is used, or, if that belongs to Hosting, the one before it. See
docs/decisions/0020-the-callers-address.md.
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from shared.settings import Settings
from shared.web.dependencies import CurrentSettings
from shared.web.request_headers import HeaderIndex, get_all

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOSTING_EDGES = (
    "35.191.0.0/16",
    "64.233.160.0/19",
    "66.102.0.0/20",
    "66.249.64.0/19",
    "70.32.128.0/19",
    "72.14.192.0/18",
    "74.125.0.0/16",
    "108.170.192.0/18",
    "108.177.0.0/17",
    "130.211.0.0/22",
    "142.250.0.0/15",
    "172.217.0.0/16",
    "172.253.0.0/16",
    "173.194.0.0/16",
    "192.178.0.0/15",
    "207.223.160.0/20",
    "209.85.128.0/17",
    "216.58.192.0/19",
    "216.239.32.0/19",
    "2001:4860::/32",
    "2404:6800::/32",
    "2404:f340::/32",
    "2600:2d00:1::/48",
    "2607:f8b0::/32",
    "2800:3f0::/32",
    "2a00:1450::/32",
    "2c0f:fb50::/32",
)
"""The networks of Google's own services and front ends. Those of Google Cloud customers are excluded, because anyone
can call from a machine there. See https://support.google.com/a/answer/10026322 for how to compute the difference."""

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")
_MAX_ADDRESS_LENGTH = 64
_MAX_REMEMBERED_LENGTH = 200
"""The maximum length of a remembered header, because callers choose its first entries."""


@lru_cache(maxsize=8)
def _parse_networks(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in networks)


def _parse_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parses an entry of the header. Returns None if it is not an address, so that no arbitrary text becomes a key."""
    text = text.strip()
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    if len(text) > _MAX_ADDRESS_LENGTH or "%" in text:
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def client_address(request: Request, settings: Settings) -> str:
    """Returns the caller's address as reported by the trusted proxies, whose number is `TRUSTED_PROXIES`.

    Without trusted proxies, returns the peer's address. Returns "unknown" only if the server does not know its peer.
    """
    peer = request.client.host if request.client else None
    return find_address(peer, request.headers.getlist("x-forwarded-for"), settings)


def find_sender(scope: Scope, headers: HeaderIndex, settings: Settings) -> str:
    """Returns the address that a request comes from. See `client_address`."""
    client = scope.get("client")
    return find_address(client[0] if client else None, get_all(headers, b"x-forwarded-for"), settings)


def find_address(peer: str | None, forwarded: Sequence[str], settings: Settings) -> str:
    """Returns the caller's address. `forwarded`: the values of `X-Forwarded-For`. See `client_address`."""
    peer = peer or "unknown"
    if not settings.trusted_proxies or not forwarded:
        return peer
    text = ",".join(forwarded)
    find = _find_forwarded if len(text) <= _MAX_REMEMBERED_LENGTH else _find_forwarded.__wrapped__
    return find(text, settings.trusted_proxies, settings.hosting_edges or HOSTING_EDGES) or peer


@lru_cache(maxsize=1024)
def _find_forwarded(text: str, proxies: int, edges: tuple[str, ...]) -> str | None:
    """Returns the caller's address according to `X-Forwarded-For`, None if that is not an address."""
    entries = [part for part in text.split(",") if part.strip()]
    if not entries:
        return None
    position = min(proxies, len(entries))
    nearest = _parse_address(entries[-position])
    if nearest is None:
        return None
    if position < len(entries) and any(nearest in network for network in _parse_networks(edges)):
        return str(_parse_address(entries[-position - 1]) or nearest)
    return str(nearest)


def address_block(address: str) -> str:
    """Returns the key for rate limits: the address or, for IPv6, its /48, the largest block customers usually get."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{address}/48", strict=False)) if parsed.version == 6 else address


async def _client_address(request: Request, settings: CurrentSettings) -> str:
    return client_address(request, settings)


ClientAddress = Annotated[str, Depends(_client_address)]
"""The caller's address."""
