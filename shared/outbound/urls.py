"""What a URL must be before anything is done with it. Where it leads is `network`'s to judge."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from shared.outbound.errors import BadAddress


class ParsedUrl(Protocol):
    """What httpx and httpx2 have in common. `userinfo`: as it stands in the URL."""

    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def userinfo(self) -> bytes: ...


Url = TypeVar("Url", bound=ParsedUrl)


def parse_url(url: str, parse: Callable[[str], Url]) -> Url:
    """`parse` is the library's own, so that what is checked is what is used. Raises `BadAddress`."""
    try:
        return check_url(parse(url))
    except BadAddress:
        raise
    except Exception as error:  # httpx's own InvalidURL, and the UnicodeError and ValueError that slip past it
        raise BadAddress("This is not a URL.") from error


def check_url(url: Url) -> Url:
    """`url` itself. Raises `BadAddress`."""
    if url.scheme not in ("http", "https"):
        raise BadAddress("Only URLs that begin with http:// or https:// can be reached.")
    if not url.host:
        raise BadAddress("The URL names no host.")
    if url.port is not None and not 0 < url.port < 65536:
        raise BadAddress("The URL names a port that there cannot be.")
    if url.userinfo:
        raise BadAddress("A URL must not hold a user's name or password: send an Authorization header instead.")
    return url


def display_host(url: ParsedUrl) -> str:
    """The host as sentences name it: with the port, where that is not the scheme's usual one."""
    if url.port is None:
        return url.host
    return f"[{url.host}]:{url.port}" if ":" in url.host else f"{url.host}:{url.port}"
