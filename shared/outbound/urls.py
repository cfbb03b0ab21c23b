"""Checks the form of a URL before anything is done with it. `network` decides where it may lead."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from shared.outbound.errors import BadAddress


class ParsedUrl(Protocol):
    """The common part of httpx's and httpx2's URLs. `userinfo`: as written in the URL."""

    @property
    def scheme(self) -> str:
        """In lower case."""
        ...

    @property
    def host(self) -> str:
        """Without brackets and port."""
        ...

    @property
    def port(self) -> int | None:
        """None for the scheme's own."""
        ...

    @property
    def userinfo(self) -> bytes:
        """Name and password, empty if there are none."""
        ...


Url = TypeVar("Url", bound=ParsedUrl)


def parse_url(url: str, parse: Callable[[str], Url]) -> Url:
    """Parse and check a URL with the library's own `parse`, so that what is checked is used. Raises `BadAddress`."""
    try:
        return check_url(parse(url))
    except BadAddress:
        raise
    except Exception as error:  # httpx's own InvalidURL, and the UnicodeError and ValueError that slip past it
        raise BadAddress("This is not a URL.") from error


def check_url(url: Url) -> Url:
    """Return `url` itself. Raises `BadAddress` if it cannot be requested."""
    if url.scheme not in ("http", "https"):
        raise BadAddress("Only URLs that begin with http:// or https:// can be reached.")
    if not url.host:
        raise BadAddress("The URL names no host.")
    if url.port is not None and not 0 < url.port < 65536:
        raise BadAddress("The URL names an invalid port.")
    if url.userinfo:
        raise BadAddress("A URL must not contain a user name or password: send an Authorization header instead.")
    return url


def display_host(url: ParsedUrl) -> str:
    """The host as error messages show it: with the port, unless that is the scheme's default."""
    if url.port is None:
        return url.host
    return f"[{url.host}]:{url.port}" if ":" in url.host else f"{url.host}:{url.port}"
