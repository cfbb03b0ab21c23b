"""How a host becomes the addresses that are connected to."""

from collections.abc import Sequence

import pytest

from shared.outbound import guarded_pool
from shared.outbound.errors import Refused, Unreachable
from shared.outbound.http import Outbound, Request
from shared.outbound.mcp import list_tools
from shared.outbound.network import Guard, connect_guarded
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.outbound.conftest import Connections


class Scripted:
    """Gives the next answer each time it is asked, and the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_a_name_with_public_addresses_is_let_through() -> None:
    """In the resolver's order, each once."""
    guard = Guard(frozenset(), Scripted(["1.1.1.1", "2606:4700::1", "1.1.1.1"]))

    assert await guard.addresses("example.com", 443) == ["1.1.1.1", "2606:4700::1"]


@pytest.mark.parametrize("bad", ["127.0.0.1", "::1", "10.0.0.1", "fe80::1%eth0", "::ffff:1.1.1.1", "nonsense"])
async def test_one_bad_address_among_good_ones_refuses_the_name(bad: str) -> None:
    """A name that has both is no accident."""
    guard = Guard(frozenset(), Scripted(["1.1.1.1", bad, "9.9.9.9"]))

    with pytest.raises(Refused, match=r"example\.com is not a public address"):
        await guard.addresses("example.com", 443)


async def test_a_literal_is_not_resolved() -> None:
    """What a resolver would say of it does not matter."""
    resolver = Scripted(["1.1.1.1"])

    with pytest.raises(Refused):
        await Guard(frozenset(), resolver).addresses("127.0.0.1", 80)
    with pytest.raises(Refused):
        await Guard(frozenset(), resolver).addresses("::1", 80)
    assert resolver.asked == []


async def test_a_name_without_addresses_is_unreachable() -> None:
    """As is one that there is not, or that DNS cannot hold."""
    with pytest.raises(Unreachable):
        await Guard(frozenset(), Scripted([])).addresses("example.com", 80)
    with pytest.raises(Unreachable):
        await Guard(frozenset()).addresses(f"{'a' * 70}.example", 80)


@pytest.mark.parametrize(
    ("allowed", "host", "port", "let_through"),
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
async def test_allowed_hosts_are_exempt(allowed: str, host: str, port: int, let_through: bool) -> None:
    """By the very name in the URL, not by what it resolves to."""
    settings = Settings(outbound_allowed_hosts=(allowed,))
    guard = Guard.of(settings, Scripted(["127.0.0.1"]))

    if let_through:
        assert await guard.addresses(host, port)
    else:
        with pytest.raises(Refused):
            await guard.addresses(host, port)


async def test_the_next_address_is_tried_when_one_fails() -> None:
    """And no more than four: a name may have thousands."""
    tried: list[str] = []

    async def connect(address: str) -> str:
        tried.append(address)
        if address != "1.1.1.3":
            raise ConnectionError
        return address

    guard = Guard(frozenset(), Scripted(["1.1.1.1", "1.1.1.2", "1.1.1.3"]))
    assert await connect_guarded(guard, "example.com", 80, connect, (ConnectionError,)) == "1.1.1.3"

    tried.clear()
    many = Guard(frozenset(), Scripted([f"1.1.2.{number}" for number in range(100)]))
    with pytest.raises(ConnectionError):
        await connect_guarded(many, "example.com", 80, connect, (ConnectionError,))
    assert tried == ["1.1.2.0", "1.1.2.1", "1.1.2.2", "1.1.2.3"]


async def test_the_address_that_was_judged_is_the_one_connected_to(connections: Connections) -> None:
    """A name that changes its answer, as in DNS rebinding, is asked once per connection."""
    connections.failing = True
    one, other = Scripted(["93.184.216.34"], ["127.0.0.1"]), Scripted(["93.184.216.34"], ["127.0.0.1"])

    with pytest.raises(Unreachable):
        await Outbound(Settings(), one).send(Request(method="GET", url="http://rebind.example/"))
    with pytest.raises(Unreachable):
        await list_tools("http://rebind.example/mcp", None, Settings(), resolver=other)

    assert one.asked == other.asked == [("rebind.example", 80)]
    assert connections.tried == [("93.184.216.34", 80)] * 2


async def test_a_name_is_judged_again_for_the_next_connection(api_server: ApiServer, connections: Connections) -> None:
    """A redirect to the same name cannot lead where the first connection could not."""
    port = int(api_server.host.partition(":")[2])
    resolver = Scripted(["127.0.0.1"])
    settings = Settings(outbound_allowed_hosts=(f"rebind.example:{port}",))
    url = f"http://rebind.example:{port}/redirect?to=http://rebind.example:{port + 1}/"

    with pytest.raises(Refused):
        await Outbound(settings, resolver).send(Request(method="GET", url=url, follow_redirects=True))

    assert resolver.asked == [("rebind.example", port), ("rebind.example", port + 1)]
    assert connections.tried == [("127.0.0.1", port)]


async def test_sockets_of_the_machine_are_refused() -> None:
    """The pool refuses them, should the library ever request one."""
    with pytest.raises(Refused):
        await guarded_pool.GuardedBackend(Guard(frozenset())).connect_unix_socket("/var/run/docker.sock")
