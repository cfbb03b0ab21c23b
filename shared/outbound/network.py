"""Guards connections: resolves a name once, checks the addresses, and connects to exactly those addresses.

This module does not depend on an HTTP library. `guarded_pool` applies it to httpx2.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import TypeVar

import certifi

from shared.outbound.addresses import is_public
from shared.outbound.errors import AddressRefused, Unreachable
from shared.settings import Settings

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Maps a host and a port to addresses, the best first.

Raises `OSError` or `UnicodeError` if the name does not exist.
"""

USER_AGENT = "firebase-agents/0.1"
CONNECT_SECONDS = 10.0
"""The time limit for one address: an address that does not respond must not use up the time for the next one."""
_MAX_ADDRESSES = 4
"""The maximum number of addresses that are tried for one name."""

Stream = TypeVar("Stream")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Queries the system's resolver, which also accepts `127.1` and `0x7f000001` as addresses."""
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in results]


@dataclass(frozen=True)
class Guard:
    """Decides which hosts may be reached. Hashable, so that each guard has its own connections."""

    allowed_hosts: frozenset[str]
    resolver: Resolver = resolve

    @classmethod
    def of(cls, settings: Settings, resolver: Resolver = resolve) -> "Guard":
        """Creates a guard that also allows the hosts in `outbound_allowed_hosts`.

        Each entry is a `host` or `host:port`, written exactly as in the URL.
        """
        return cls(frozenset(host.lower() for host in settings.outbound_allowed_hosts), resolver)

    def refuse_private_literal(self, host: str, port: int) -> None:
        """Raises `AddressRefused` for a literal address to which no connection would be allowed. Resolves no name."""
        try:
            ip_address(host)
        except ValueError:
            return
        self._check(host, port, [host])

    async def addresses(self, host: str, port: int) -> list[str]:
        """Returns the addresses to connect to for `host`. Raises `AddressRefused` and `Unreachable`.

        One address that is not public is enough to refuse the name: a name with both kinds is probably an attack.
        """
        addresses = await self._resolve(host, port)
        self._check(host, port, addresses)
        return addresses[:_MAX_ADDRESSES]

    def _check(self, host: str, port: int, addresses: Sequence[str]) -> None:
        if not self._is_allowed(host, port) and not all(is_public(address) for address in addresses):
            raise AddressRefused(f"{host} is not a public address. Only public addresses can be reached.")

    def _is_allowed(self, host: str, port: int) -> bool:
        name = f"[{host.lower()}]" if ":" in host else host.lower()
        return bool(self.allowed_hosts & {host.lower(), name, f"{name}:{port}"})

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        try:
            addresses = list(dict.fromkeys(await self.resolver(host, port)))
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"The host {host} does not exist.") from error
        if not addresses:
            raise Unreachable(f"The host {host} does not exist.")
        return addresses


async def connect_guarded(
    guard: Guard,
    host: str,
    port: int,
    connect: Callable[[str], Awaitable[Stream]],
    failures: tuple[type[Exception], ...],
) -> Stream:
    """Connects to the first reachable address of `host`. `failures`: the errors that `connect` raises if it fails.

    Raises `AddressRefused` before anything is sent, `Unreachable`, or the failure at the last address.
    """
    *others, last = await guard.addresses(host, port)
    for address in others:
        try:
            return await connect(address)
        except failures:
            continue
    return await connect(last)


@cache
def tls_context() -> ssl.SSLContext:
    """Returns a context that trusts Mozilla's authorities and ignores `SSL_CERT_FILE`.

    It is created only once, because creating it takes about ten milliseconds.
    """
    return ssl.create_default_context(cafile=certifi.where())
