"""Decides which addresses are public: those that denote the same host from everywhere on the internet.

Unless an entry names another source, the source is IANA's special-purpose registries
(https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry). `ipaddress` knows most
of them, but which ones depends on Python's patch version, so they are listed here. `ipaddress` is checked as well.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network": Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; Alibaba's metadata server is 100.100.100.200
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, reachable only from its VMs (Microsoft Learn, "168.63.129.16")
        "169.254.0.0/16",  # link-local; the metadata server of Google, AWS and Azure is 169.254.169.254
        "172.16.0.0/12",  # private, RFC 1918
        "192.0.0.0/24",  # IETF protocols; Oracle's metadata server is 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, deprecated by RFC 7526
        "192.168.0.0/16",  # private, RFC 1918
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved; 255.255.255.255 is the broadcast address
    )
)

PUBLIC_V6 = IPv6Network("2000::/3")
"""The block from which IANA allocates global unicast addresses (https://www.iana.org/assignments/ipv6-address-space).

These are outside of it: :: and ::1, IPv4-compatible ::/96, IPv4-mapped ::ffff:0:0/96, NAT64 64:ff9b::/96 and
64:ff9b:1::/48, discard 100::/64, segment routing 5f00::/16, unique local fc00::/7 (AWS's metadata server is
fd00:ec2::254, Google's is fd20:ce::254), link-local fe80::/10, site-local fec0::/10, and multicast ff00::/8.
"""

NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocols: Teredo 2001::/32 (which embeds an IPv4 address), ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds an IPv4 address
        "3fff::/20",  # documentation, RFC 9637
    )
)


def is_public(address: IPv4Address | IPv6Address | str) -> bool:
    """Whether an address is public. False for addresses with a zone, and for strings that are not addresses."""
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return False
    if isinstance(address, IPv4Address):
        listed = any(address in network for network in NOT_PUBLIC_V4)
    else:
        listed = (
            address.scope_id is not None
            or address not in PUBLIC_V6
            or any(address in network for network in NOT_PUBLIC_V6)
        )
    return not listed and address.is_global and not (address.is_multicast or address.is_reserved)
