"""Where a request comes from, and whether a source may send from there."""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from CIDR notation; IPv4 ones written as IPv6 become IPv4. Raises ValueError."""
    return tuple(_plain(ipaddress.ip_network(text)) for text in texts)


def client_address(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """The address of the client: the peer's, unless that is a trusted proxy.

    Then it is the rightmost untrusted one of ``forwarded``, the values of X-Forwarded-For in their
    order; None where what stands there is no address, or for a peer without one.
    """
    address = _address(peer)
    if address is None or not within(address, trusted):
        return address
    hops = [hop for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops):
        address = _address(hop.strip())
        if address is None or not within(address, trusted):
            return address
    return address


def allowed(address: Address | None, among: Sequence[Network]) -> bool:
    """Whether a source may send from this address; no networks means from everywhere."""
    return not among or (address is not None and within(address, among))


def within(address: Address, among: Sequence[Network]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in among)


# The same few clients send again and again.
@lru_cache(4096)
def _address(text: str | None) -> Address | None:
    """An address; IPv4 ones mapped to IPv6 become IPv4, and a proxy may have added the port."""
    if not text:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _plain(network: Network) -> Network:
    """A network of mapped addresses as the IPv4 network that it means."""
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network
