"""What can go wrong on the way out. Services turn these into statuses; nothing here knows of them."""

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
    """What the caller wants sent cannot be: a method, header or body that HTTP or this service does not take."""


class Refused(OutboundError):
    """The address is not public. Nothing was sent there."""


class Unreachable(OutboundError):
    """No such name, no connection, a bad certificate, or a connection that broke."""


class TooSlow(OutboundError):
    """The time for the whole call was up."""


class TooLong(OutboundError):
    """More bytes than are read, or sent."""


class TooManyRedirects(OutboundError):
    """More redirects than the caller wanted followed."""


class BadAnswer(OutboundError):
    """The server does not keep to the protocol."""


class NotMcp(BadAnswer):
    """It is no MCP server, or a broken one."""


class Unauthorized(OutboundError):
    """The MCP server wants a token, or another one (401, 403)."""


class ToolFailed(OutboundError):
    """The tool ran, or was asked to, and said that it failed. The message is the server's."""


def one_line(words: str) -> str:
    """At most `MAX_WORDS` characters in one line, without control characters: words of a stranger, to be shown."""
    line = "".join(letter for letter in " ".join(words[: 10 * MAX_WORDS].split()) if letter.isprintable())
    return shorten(line, MAX_WORDS)
