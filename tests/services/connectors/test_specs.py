"""API descriptions are fetched in every common encoding, and long ones do not delay short ones."""

import asyncio
import codecs
import json
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from shared.models.caller import Caller
from shared.models.errors import BadRequest
from shared.models.spec import FetchedSpec, FetchSpecRequest
from shared.openapi import parse, write_tool_docs
from shared.outbound.http import Response
from shared.services.connectors import specs as specs_module
from shared.services.connectors.specs import MAX_SPEC_BYTES, SpecService
from shared.services.rate_limits import RateLimitService
from shared.settings import Settings
from shared.store import Database
from tests.doubles.api_server import ApiServer
from tests.openapi.documents import back_office

TEXT = "openapi: 3.0.0\ninfo: {title: Größe, version: 1}\npaths: {}\n"


@pytest.fixture
async def service(database: Database, settings: Settings, api_server: ApiServer) -> SpecService:
    allowed = settings.model_copy(update={"outbound_allowed_hosts": (api_server.host,)})
    return SpecService(RateLimitService(database), allowed)


async def fetch(
    service: SpecService, caller: Caller, api_server: ApiServer, body: bytes, content_type: str | None = None
) -> FetchedSpec:
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
async def test_text_is_decoded(
    service: SpecService, caller: Caller, api_server: ApiServer, body: bytes, content_type: str | None
) -> None:
    """The byte order mark or the charset determines the encoding. The default is UTF-8, even for unknown charsets."""
    spec = await fetch(service, caller, api_server, body, content_type)
    assert (spec.name, spec.content) == ("Größe", TEXT)


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (TEXT.encode("latin-1"), None, "not text in UTF-8"),
        (codecs.BOM_UTF16_LE + b"x", None, "not text in UTF-16-LE"),
        (TEXT.encode(), "text/yaml; charset=us-ascii", "not text in ASCII"),
    ],
)
async def test_undecodable_text_is_rejected(
    service: SpecService, caller: Caller, api_server: ApiServer, body: bytes, content_type: str | None, message: str
) -> None:
    """The error names the encoding that was tried."""
    with pytest.raises(BadRequest, match=message):
        await fetch(service, caller, api_server, body, content_type)


async def test_documents_are_requested_rather_than_pages(
    service: SpecService, caller: Caller, api_server: ApiServer
) -> None:
    """The `Accept` header prefers an API description to an HTML page at the same address."""
    await fetch(service, caller, api_server, TEXT.encode())
    (call,) = api_server.calls
    assert call.method == "GET"
    assert call.headers["accept"].startswith("application/vnd.oai.openapi+json, ")
    assert call.headers["accept"].endswith("*/*;q=0.5")


