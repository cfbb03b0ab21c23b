"""TLS certificates are verified for the host name in the URL."""

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
    """Writes a self-signed certificate for `name` and its key to one file."""
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
    """A server with a certificate for `good.example` that responds to every request with 404."""

    certificate: Path
    port: int = 0
    names: list[str | None] = field(default_factory=list[str | None])
    requests: list[bytes] = field(default_factory=list[bytes])


@pytest.fixture
async def tls_server(tmp_path: Path) -> AsyncIterator[TlsServer]:
    record = TlsServer(_certificate(tmp_path, "good.example"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(record.certificate)
    context.sni_callback = lambda _socket, name, _context: record.names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        record.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    record.port = server.sockets[0].getsockname()[1]
    yield record
    server.close()
    await server.wait_closed()


async def _resolve_to_localhost(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_an_unknown_authority_is_refused(tls_server: TlsServer) -> None:
    """If an unknown authority signed the certificate, the server receives the name in the URL but no request."""
    host = f"good.example:{tls_server.port}"
    settings = Settings(outbound_allowed_hosts=(host,))

    with pytest.raises(Unreachable, match=r"The certificate of good\.example:\d+ is not valid: it is self-signed"):
        await Outbound(settings, _resolve_to_localhost).send(Request(method="GET", url=f"https://{host}/"))
    with pytest.raises(Unreachable, match=r"The certificate of good\.example:\d+ is not valid"):
        await list_tools(f"https://{host}/mcp", None, settings, resolver=_resolve_to_localhost)

    assert tls_server.names == ["good.example"] * 2
    assert tls_server.requests == []


@pytest.mark.parametrize(("name", "good"), [("good.example", True), ("other.example", False)])
async def test_the_certificate_must_match_the_name(
    tls_server: TlsServer, monkeypatch: pytest.MonkeyPatch, name: str, good: bool
) -> None:
    """The certificate must match the name in the URL, not the address of the connection."""

    def trust_the_server() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(tls_server.certificate))

    monkeypatch.setattr(guarded_pool, "tls_context", trust_the_server)
    host = f"{name}:{tls_server.port}"
    settings = Settings(outbound_allowed_hosts=(host,))

    if good:
        assert (
            await Outbound(settings, _resolve_to_localhost).send(Request(method="GET", url=f"https://{host}/"))
        ).status_code == 404
        with pytest.raises(NotMcp):
            await list_tools(f"https://{host}/mcp", None, settings, resolver=_resolve_to_localhost)
    else:
        with pytest.raises(Unreachable, match="certificate"):
            await Outbound(settings, _resolve_to_localhost).send(Request(method="GET", url=f"https://{host}/"))
        with pytest.raises(Unreachable, match="certificate"):
            await list_tools(f"https://{host}/mcp", None, settings, resolver=_resolve_to_localhost)
