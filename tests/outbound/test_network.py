"""`Guard` resolves a host to the addresses to which connections are allowed."""

from collections.abc import Sequence

import pytest

from shared.outbound import guarded_pool
from shared.outbound.errors import AddressRefused, Unreachable
from shared.outbound.http import Outbound, Request
from shared.outbound.mcp import list_tools
from shared.outbound.network import Guard, connect_guarded
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.outbound.conftest import Connections


class ScriptedResolver:
    """Returns the next list of addresses for each call, and then repeats the last one."""

    def __init__(self, *results: Sequence[str]) -> None:
        self.results = list(results)
        self.calls: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.calls.append((host, port))
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]


async def test_a_name_with_public_addresses_is_allowed() -> None:
    """For a name with public addresses, each address is returned once, in the resolver's order."""
    guard = Guard(frozenset(), ScriptedResolver(["1.1.1.1", "2606:4700::1", "1.1.1.1"]))

    assert await guard.addresses("example.com", 443) == ["1.1.1.1", "2606:4700::1"]


@pytest.mark.parametrize("bad", ["127.0.0.1", "::1", "10.0.0.1", "fe80::1%eth0", "::ffff:1.1.1.1", "nonsense"])
async def test_a_name_with_one_bad_address_is_refused(bad: str) -> None:
    """A name with one address that is not public is refused, because a mixture is never accidental."""
    guard = Guard(frozenset(), ScriptedResolver(["1.1.1.1", bad, "9.9.9.9"]))

    with pytest.raises(AddressRefused, match=r"example\.com is not a public address"):
        await guard.addresses("example.com", 443)


async def test_a_literal_address_is_not_resolved() -> None:
    """A literal address is checked without the resolver."""
    resolver = ScriptedResolver(["1.1.1.1"])

    with pytest.raises(AddressRefused):
        await Guard(frozenset(), resolver).addresses("127.0.0.1", 80)
    with pytest.raises(AddressRefused):
        await Guard(frozenset(), resolver).addresses("::1", 80)
    assert resolver.calls == []


async def test_a_name_without_addresses_is_unreachable() -> None:
    """A name that has no addresses or is invalid in DNS is unreachable."""
    with pytest.raises(Unreachable):
        await Guard(frozenset(), ScriptedResolver([])).addresses("example.com", 80)
    with pytest.raises(Unreachable):
        await Guard(frozenset()).addresses(f"{'a' * 70}.example", 80)


@pytest.mark.parametrize(
    ("allowed", "host", "port", "is_allowed"),
    [
        ("inner.example", "inner.example", 80, True),
        ("inner.example", "INNER.example", 81, True),
        ("Inner.Example:81", "inner.example", 81, True),
        ("inner.example:81", "inner.example", 80, False),
        ("inner.example", "inner.example.", 80, False),
        ("inner.example", "sub.inner.example", 80, False),
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "127.0.0.1", 8080, False),
        ("127.0.0.1", "inner.example", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::1", 81, False),
    ],
)
async def test_allowed_hosts_are_exempt(allowed: str, host: str, port: int, is_allowed: bool) -> None:
    """A host is exempt if the name in the URL is allowed, regardless of its addresses."""
    settings = Settings(outbound_allowed_hosts=(allowed,))
    guard = Guard.of(settings, ScriptedResolver(["127.0.0.1"]))

    if is_allowed:
        assert await guard.addresses(host, port)
    else:
        with pytest.raises(AddressRefused):
            await guard.addresses(host, port)


async def test_the_next_address_is_tried_when_one_fails() -> None:
    """If a connection fails, the next address is tried. Only four are tried, because a name may have thousands."""
    attempted: list[str] = []

    async def connect(address: str) -> str:
        attempted.append(address)
        if address != "1.1.1.3":
            raise ConnectionError
        return address

    guard = Guard(frozenset(), ScriptedResolver(["1.1.1.1", "1.1.1.2", "1.1.1.3"]))
    assert await connect_guarded(guard, "example.com", 80, connect, (ConnectionError,)) == "1.1.1.3"

    attempted.clear()
    many = Guard(frozenset(), ScriptedResolver([f"1.1.2.{number}" for number in range(100)]))
    with pytest.raises(ConnectionError):
        await connect_guarded(many, "example.com", 80, connect, (ConnectionError,))
    assert attempted == ["1.1.2.0", "1.1.2.1", "1.1.2.2", "1.1.2.3"]


async def test_the_checked_address_is_used_for_the_connection(connections: Connections) -> None:
    """A name is resolved once per connection, so a DNS record that changes (DNS rebinding) has no effect."""
    connections.failing = True
    http_resolver = ScriptedResolver(["93.184.216.34"], ["127.0.0.1"])
    mcp_resolver = ScriptedResolver(["93.184.216.34"], ["127.0.0.1"])

    with pytest.raises(Unreachable):
        await Outbound(Settings(), http_resolver).send(Request(method="GET", url="http://rebind.example/"))
    with pytest.raises(Unreachable):
        await list_tools("http://rebind.example/mcp", None, Settings(), resolver=mcp_resolver)

    assert http_resolver.calls == mcp_resolver.calls == [("rebind.example", 80)]
    assert connections.tried == [("93.184.216.34", 80)] * 2


async def test_a_name_is_checked_for_each_connection(api_server: ApiServer, connections: Connections) -> None:
    """A redirect to another port of the same name is checked again."""
    port = int(api_server.host.partition(":")[2])
    resolver = ScriptedResolver(["127.0.0.1"])
    settings = Settings(outbound_allowed_hosts=(f"rebind.example:{port}",))
    url = f"http://rebind.example:{port}/redirect?to=http://rebind.example:{port + 1}/"

    with pytest.raises(AddressRefused):
        await Outbound(settings, resolver).send(Request(method="GET", url=url, follow_redirects=True))

    assert resolver.calls == [("rebind.example", port), ("rebind.example", port + 1)]
    assert connections.tried == [("127.0.0.1", port)]


async def test_unix_sockets_are_refused() -> None:
    """The pool refuses Unix sockets, in case the library requests one."""
    with pytest.raises(AddressRefused):
        await guarded_pool.GuardedBackend(Guard(frozenset())).connect_unix_socket("/var/run/docker.sock")
