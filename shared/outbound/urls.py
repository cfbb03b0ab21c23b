"""Parses URLs and checks their syntax before they are used. `network` checks the addresses that they lead to."""

import httpx2

from shared.outbound.errors import BadAddress


def parse_url(url: str) -> httpx2.URL:
    """Parses and checks a URL, so that the URL that is checked is the one that is used. Raises `BadAddress`."""
    try:
        return check_url(httpx2.URL(url))
    except BadAddress:
        raise
    except Exception as error:  # httpx2's own InvalidURL, and the UnicodeError and ValueError that it does not catch
        raise BadAddress("This is not a URL.") from error


def check_url(url: httpx2.URL) -> httpx2.URL:
    """Returns `url` unchanged. Raises `BadAddress` if it cannot be requested."""
    if url.scheme not in ("http", "https"):
        raise BadAddress("Only URLs that begin with http:// or https:// can be reached.")
    if not url.host:
        raise BadAddress("The URL has no host.")
    if url.port is not None and not 0 < url.port < 65536:
        raise BadAddress("The URL has an invalid port.")
    if url.userinfo:
        raise BadAddress("A URL must not contain a user name or password: send an Authorization header instead.")
    return url


def display_host(url: httpx2.URL) -> str:
    """Returns the host as error messages show it: with the port, unless that is the scheme's default."""
    if url.port is None:
        return url.host
    return f"[{url.host}]:{url.port}" if ":" in url.host else f"{url.host}:{url.port}"