async def test_a_long_document_does_not_delay_others(
    service: SpecService, caller: Caller, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a document of 3 MB is read, the event loop serves other requests. At most two are read at a time."""
    import shared.services.connectors.specs as module

    reading: list[int] = [0]
    peak = 0
    original_read: Any = module._read  # pyright: ignore[reportPrivateUsage]

    def count(*args: Any) -> Any:
        nonlocal peak
        reading.append(1)
        peak = max(peak, sum(reading))
        try:
            return original_read(*args)
        finally:
            reading.append(-1)

    monkeypatch.setattr(module, "_read", count)
    paths = "".join(
        f"  /p{number}: {{get: {{responses: {{'200': {{description: ok}}}}}}}}\n" for number in range(50_000)
    )
    servers = "servers: [{url: https://long.test}]\n"
    body = f"openapi: 3.0.0\ninfo: {{title: Long, version: 1}}\n{servers}paths:\n{paths}".encode()
    monkeypatch.setattr(module, "MAX_SPEC_BYTES", len(body) * 2)  # the document is not shortened
    iterations = 0
    fetches = asyncio.gather(*(fetch(service, caller, api_server, body) for _ in range(4)))
    while not fetches.done():
        await asyncio.sleep(0.01)
        iterations += 1
    assert [spec.content for spec in await fetches] == [body.decode()] * 4
    assert peak <= 2
    assert iterations > 10  # the event loop was not blocked in the meantime


async def test_relative_addresses_follow_redirects(service: SpecService, caller: Caller, api_server: ApiServer) -> None:
    """Relative server addresses are resolved against the document's address after redirects."""
    api_server.documents["v9/api.yaml"] = (b"openapi: 3.0.0\nservers: [{url: ./v3}]\npaths: {/a: {get: {}}}\n", {})
    url = f"{api_server.address}/redirect?to=/documents/v9/api.yaml"
    spec = await service.fetch(caller, FetchSpecRequest(url=f" {url}\n"))
    assert spec.content == (
        f'openapi: 3.0.0\nservers: [{{"url": "{api_server.address}/documents/v9/v3"}}]\npaths: {{/a: {{get: {{}}}}}}\n'
    )
    assert spec.warnings is None


async def test_references_to_other_documents_cause_a_warning(
    service: SpecService, caller: Caller, api_server: ApiServer
) -> None:
    """Other documents are not fetched, and the document is returned unchanged."""
    text = 'openapi: 3.0.0\nservers: [{url: "https://h.test"}]\npaths: {/a: {post: {$ref: ops/b.yaml}}}\n'
    spec = await fetch(service, caller, api_server, text.encode())
    assert spec.content == text
    (warning,) = spec.warnings or []
    assert "1 of 1 operations are described elsewhere, such as in ops/b.yaml" in warning
    assert len(api_server.calls) == 1


async def test_a_document_too_large_for_an_agent_is_shortened(
    service: SpecService, caller: Caller, api_server: ApiServer
) -> None:
    """The shortened document describes the same operations to a model, and a warning reports the shortening."""
    text = back_office(120)
    assert len(json.dumps(text)) > MAX_SPEC_BYTES
    spec = await fetch(service, caller, api_server, text.encode())
    assert len(json.dumps(spec.content, ensure_ascii=False).encode()) <= MAX_SPEC_BYTES
    assert write_tool_docs(parse(spec.content), 60_000) == write_tool_docs(parse(text), 60_000)
    (warning,) = spec.warnings or []
    assert f"was {len(json.dumps(text))} bytes long" in warning
    assert "shortened" in warning


async def test_a_document_that_cannot_be_shortened_enough_has_a_warning(
    service: SpecService, caller: Caller, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is returned unchanged, and the warning names the limit."""
    monkeypatch.setattr("shared.services.connectors.specs.MAX_SPEC_BYTES", 2000)
    text = back_office(5)
    spec = await fetch(service, caller, api_server, text.encode())
    assert spec.content == text
    (warning,) = spec.warnings or []
    assert "at most 2000 bytes can be stored in an agent, or sent to generate its code" in warning
    assert "Use the URL of a smaller document" in warning


async def test_long_documents_of_one_user_are_read_one_at_a_time(
    service: SpecService, caller: Caller, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's short document does not wait for all the long documents, which take seconds each."""
    began, may_end = threading.Semaphore(0), threading.Event()

    def read_stub(answer: Response) -> tuple[str | None, str, list[str]]:
        if answer.content == b"long":
            began.release()
            may_end.wait(20)
        return "read", "", []

    monkeypatch.setattr(specs_module, "_read", read_stub)
    api_server.documents |= {"long": (b"long", {}), "short": (b"short", {})}

    def fetch_document(user: Caller, name: str) -> Awaitable[FetchedSpec]:
        return service.fetch(user, FetchSpecRequest(url=f"{api_server.address}/documents/{name}"))

    long = [asyncio.ensure_future(fetch_document(caller, "long")) for _ in range(4)]
    try:
        assert await asyncio.to_thread(began.acquire, timeout=20)
        async with asyncio.timeout(10):
            assert (await fetch_document(Caller(uid="other"), "short")).name == "read"
        assert not began.acquire(blocking=False)
    finally:
        may_end.set()
        await asyncio.gather(*long)
