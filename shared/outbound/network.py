"""Decides where a connection may go: resolves a name once, checks the addresses, and connects to exactly those.

Nothing here knows an HTTP library: `guarded_pool` applies this to one.
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
from shared.outbound.errors import Refused, Unreachable
from shared.settings import Settings

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses, the best first. Raises `OSError` or `UnicodeError` for a name that does not exist."""

USER_AGENT = "firebase-agents/0.1"
CONNECT_SECONDS = 10.0
"""Per address: a silent one must not use up the time of the next."""
_MAX_ADDRESSES = 4
"""Tried per name."""

Stream = TypeVar("Stream")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver, which also reads `127.1` and `0x7f000001` as addresses."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


@dataclass(frozen=True)
class Guard:
    """What may be reached. Hashable, so that connections are kept per guard."""

    allowed_hosts: frozenset[str]
    resolver: Resolver = resolve

    @classmethod
    def of(cls, settings: Settings, resolver: Resolver = resolve) -> "Guard":
        """`outbound_allowed_hosts` are exempt, as `host` or `host:port`, exactly as in the URL."""
        return cls(frozenset(host.lower() for host in settings.outbound_allowed_hosts), resolver)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to for `host`. Raises `Refused` and `Unreachable`.

        One address that is not public is enough to refuse: a name with both kinds is an attack.
        """
        found = await self._resolve(host, port)
        if not self._is_allowed(host, port) and not all(is_public(address) for address in found):
            raise Refused(f"{host} is not a public address, and only those may be reached.")
        return found[:_MAX_ADDRESSES]

    def _is_allowed(self, host: str, port: int) -> bool:
        name = f"[{host.lower()}]" if ":" in host else host.lower()
        return bool(self.allowed_hosts & {host.lower(), name, f"{name}:{port}"})

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            pass
        try:
            found = list(dict.fromkeys(await self.resolver(host, port)))
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"There is no host by the name {host}.") from error
        if not found:
            raise Unreachable(f"There is no host by the name {host}.")
        return found


async def connect_guarded(
    guard: Guard,
    host: str,
    port: int,
    connect: Callable[[str], Awaitable[Stream]],
    failures: tuple[type[Exception], ...],
) -> Stream:
    """Connect to the first reachable address of `host`. `failures`: what `connect` raises if it cannot.

    Raises `Refused`, before anything is sent, and `Unreachable`, or the last of the failures.
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
    """Trusts Mozilla's authorities, whatever `SSL_CERT_FILE` says. Created once: that takes some ten milliseconds."""
    return ssl.create_default_context(cafile=certifi.where())
