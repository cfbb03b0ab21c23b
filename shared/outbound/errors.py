"""What can go wrong with outbound requests. Services turn these errors into HTTP statuses."""

from shared.text import shorten

MAX_WORDS = 300


class OutboundError(Exception):
    """`message` is a sentence for people. It may name a host, and never holds a query, a header or a password."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadAddress(OutboundError):
    """Not a URL, not http or https, or one with a user's name in it."""


class BadRequest(OutboundError):
    """The request cannot be sent: HTTP or this service does not accept its method, headers or body."""


class Refused(OutboundError):
    """The address is not public. Nothing was sent there."""


class Unreachable(OutboundError):
    """No such name, no connection, a bad certificate, or a connection that broke."""


class TooSlow(OutboundError):
    """The time for the whole call ran out."""


class TooLong(OutboundError):
    """More bytes than the limit for reading, or for sending."""


class TooManyRedirects(OutboundError):
    """More redirects than the caller allowed."""


class BadAnswer(OutboundError):
    """The server violates the protocol."""


class NotMcp(BadAnswer):
    """It is not an MCP server, or a broken one."""


class Unauthorized(OutboundError):
    """The MCP server requires a token, or a different one (401, 403)."""


class ToolFailed(OutboundError):
    """The tool was called and reported a failure. The message is the server's."""


def one_line(words: str) -> str:
    """Make a server's words fit to show: one line of at most `MAX_WORDS` characters, without control characters."""
    line = "".join(letter for letter in " ".join(words[: 10 * MAX_WORDS].split()) if letter.isprintable())
    return shorten(line, MAX_WORDS)
