"""Fetches API descriptions from third-party servers, and checks them before it returns them."""

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

if TYPE_CHECKING:  # httpx is slow to import
    from shared.outbound.http import Response

SECONDS = 40.0
"""The time limit of a fetch, regardless of the settings, because Hosting waits only a minute for the whole response."""
MAX_SPEC_BYTES = 900_000
"""The maximum size of a document as a JSON string. An agent stores it together with its code in `MAX_BODY_BYTES`."""
_MAX_NAME_CHARACTERS = 200
_ACCEPT = (
    "application/vnd.oai.openapi+json, application/vnd.oai.openapi, application/json, application/yaml, text/yaml,"
    " */*;q=0.5"
)
"""The `Accept` header. Some servers send the document to programs, but a page about it to browsers."""
_MAX_CONCURRENT_READS = 2
"""The maximum number of documents that are parsed concurrently. Parsing 5 MB of YAML takes seconds and 100 MB of
memory, and more concurrent work would only be slower. One user's documents are parsed one at a time.
"""
MAX_CONCURRENT = 5
"""The maximum number of one user's requests that a process serves concurrently: a quarter of its capacity."""
_CHARSETS = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|iso8859-\d+|cp125\d|koi8-[ru]"
    r"|shift_jis|cp932|euc_(?:jp|kr)|gb(?:2312|k|18030)|big5"
)
"""Python's names of the accepted encodings. Other encodings are not for text, or take quadratic time to decode."""
_MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16's mark, which is its prefix
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
        """Returns the document's text, and its title or, without a title, the last part of the URL.

        The text is unchanged, with two exceptions: relative server addresses become absolute, and a document that is
        too long for an agent is shortened to the parts that models see. Raises `BadRequest` for an address that is not
        allowed, and for a response that is not an API description or is too long. Also raises `UpstreamFailed`,
        `UpstreamTooSlow`, and `TooManyRequests`, also for more than `MAX_CONCURRENT` concurrent requests of one user.
        """
        await self._limits.acquire(f"outbound:{caller.uid}", OUTBOUND_PER_MINUTE)
        with share(self._settings.google_cloud_project, "specs", caller.uid, MAX_CONCURRENT):
            response = await self._fetch(request.url)
            async with _lock_of(caller.uid), _read_semaphore():
                name, content, warnings = await asyncio.to_thread(_read, response)
        return FetchedSpec(name=name or _derive_name(request.url), content=content, warnings=warnings or None)

    async def _fetch(self, url: str) -> "Response":
        """Returns a successful response. Raises `BadRequest`, `UpstreamFailed`, `UpstreamTooSlow`."""
        await import_late("shared.outbound.http")
        from shared.outbound.http import Outbound, Request

        request = Request(
            method="GET", url=url, headers={"Accept": _ACCEPT}, timeout=SECONDS, follow_redirects=True, max_redirects=5
        )
        try:
            response = await Outbound(self._settings).send(request)
        except outbound.OutboundError as error:
            if isinstance(error, outbound.TooLong):
                raise BadRequest(f"The document is too long. {error.message}") from error
            raise to_service_error(error) from error
        if not 200 <= response.status_code < 300:
            raise UpstreamFailed(
                _describe_status(urlsplit(response.url).hostname or "The server", response.status_code)
            )
        return response


def _describe_status(host: str, status: int) -> str:
    if status in (401, 403):
        return f"{host} requires a sign-in (status {status}). Only public documents can be fetched."
    return f"{host} responded with status {status} instead of a document."


@per_loop
def _read_semaphore() -> asyncio.Semaphore:
    return asyncio.Semaphore(_MAX_CONCURRENT_READS)


@per_loop
def _locks() -> WeakValueDictionary[str, asyncio.Lock]:
    return WeakValueDictionary()


def _lock_of(uid: str) -> asyncio.Lock:
    """Returns the user's lock, which exists while a request holds it or waits for it."""
    return _locks().setdefault(uid, asyncio.Lock())


def _read(response: "Response") -> tuple[str | None, str, list[str]]:
    """Returns the title, text and warnings. Blocks for seconds if the text is long. Raises `BadRequest`."""
    original = _decode(response.content, dict(response.headers).get("content-type", ""))
    try:
        document = parse(original)
        content = locate(document, original, response.url)
        if content is not original:
            document = parse(content)
    except NotASpec as error:
        raise BadRequest(error.message) from error
    content, too_long = _shorten(document, content)
    return document.name, content, [warning for warning in (describe_outside_references(document), too_long) if warning]


def _shorten(document: Document, content: str) -> tuple[str, str | None]:
    """Returns the text, shortened if that is necessary and possible, and a warning if it is too long."""
    size = _count_bytes(content)
    if size <= MAX_SPEC_BYTES:
        return content, None
    from shared.openapi.reduction import reduce

    limit = f"at most {MAX_SPEC_BYTES} bytes can be stored in an agent, or sent to generate its code"
    shorter = reduce(document, MAX_SPEC_BYTES, _count_bytes)
    if shorter is None:
        return content, (
            f"This document is {size} bytes long as a JSON string, but {limit}. It could not be shortened enough, so "
            "it is returned unchanged. Use the URL of a smaller document: many APIs publish one for each part."
        )
    return shorter, (
        f"This document was {size} bytes long as a JSON string, but {limit}. It has been shortened to the parts that a "
        "model sees: examples and extensions are left out, and long descriptions are cut."
    )


def _count_bytes(content: str) -> int:
    """Returns the size of the text as a JSON string."""
    return len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _decode(body: bytes, content_type: str) -> str:
    """Decodes the body by its byte order mark, which is removed, by its charset, or as UTF-8. Raises `BadRequest`."""
    default = (b"", _find_encoding(content_type))
    mark, encoding = next((candidate for candidate in _MARKS if body.startswith(candidate[0])), default)
    try:
        return body[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise BadRequest(f"This is not text in {encoding.upper()}, so it is not an API description.") from error


def _find_encoding(content_type: str) -> str:
    named = re.search(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    try:
        name = codecs.lookup(named[1]).name if named else "utf-8"
    except LookupError:
        return "utf-8"
    return name if _CHARSETS.fullmatch(name) else "utf-8"


def _derive_name(url: str) -> str:
    """Returns the last part of the URL's path, or its host."""
    try:
        parts = urlsplit(url)
    except ValueError:  # httpx accepts a few more URLs, and has fetched this one
        return "API"
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return one_line(last, _MAX_NAME_CHARACTERS) or one_line(parts.hostname or "", _MAX_NAME_CHARACTERS) or "API"
