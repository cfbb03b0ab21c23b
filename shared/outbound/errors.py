"""The errors of outbound requests. Services translate them into HTTP errors."""

from shared.text import shorten

_MAX_MESSAGE_LENGTH = 300
"""The maximum length of a server's message that is shown, in characters."""


class OutboundError(Exception):
    """`message` is a sentence for users. It may name a host, but never contains a query, a header or a password."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadAddress(OutboundError):
    """The string is not a URL, its scheme is not http or https, or it contains a user name or password."""


class BadRequest(OutboundError):
    """The request cannot be sent: HTTP or this service does not accept its method, headers or body."""


class AddressRefused(OutboundError):
    """The address is not public. Nothing was sent there."""


class Unreachable(OutboundError):
    """The host does not exist, cannot be connected to, has an invalid certificate, or closed the connection."""


class TooSlow(OutboundError):
    """The whole call did not end within its time limit."""


class TooLong(OutboundError):
    """The request or the response has more bytes than the limit, or a server has too many tools."""


class TooManyRedirects(OutboundError):
    """The server redirected more often than the caller allows."""


class BadResponse(OutboundError):
    """The server violates the protocol."""


class NotMcp(BadResponse):
    """The server is not an MCP server, or its MCP implementation is broken."""


class Unauthorized(OutboundError):
    """The MCP server requires a token, or a different one (401, 403)."""


class ToolFailed(OutboundError):
    """The tool was called and reported a failure. The message comes from the server."""


def one_line(message: str) -> str:
    """Makes a server's message fit to show: one line, at most 300 characters, without control characters."""
    words = message[: 10 * _MAX_MESSAGE_LENGTH].split()
    line = "".join(character for character in " ".join(words) if character.isprintable())
    return shorten(line, _MAX_MESSAGE_LENGTH)
