"""Tests how the caller's address is determined, behind Hosting and at a function's own address."""

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.requests import Request

from shared.settings import Settings
from shared.web import ClientAddress, create_app
from shared.web.address import address_block, client_address

DEPLOYED = Settings(trusted_proxies=1)
EDGE, EDGE6, FRONT_END = "74.125.209.1", "2001:4860:4801:10::5", "35.191.10.7"
CALLER, FORGED = "9.8.7.6", "6.6.6.6"


def request(*forwarded: str | bytes, peer: str | None = "169.254.169.126") -> Request:
    lines = [line.encode() if isinstance(line, str) else line for line in forwarded]
    headers = [(b"x-forwarded-for", line) for line in lines]
    client = None if peer is None else (peer, 4711)
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": client})


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        # at a function's own address: the last entry is the platform's, and earlier ones may be forged
        ([CALLER], CALLER),
        ([f"{FORGED}, {CALLER}"], CALLER),
        ([f"{FORGED},7.7.7.7,{CALLER}"], CALLER),
        ([f"{FORGED}, {EDGE}, {CALLER}"], CALLER),
        ([FORGED, CALLER], CALLER),
        # through Hosting: the last entry is Google's, the one before it is the caller's
        ([f"{CALLER},{EDGE}"], CALLER),
        ([f"{CALLER}, {FRONT_END}"], CALLER),
        ([f"{CALLER}, {EDGE6}"], CALLER),
        ([f"{FORGED}, {CALLER}, {EDGE}"], CALLER),
        ([f"{FORGED}, {EDGE}, {CALLER}, {EDGE}"], CALLER),
        ([FORGED, f"{CALLER}, {EDGE}"], CALLER),
        ([f"{FORGED}, {CALLER}", EDGE], CALLER),
        # from within Google's network: at most one Google entry is skipped
        ([EDGE], EDGE),
        ([f"{FORGED}, 66.249.66.1, {EDGE}"], "66.249.66.1"),
        # IPv6, ports, and mapped addresses
        (["2a02:8108:1::7"], "2a02:8108:1::7"),
        ([f"2A02:8108:1:0::7, {EDGE}"], "2a02:8108:1::7"),
        ([f"[2a02:8108:1::7]:4711, {EDGE}"], "2a02:8108:1::7"),
        ([f"{CALLER}:4711"], CALLER),
        ([f"::ffff:{CALLER}"], CALLER),
        # an invalid entry is never used, and never causes an earlier entry to be used
        ([f"{FORGED}, garbage, {EDGE}"], EDGE),
        ([f"{FORGED}, {EDGE}, garbage"], "169.254.169.126"),
        (["garbage"], "169.254.169.126"),
        ([" , ,, "], "169.254.169.126"),
        ([b"\xff\xfe, 9.8.7.6"], CALLER),
        ([f"{CALLER}%eth0"], "169.254.169.126"),
        (["09.8.7.6"], "169.254.169.126"),
        ([f"{FORGED}," * 2000 + CALLER], CALLER),
        ([], "169.254.169.126"),
    ],
)
def test_the_callers_address_is_found_with_and_without_hosting(forwarded: list[str | bytes], address: str) -> None:
    """The entries that the platform appended are used, and those that the caller wrote before them are ignored."""
    assert client_address(request(*forwarded), DEPLOYED) == address


@given(st.lists(st.text(alphabet="0123456789abcdef.:, []%x", max_size=30), max_size=5))
def test_a_direct_caller_cannot_choose_an_address(invented: list[str]) -> None:
    """At a function's own address, entries before the platform's entry are ignored."""
    assert client_address(request(*invented, CALLER), DEPLOYED) == CALLER


@given(st.lists(st.text(alphabet="0123456789abcdef.:, []%x", max_size=30), max_size=5))
def test_a_caller_through_hosting_cannot_choose_an_address(invented: list[str]) -> None:
    """Behind Hosting, entries before the two that the platform appends are ignored."""
    assert client_address(request(*invented, f"{CALLER}, {EDGE}"), DEPLOYED) == CALLER


def test_addresses_of_google_cloud_customers_are_not_hostings() -> None:
    """The address of a Google Cloud customer's machine is not mistaken for Hosting's, because anyone can rent one."""
    for customer_address in ("34.68.1.2", "35.222.0.9", "104.198.56.253", "130.211.9.9", "2600:1900:4000::1"):
        assert client_address(request(f"{FORGED}, {customer_address}"), DEPLOYED) == customer_address


def test_without_a_proxy_the_header_is_ignored() -> None:
    """Without a proxy, as in local use, the header is ignored, because only the caller can have written it."""
    assert client_address(request(f"{FORGED}, {EDGE}", peer="127.0.0.1"), Settings()) == "127.0.0.1"
    assert client_address(request(peer=None), Settings()) == "unknown"


def test_the_callers_address_is_found_behind_another_load_balancer() -> None:
    """`TRUSTED_PROXIES` is the number of proxies that append an entry. A header can have fewer entries."""
    settings = Settings(trusted_proxies=2)
    assert client_address(request(f"{FORGED}, {CALLER}, 34.1.2.3"), settings) == CALLER
    assert client_address(request("34.1.2.3"), settings) == "34.1.2.3"


def test_the_networks_of_hosting_can_be_set() -> None:
    """The networks in `HOSTING_EDGES` replace the built-in ones."""
    settings = Settings(trusted_proxies=1, hosting_edges=("198.51.100.0/24", "2001:db8::/32"))
    assert client_address(request(f"{CALLER}, 198.51.100.9"), settings) == CALLER
    assert client_address(request(f"{CALLER}, 2001:db8::1"), settings) == CALLER
    assert client_address(request(f"{CALLER}, {EDGE}"), settings) == EDGE
    with pytest.raises(ValidationError, match="HOSTING_EDGES"):
        Settings.from_environ({"HOSTING_EDGES": "198.51.100.0/24, nonsense"})


@pytest.mark.parametrize(
    ("address", "block"),
    [
        (CALLER, CALLER),
        ("2a02:8108:1:2:3:4:5:6", "2a02:8108:1::/48"),
        ("2a02:8108:1:ffff::", "2a02:8108:1::/48"),
        ("2a02:8108:2::", "2a02:8108:2::/48"),
        ("unknown", "unknown"),
    ],
)
def test_ipv6_addresses_are_grouped_by_network(address: str, block: str) -> None:
    """All IPv6 addresses in a /48 network count as one, because one customer can call from all of its 65,536
    subnets."""
    assert address_block(address) == block


async def test_a_route_can_receive_the_address() -> None:
    """A route can take the caller's address as an argument."""
    router = APIRouter()

    @router.get("/where")
    async def where(address: ClientAddress) -> str:
        return address

    app = create_app("meta", router, DEPLOYED)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        response = await client.get("/where", headers={"X-Forwarded-For": f"{FORGED}, {CALLER}, {EDGE}"})
    assert response.json() == CALLER
