"""The HTTP client and the MCP client refuse URLs that lead to internal addresses, without a connection."""

import socket
from collections.abc import Iterator, Sequence

import pytest

from shared.outbound.errors import AddressRefused, BadAddress, BadResponse, NotMcp, Unreachable
from shared.outbound.http import Outbound, Request
from shared.outbound.mcp import call_tool, list_tools
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.outbound.conftest import Connections

NAMES: dict[str, list[str]] = {
    "metadata.google.internal": ["169.254.169.254"],
    "metadata.google.internal.": ["169.254.169.254"],
    "metadata": ["169.254.169.254"],
    "instance-data.ec2.internal": ["169.254.169.254"],
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1", "::1"],
    "ip6-localhost": ["::1"],
    "app.localhost": ["127.0.0.1"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "127.0.0.1.": ["127.0.0.1"],
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "spoofed.example": ["127.0.0.1"],
    "mixed.example": ["1.1.1.1", "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "sixtofour.example": ["2002:7f00:1::"],
    "scoped.example": ["fe80::1%eth0"],
    "zero.example": ["0.0.0.0"],  # noqa: S104 - nothing is bound
    "private.example": ["10.0.0.1"],
    "unique.example": ["fd00::1"],
    "multicast.example": ["224.0.0.1"],
}

URLS = [
    # plain forms
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://[::1]:{port}/"),
    *("http://0.0.0.0:{port}/", "http://[::]:{port}/", "https://127.0.0.1:{port}/", "https://localhost:{port}/"),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/", "http://100.64.0.1/", "http://192.0.0.8/"),
    *("http://198.18.0.1/", "http://203.0.113.1/", "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/"),
    # other spellings of IPv4: decimal, octal, hexadecimal, short
    *("http://2130706433:{port}/", "http://017700000001:{port}/", "http://0x7f000001:{port}/"),
    *("http://0177.0.0.1:{port}/", "http://0177.0.0.01:{port}/", "http://0x7f.0.0.1:{port}/", "http://0x7f.1:{port}/"),
    *("http://127.1:{port}/", "http://127.0.1:{port}/", "http://0:{port}/", "http://127.000.000.001:{port}/"),
    *("http://127.0.0.1.:{port}/", "http://localhost.:{port}/", "http://2852039166/", "http://0xa9fea9fe/"),
    # IPv6 forms of IPv4 addresses, and other special IPv6 ranges
    *("http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/"),
    *("http://[0:0:0:0:0:ffff:169.254.169.254]/", "http://[64:ff9b::127.0.0.1]:{port}/", "http://[64:ff9b:1::1]/"),
    *("http://[2002:7f00:1::]:{port}/", "http://[2001::1]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]:{port}/"),
    *("http://[fe80::1%eth0]/", "http://[fec0::1]/", "http://[fd00::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/"),
    # metadata servers
    *("http://169.254.169.254/computeMetadata/v1/", "http://metadata.google.internal/", "http://metadata/"),
    *("http://metadata.google.internal./", "http://[fd00:ec2::254]/latest/meta-data/", "http://[fd20:ce::254]/"),
    *("http://instance-data.ec2.internal/", "http://168.63.129.16/", "http://100.100.100.200/", "http://192.0.0.192/"),
    # names that resolve to internal addresses
    *("http://app.localhost:{port}/", "http://ip6-localhost:{port}/", "http://127.0.0.1.nip.io:{port}/"),
    *("http://spoofed.example:{port}/", "http://mixed.example:{port}/", "http://mapped.example:{port}/"),
    *("http://nat64.example:{port}/", "http://sixtofour.example:{port}/", "http://scoped.example:{port}/"),
    *("http://zero.example:{port}/", "http://private.example/", "http://unique.example/", "http://multicast.example/"),
    "http://kubernetes.default.svc/",
    # userinfo
    *("http://1.1.1.1@127.0.0.1:{port}/", "http://user:secret@127.0.0.1:{port}/", "http://a@b@127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}\\@1.1.1.1/", "http://1.1.1.1\\@127.0.0.1:{port}/", "http://user:secret@example.com/"),
    *("http://1.1.1.1 &@127.0.0.1:{port}# @1.1.1.1/", "http://@127.0.0.1:{port}/", "http://%40:@127.0.0.1:{port}/"),
    # characters that are normalized to digits or letters
    *("http://１２７.０.０.１:{port}/", "http://127。0。0。1:{port}/", "http://①②⑦.0.0.1:{port}/"),
    *("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/", "http://ｌｏｃａｌｈｏｓｔ:{port}/", "http://%31%32%37.0.0.1:{port}/"),
    # URLs that confuse parsers
    *("http://127.0.0.1:{port}#@1.1.1.1/", "http://127.0.0.1:{port}?@1.1.1.1/", "http://127.0.0.1%00.example.com/"),
    *("http://127.0.0.1\t:{port}/", "http://127.0.0.1:{port}\r\n.example.com/", "http://\x00127.0.0.1/"),
    *("http:127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "//127.0.0.1:{port}/"),
    *("http://127.0.0.1:99999/", "http://127.0.0.1:0/", "http://[::1:{port}/", "http://", "", "127.0.0.1:{port}"),
    # other schemes
    *("file:///etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_GET", "dict://127.0.0.1:{port}/"),
    *("ws://127.0.0.1:{port}/", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/"),
    *("data:text/plain,hello", "javascript:alert(1)", "jar:http://127.0.0.1!/", "ldap://127.0.0.1:{port}/"),
]

REDIRECTS = [
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/"),
    *("http://2130706433:{port}/", "http://metadata.google.internal/", "http://spoofed.example:{port}/"),
    *(
        "//127.0.0.1:{port}/",
        "http://user:secret@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
    ),
    *("http://[::ffff:127.0.0.1]:{port}/", "https://127.0.0.1:{port}/", "http://0x7f.1:{port}/", "http://[::1"),
]


async def resolver(host: str, port: int) -> Sequence[str]:
    """Resolves the names above, and strings that the system parses as addresses, without DNS."""
    if host in NAMES:
        return NAMES[host]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return [str(sockaddr[0]) for *_, sockaddr in found]


@pytest.fixture
def bait() -> Iterator[socket.socket]:
    """A server on an internal address, which must not be called."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def untouched(bait: socket.socket) -> bool:
    try:
        connection, _ = bait.accept()
    except BlockingIOError:
        return True
    connection.close()
    return False


def port_of(bait: socket.socket) -> int:
    return bait.getsockname()[1]


def test_the_number_of_hostile_urls() -> None:
    """There are at least sixty hostile URLs without duplicates."""
    assert len(set(URLS)) == len(URLS) >= 60


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_refused(url: str, bait: socket.socket, connections: Connections) -> None:
    """`send`, `list_tools` and `call_tool` refuse a hostile URL without a connection."""
    address = url.replace("{port}", str(port_of(bait)))
    refusals = (BadAddress, AddressRefused, Unreachable)

    with pytest.raises(refusals) as refusal:
        await Outbound(Settings(), resolver).send(Request(method="GET", url=address, follow_redirects=True))
    assert "secret" not in refusal.value.message
    with pytest.raises(refusals):
        await list_tools(address, "token", Settings(), resolver=resolver)
    with pytest.raises(refusals):
        await call_tool(address, "token", "add", {}, Settings(), resolver=resolver)

    assert connections.tried == []
    assert untouched(bait)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", REDIRECTS)
async def test_a_redirect_to_an_internal_address_is_refused(
    target: str, status: int, bait: socket.socket, api_server: ApiServer, connections: Connections
) -> None:
    """A redirect to an internal address is refused. Only the redirecting server is called."""
    settings = Settings(outbound_allowed_hosts=(api_server.host,))
    location = target.replace("{port}", str(port_of(bait))).replace("&", "%26")
    address = f"{api_server.address}/redirect?status={status}&to={location}"

    with pytest.raises((BadAddress, BadResponse, AddressRefused)):
        await Outbound(settings, resolver).send(Request(method="GET", url=address, follow_redirects=True))
    with pytest.raises(NotMcp):
        await list_tools(address, None, settings, resolver=resolver)

    assert {port for _, port in connections.tried} == {int(api_server.host.partition(":")[2])}
    assert untouched(bait)
