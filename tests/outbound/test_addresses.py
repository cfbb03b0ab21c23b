"""`is_public` decides which IP addresses are public."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outbound.addresses import is_public

V4_RANGES = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32"),
]
V6_RANGES = [
    *("::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64"),
    *("2001::/32", "2001::/23", "2001:2::/48", "2001:db8::/32", "2001:10::/28", "2002::/16", "3fff::/20", "5f00::/16"),
    *("fc00::/7", "fd00:ec2::/32", "fe80::/10", "fec0::/10", "ff00::/8", "4000::/3", "e000::/4"),
]
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "9.9.9.9", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.255.255"),
    *("172.32.0.0", "168.63.129.15", "169.253.255.255", "192.0.1.0", "198.17.255.255", "198.20.0.0"),
    *("223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:830::200e", "2600::"),
]


@pytest.mark.parametrize("network", V4_RANGES)
@given(data=st.data())
def test_no_address_in_a_special_ipv4_range_is_public(network: str, data: st.DataObject) -> None:
    """All addresses of a special IPv4 range, including the first and the last, are not public."""
    block = IPv4Network(network)
    number = data.draw(st.integers(int(block.network_address), int(block.broadcast_address)))

    for address in (block.network_address, block.broadcast_address, IPv4Address(number)):
        assert not is_public(address)
        assert not is_public(str(address))


@pytest.mark.parametrize("network", V6_RANGES)
@given(data=st.data())
def test_no_address_in_a_special_ipv6_range_is_public(network: str, data: st.DataObject) -> None:
    """All addresses of a special IPv6 range, including the first and the last, are not public."""
    block = IPv6Network(network)
    number = data.draw(st.integers(int(block.network_address), int(block.broadcast_address)))

    for address in (block.network_address, block.broadcast_address, IPv6Address(number)):
        assert not is_public(address)
        assert not is_public(str(address))


@given(number=st.integers(0, 2**32 - 1))
def test_no_ipv6_form_of_an_ipv4_address_is_public(number: int) -> None:
    """Mapped, compatible, translated and tunnelled addresses are not public, even if the IPv4 address is public."""
    inner = IPv4Address(number)

    assert not is_public(f"::ffff:{inner}")
    assert not is_public(f"::{inner}")
    assert not is_public(f"64:ff9b::{inner}")
    assert not is_public(IPv6Address((0x2002 << 112) | (number << 80)))
    assert not is_public(IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)))


@given(address=st.ip_addresses())
def test_an_address_that_python_calls_special_is_never_public(address: IPv4Address | IPv6Address) -> None:
    """Addresses that the standard library considers special are not public either."""
    special = (address.is_private, address.is_loopback, address.is_link_local, address.is_multicast)
    if any(special) or address.is_reserved or address.is_unspecified:
        assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_public(address: str) -> None:
    """Ordinary addresses are public, including those next to special ranges."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "0x7f000001", "2130706433", "127.1", "1.1.1.1.", " 1.1.1.1", "2606:4700::1%eth0", "fe80::1%1"],
)
def test_an_unusual_address_is_not_public(address: str) -> None:
    """Names, plain numbers and addresses with zones are not public. Resolvers must return the usual form."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192"]
)
def test_metadata_servers_are_not_public(address: str) -> None:
    """The metadata servers of Google, AWS, Azure, Alibaba and Oracle are not public."""
    assert not is_public(address)
