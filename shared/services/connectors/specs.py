"""API descriptions from other people's servers: fetched, and looked at before they are handed on."""

import asyncio
import codecs
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from shared.late import imported
from shared.models.caller import Caller
from shared.models.errors import BadRequest, ServiceError, UpstreamFailed, UpstreamTooSlow
from shared.models.spec import FetchedSpec, FetchSpecRequest
from shared.openapi import Document, NotASpec, parse
from shared.openapi.locating import located
from shared.openapi.outside_references import left_to_others
from shared.openapi.prose import one_line
from shared.outbound import errors as outbound
from shared.per_loop import per_loop
from shared.services.rate_limits import OUTBOUND_PER_MINUTE, RateLimitService
from shared.services.shares import share
from shared.settings import Settings

if TYPE_CHECKING:  # httpx takes its time
    from shared.outbound.http import Answer

SECONDS = 40.0
"""At most for the fetch, whatever the deployment allows: Hosting waits a minute for the whole answer."""
MAX_SPEC_BYTES = 900_000
"""Of a document as a JSON text: an agent, which keeps it beside its code, may be `MAX_BODY_BYTES` of the store long."""
_NAME_LENGTH = 200
_ACCEPT = (
    "application/vnd.oai.openapi+json, application/vnd.oai.openapi, application/json, application/yaml, text/yaml,"
    " */*;q=0.5"
)
"""Some addresses have the document for programs, and a page about it for people."""
_READ_AT_ONCE = 2
"""5 MB of YAML take seconds, and 100 MB: more at a time would only wait for each other. Of one user, one at a time."""
AT_ONCE = 5
"""Of one user, in a process: a quarter of the requests that it takes."""
_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|iso8859-\d+|cp125\d|koi8-[ru]"
    r"|shift_jis|cp932|euc_(?:jp|kr)|gb(?:2312|k|18030)|big5"
)
"""By Python's names. It has others that are no encodings of text, or that take quadratic time to read."""
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # which begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


class SpecService:
    """Lives as long as a request."""

    def __init__(self, limits: RateLimitService, settings: Settings) -> None:
        self._limits = limits
        self._settings = settings

    async def fetch(self, caller: Caller, request: FetchSpecRequest) -> FetchedSpec:
        """The document's text, and its title; without one, the end of the URL.

        The text is the server's, letter by letter, but for relative server addresses, which are made whole; and one
        that is too long for an agent is shortened to what a model is shown of it. Raises `BadRequest` for an address
        that is not fetched and for what is no API description or too long a one, `UpstreamFailed`, `UpstreamTooSlow`,
        and `TooManyRequests`, also for more than `AT_ONCE` of one user at a time.
        """
        await self._limits.acquire(f"outbound:{caller.uid}", OUTBOUND_PER_MINUTE)
        with share(self._settings.google_cloud_project, "specs", caller.uid, AT_ONCE):
            answer = await self._fetched(request.url)
            async with _reading_of(caller.uid), _reading():
                name, content, warnings = await asyncio.to_thread(_read, answer)
        return FetchedSpec(name=name or _name_of(request.url), content=content, warnings=warnings or None)

    async def _fetched(self, url: str) -> "Answer":
        """Whose status is one of success."""
        await imported("shared.outbound.http")
        from shared.outbound.http import Outbound, Request

        request = Request(
            method="GET", url=url, headers={"Accept": _ACCEPT}, timeout=SECONDS, follow_redirects=True, max_redirects=5
        )
        try:
            answer = await Outbound(self._settings).send(request)
        except outbound.OutboundError as error:
            raise _failure(error) from error
        if not 200 <= answer.status_code < 300:
            raise UpstreamFailed(_rejection(urlsplit(answer.url).hostname or "The server", answer.status_code))
        return answer


def _failure(error: outbound.OutboundError) -> ServiceError:
    match error:
        case outbound.BadAddress() | outbound.Refused():
            return BadRequest(error.message)
        case outbound.TooLong():
            return BadRequest(f"The document is too long. {error.message}")
        case outbound.TooSlow():
            return UpstreamTooSlow(error.message)
        case _:
            return UpstreamFailed(error.message)


def _rejection(host: str, status: int) -> str:
    if status in (401, 403):
        return f"{host} wants a sign-in (status {status}), which is not sent: documents are fetched as anybody can."
    return f"{host} answered with status {status}, and not with a document."


@per_loop
def _reading() -> asyncio.Semaphore:
    return asyncio.Semaphore(_READ_AT_ONCE)


@per_loop
def _locks() -> WeakValueDictionary[str, asyncio.Lock]:
    return WeakValueDictionary()


def _reading_of(uid: str) -> asyncio.Lock:
    """A user's; it lives as long as somebody has or wants it."""
    return _locks().setdefault(uid, asyncio.Lock())


def _read(answer: "Answer") -> tuple[str | None, str, list[str]]:
    """Title, text, and what to know of it. Blocks, for seconds if it is long. Raises `BadRequest`."""
    written = _text(answer.content, dict(answer.headers).get("content-type", ""))
    try:
        document = parse(written)
        content = located(document, written, answer.url)
        if content is not written:
            document = parse(content)
    except NotASpec as error:
        raise BadRequest(error.message) from error
    content, too_long = _fitted(document, content)
    return document.name, content, [warning for warning in (left_to_others(document), too_long) if warning]


def _fitted(document: Document, content: str) -> tuple[str, str | None]:
    """The text, shortened if it has to be and can be, and what to know of that."""
    size = _size(content)
    if size <= MAX_SPEC_BYTES:
        return content, None
    from shared.openapi.reduction import reduced

    at_most = f"{MAX_SPEC_BYTES} bytes of a document can be kept in an agent, or sent to generate its code"
    shorter = reduced(document, MAX_SPEC_BYTES, _size)
    if shorter is None:
        return content, (
            f"This document is {size} bytes long as JSON text, and {at_most}. It is here as it was published, but too "
            "large for that. Give the address of a smaller one: many APIs publish a document for each of their parts."
        )
    return shorter, (
        f"This document was {size} bytes long as JSON text, and {at_most}. So it has been shortened to what a model is "
        "shown of it; examples, extensions and the ends of long descriptions are left out."
    )


def _size(content: str) -> int:
    """In bytes, as a JSON text."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _text(body: bytes, content_type: str) -> str:
    """By its byte order mark, which is no part of it; else by its charset; else UTF-8. Raises `BadRequest`."""
    mark, encoding = next((known for known in _MARKS if body.startswith(known[0])), (b"", _charset(content_type)))
    try:
        return body[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise BadRequest(f"This is not text in {encoding.upper()}, so it is no API description.") from error


def _charset(content_type: str) -> str:
    named = re.search(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    try:
        known = codecs.lookup(named[1]).name if named else "utf-8"
    except LookupError:
        return "utf-8"
    return known if _CHARSETS.fullmatch(known) else "utf-8"


def _name_of(url: str) -> str:
    """The last part of its path, or its host. It has been fetched, so it is a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:  # httpx takes a few more
        return "API"
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return one_line(last, _NAME_LENGTH) or one_line(parts.hostname or "", _NAME_LENGTH) or "API"
