"""Whose certificate is asked for, and what is made of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.outbound import guarded_pool
from shared.outbound.errors import NotMcp, Unreachable
from shared.outbound.http import Outbound, Request
from shared.outbound.mcp import list_tools
from shared.settings import Settings


def _certificate(folder: Path, name: str) -> Path:
    """Of `name`, signed by itself; with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + private)
    return file


@dataclass
class TlsServer:
    """Answers everything with 404, as `good.example`."""

    certificate: Path
    port: int = 0
    names: list[str | None] = field(default_factory=list[str | None])
    requests: list[bytes] = field(default_factory=list[bytes])


@pytest.fixture
async def tls_server(tmp_path: Path) -> AsyncIterator[TlsServer]:
    noted = TlsServer(_certificate(tmp_path, "good.example"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(noted.certificate)
    context.sni_callback = lambda _socket, name, _context: noted.names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        noted.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    noted.port = server.sockets[0].getsockname()[1]
    yield noted
    server.close()
    await server.wait_closed()


async def _here(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_an_unknown_authority_is_refused(tls_server: TlsServer) -> None:
    """The name that was asked for is the one shown to the server, and no request is sent."""
    host = f"good.example:{tls_server.port}"
    settings = Settings(outbound_allowed_hosts=(host,))

    with pytest.raises(Unreachable, match=r"The certificate of good\.example:\d+ is not valid: it is self-signed"):
        await Outbound(settings, _here).send(Request(method="GET", url=f"https://{host}/"))
    with pytest.raises(Unreachable, match=r"The certificate of good\.example:\d+ is not valid"):
        await list_tools(f"https://{host}/mcp", None, settings, resolver=_here)

    assert tls_server.names == ["good.example"] * 2
    assert tls_server.requests == []


@pytest.mark.parametrize(("name", "good"), [("good.example", True), ("other.example", False)])
async def test_the_certificate_must_be_of_the_name(
    tls_server: TlsServer, monkeypatch: pytest.MonkeyPatch, name: str, good: bool
) -> None:
    """Not of the address that was connected to."""

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(tls_server.certificate))

    monkeypatch.setattr(guarded_pool, "tls_context", trusting)
    host = f"{name}:{tls_server.port}"
    settings = Settings(outbound_allowed_hosts=(host,))

    if good:
        assert (await Outbound(settings, _here).send(Request(method="GET", url=f"https://{host}/"))).status_code == 404
        with pytest.raises(NotMcp):
            await list_tools(f"https://{host}/mcp", None, settings, resolver=_here)
    else:
        with pytest.raises(Unreachable, match="certificate"):
            await Outbound(settings, _here).send(Request(method="GET", url=f"https://{host}/"))
        with pytest.raises(Unreachable, match="certificate"):
            await list_tools(f"https://{host}/mcp", None, settings, resolver=_here)
