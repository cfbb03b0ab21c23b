"""Fetching API descriptions: their text by every encoding in use, and long ones beside short ones."""

import asyncio
import codecs
from typing import Any

import pytest

from shared.models.agent import SwaggerSpec
from shared.models.caller import Caller
from shared.models.errors import BadRequest
from shared.models.spec import FetchSpecRequest
from shared.services.rate_limits import RateLimitService
from shared.services.specs import SpecService
from shared.settings import Settings
from shared.store import Database
from tests.doubles.api_server import ApiServer

TEXT = "openapi: 3.0.0\ninfo: {title: Größe, version: 1}\npaths: {}\n"


@pytest.fixture
async def service(database: Database, settings: Settings, api_server: ApiServer) -> SpecService:
    allowed = settings.model_copy(update={"outbound_allowed_hosts": (api_server.host,)})
    return SpecService(RateLimitService(database), allowed)


async def fetched(
    service: SpecService, caller: Caller, api_server: ApiServer, body: bytes, content_type: str | None = None
) -> SwaggerSpec:
    api_server.documents["x"] = (body, {"Content-Type": content_type} if content_type is not None else {})
    return await service.fetch(caller, FetchSpecRequest(url=f"{api_server.address}/documents/x"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode(), None),
        (TEXT.encode(), "text/yaml"),
        (TEXT.encode(), 'application/yaml; Charset="UTF-8"; x=y'),
        (TEXT.encode(), "text/plain; charset=no-such-charset"),
        (TEXT.encode(), "text/plain; charset=idna"),
        (TEXT.encode(), "text/plain; charset=rot13"),
        (TEXT.encode(), "text/plain; charset="),
        (TEXT.encode(), ";;;"),
        (codecs.BOM_UTF8 + TEXT.encode(), "text/yaml; charset=iso-8859-1"),
        (TEXT.encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        (TEXT.encode("cp1252"), "text/plain;charset=windows-1252"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), None),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "text/yaml; charset=utf-16"),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), None),
        (TEXT.encode("utf-16-be"), "text/yaml; charset=utf-16be"),
    ],
)
async def test_the_text_is_that_of_the_server(
    service: SpecService, caller: Caller, api_server: ApiServer, body: bytes, content_type: str | None
) -> None:
    """By its byte order mark, its charset, or UTF-8; a charset that is none counts as none."""
    spec = await fetched(service, caller, api_server, body, content_type)
    assert (spec.name, spec.content) == ("Größe", TEXT)


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (TEXT.encode("latin-1"), None, "not text in UTF-8"),
        (codecs.BOM_UTF16_LE + b"x", None, "not text in UTF-16-LE"),
        (TEXT.encode(), "text/yaml; charset=us-ascii", "not text in ASCII"),
    ],
)
async def test_what_cannot_be_decoded(
    service: SpecService, caller: Caller, api_server: ApiServer, body: bytes, content_type: str | None, says: str
) -> None:
    """Is refused, and the encoding named."""
    with pytest.raises(BadRequest, match=says):
        await fetched(service, caller, api_server, body, content_type)


async def test_programs_are_served_documents(service: SpecService, caller: Caller, api_server: ApiServer) -> None:
    """A server that has a page for people at the same address is told what is wanted."""
    await fetched(service, caller, api_server, TEXT.encode())
    (call,) = api_server.calls
    assert call.method == "GET"
    assert call.headers["accept"].startswith("application/vnd.oai.openapi+json, ")
    assert call.headers["accept"].endswith("*/*;q=0.5")


async def test_a_long_document_holds_nobody_up(
    service: SpecService, caller: Caller, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one of 3 MB is read, the event loop serves others; no more than two are read at a time."""
    import shared.services.specs as module

    reading: list[int] = [0]
    most = 0
    read: Any = module._read  # pyright: ignore[reportPrivateUsage]

    def counted(*args: Any) -> Any:
        nonlocal most
        reading.append(1)
        most = max(most, sum(reading))
        try:
            return read(*args)
        finally:
            reading.append(-1)

    monkeypatch.setattr(module, "_read", counted)
    paths = "".join(
        f"  /p{number}: {{get: {{responses: {{'200': {{description: ok}}}}}}}}\n" for number in range(50_000)
    )
    body = f"openapi: 3.0.0\ninfo: {{title: Long, version: 1}}\npaths:\n{paths}".encode()
    turns = 0
    fetches = asyncio.gather(*(fetched(service, caller, api_server, body) for _ in range(4)))
    while not fetches.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert [spec.content for spec in await fetches] == [body.decode()] * 4
    assert most <= 2
    assert turns > 10  # the event loop went on meanwhile
