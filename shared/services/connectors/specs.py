"""Fetches API descriptions from other people's servers, and checks them before it returns them."""

import asyncio
import codecs
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from shared.late_imports import import_late
from shared.models.caller import Caller
from shared.models.errors import BadRequest, UpstreamFailed
from shared.models.spec import FetchedSpec, FetchSpecRequest
from shared.openapi import Document, NotASpec, parse
from shared.openapi.locating import locate
from shared.openapi.outside_references import describe_outside_references
from shared.openapi.prose import one_line
from shared.outbound import errors as outbound
from shared.per_loop import per_loop
from shared.services.rate_limits import OUTBOUND_PER_MINUTE, RateLimitService
from shared.services.request_shares import share
from shared.services.upstream import to_service_error
from shared.settings import Settings

if TYPE_CHECKING:  # httpx takes its time
    from shared.outbound.http import Answer

SECONDS = 40.0
"""Limit of a fetch, whatever the settings allow: Hosting waits a minute for the whole answer."""
MAX_SPEC_BYTES = 900_000
"""Limit of a document as JSON text: an agent keeps it beside its code, within the store's `MAX_BODY_BYTES`."""
_MAX_NAME_CHARACTERS = 200
_ACCEPT = (
    "application/vnd.oai.openapi+json, application/vnd.oai.openapi, application/json, application/yaml, text/yaml,"
    " */*;q=0.5"
)
"""Some addresses serve the document to programs, and a page about it to people."""
_MAX_READ_AT_ONCE = 2
"""Reading 5 MB of YAML takes seconds, and 100 MB of memory. More at a time would only wait for each other. One user's
documents are read one at a time.
"""
AT_ONCE = 5
"""How many requests of one user a process serves at a time: a quarter of what it can serve."""
_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|iso8859-\d+|cp125\d|koi8-[ru]"
    r"|shift_jis|cp932|euc_(?:jp|kr)|gb(?:2312|k|18030)|big5"
)
"""By Python's names. Python has others that do not encode text, or that take quadratic time to read."""
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's, which begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


class SpecService:
    """Fetches API descriptions."""

    def __init__(self, limits: RateLimitService, settings: Settings) -> None:
        self._limits = limits
        self._settings = settings

    async def fetch(self, caller: Caller, request: FetchSpecRequest) -> FetchedSpec:
        """The document's text, and its title; without a title, the end of the URL.

        The text is the server's, character by character, except that relative server addresses are made absolute, and
        that a text too long for an agent is shortened to what models are shown of it. Raises `BadRequest` for an
        address that is not allowed, and for an answer that is not an API description or is too long; `UpstreamFailed`,
        `UpstreamTooSlow`, and `TooManyRequests`, also for more than `AT_ONCE` requests of one user at a time.
        """
        await self._limits.acquire(f"outbound:{caller.uid}", OUTBOUND_PER_MINUTE)
        with share(self._settings.google_cloud_project, "specs", caller.uid, AT_ONCE):
            answer = await self._fetch(request.url)
            async with _lock_of(caller.uid), _reading():
                name, content, warnings = await asyncio.to_thread(_read, answer)
        return FetchedSpec(name=name or _derive_name(request.url), content=content, warnings=warnings or None)

    async def _fetch(self, url: str) -> "Answer":
        """The answer, whose status is one of success. Raises `BadRequest`, `UpstreamFailed`, `UpstreamTooSlow`."""
        await import_late("shared.outbound.http")
        from shared.outbound.http import Outbound, Request

        request = Request(
            method="GET", url=url, headers={"Accept": _ACCEPT}, timeout=SECONDS, follow_redirects=True, max_redirects=5
        )
        try:
            answer = await Outbound(self._settings).send(request)
        except outbound.OutboundError as error:
            if isinstance(error, outbound.TooLong):
                raise BadRequest(f"The document is too long. {error.message}") from error
            raise to_service_error(error) from error
        if not 200 <= answer.status_code < 300:
            raise UpstreamFailed(_describe_status(urlsplit(answer.url).hostname or "The server", answer.status_code))
        return answer


def _describe_status(host: str, status: int) -> str:
    if status in (401, 403):
        return f"{host} requires a sign-in (status {status}). Only documents that are public can be fetched."
    return f"{host} answered with status {status}, and not with a document."


@per_loop
def _reading() -> asyncio.Semaphore:
    return asyncio.Semaphore(_MAX_READ_AT_ONCE)


@per_loop
def _locks() -> WeakValueDictionary[str, asyncio.Lock]:
    return WeakValueDictionary()


def _lock_of(uid: str) -> asyncio.Lock:
    """The user's lock, which lives as long as a request holds it or waits for it."""
    return _locks().setdefault(uid, asyncio.Lock())


def _read(answer: "Answer") -> tuple[str | None, str, list[str]]:
    """Title, text, and warnings. Blocks, for seconds if the text is long. Raises `BadRequest`."""
    written = _decode(answer.content, dict(answer.headers).get("content-type", ""))
    try:
        document = parse(written)
        content = locate(document, written, answer.url)
        if content is not written:
            document = parse(content)
    except NotASpec as error:
        raise BadRequest(error.message) from error
    content, too_long = _shorten(document, content)
    return document.name, content, [warning for warning in (describe_outside_references(document), too_long) if warning]


def _shorten(document: Document, content: str) -> tuple[str, str | None]:
    """The text, shortened if it must be and can be, and a warning about that."""
    size = _count_bytes(content)
    if size <= MAX_SPEC_BYTES:
        return content, None
    from shared.openapi.reduction import reduce

    at_most = f"{MAX_SPEC_BYTES} bytes of a document can be kept in an agent, or sent to generate its code"
    shorter = reduce(document, MAX_SPEC_BYTES, _count_bytes)
    if shorter is None:
        return content, (
            f"This document is {size} bytes long as JSON text, and {at_most}. It is returned as it was published, but "
            "is too large for that. Give the address of a smaller one: many APIs publish one for each of their parts."
        )
    return shorter, (
        f"This document was {size} bytes long as JSON text, and {at_most}. So it has been shortened to what a model is "
        "shown of it; examples, extensions and the ends of long descriptions are left out."
    )


def _count_bytes(content: str) -> int:
    """The length of the text as JSON."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _decode(body: bytes, content_type: str) -> str:
    """The body as text: by its byte order mark, which is removed, or its charset, or as UTF-8. Raises `BadRequest`."""
    mark, encoding = next((known for known in _MARKS if body.startswith(known[0])), (b"", _find_encoding(content_type)))
    try:
        return body[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise BadRequest(f"This is not text in {encoding.upper()}, so it is not an API description.") from error


def _find_encoding(content_type: str) -> str:
    named = re.search(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    try:
        known = codecs.lookup(named[1]).name if named else "utf-8"
    except LookupError:
        return "utf-8"
    return known if _CHARSETS.fullmatch(known) else "utf-8"


def _derive_name(url: str) -> str:
    """The last part of the URL's path, or its host."""
    try:
        parts = urlsplit(url)
    except ValueError:  # httpx accepts a few more, and this one has been fetched
        return "API"
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return one_line(last, _MAX_NAME_CHARACTERS) or one_line(parts.hostname or "", _MAX_NAME_CHARACTERS) or "API"
