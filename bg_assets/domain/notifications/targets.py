"""Where messages may go: what is wrong with a URL, and with an address that its host stands for."""

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

_MOST_CHARACTERS = 2000
# What embeds an IPv4 address, which counts then: NAT64, besides those that Python knows.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What somebody allowed a subscription: http elsewhere than here, and private addresses."""

    insecure: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts; ``path`` with the query, ``host`` without brackets."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """Where it goes, without the path, which may hold a token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return f"{'https' if self.secure else 'http'}://{host}{'' if usual else f':{self.port}'}"


def problem(url: str, allowed: Allowed) -> str:
    """What keeps a URL from being a subscription's, and what to do; empty where nothing does.

    Where its host is a name, its addresses are another matter (`refusal`).
    """
    try:
        parts = urlsplit(url)
        port_is_bad = parts.port == 0
    except ValueError:
        return "that is no URL"
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        return "a URL starts with https:// and a host"
    if port_is_bad or not (url.isascii() and url.isprintable()) or " " in url:
        return "a URL has a port from 1 to 65535, and no spaces or other than ASCII characters"
    if len(url) > _MOST_CHARACTERS:
        return f"a URL has {_MOST_CHARACTERS} characters at most"
    if parts.username is not None or parts.password is not None:
        return "a user or password in the URL would be shown in lists: leave it out"
    if parts.fragment:
        return "a URL with # goes nowhere: leave that part out"
    address = literal(parts.hostname)
    if parts.hostname == "localhost":
        address = IPv4Address("127.0.0.1")
    if address is not None:
        return refusal(parts.scheme == "https", address, allowed)
    if parts.scheme == "http" and not allowed.insecure:
        return "with http anybody on the way reads along: use https, or say --insecure"
    return ""


def target(url: str) -> Target:
    """The parts of a URL in which nothing is wrong."""
    parts: SplitResult = urlsplit(url)
    secure = parts.scheme == "https"
    path = parts.path or "/"
    return Target(
        secure,
        parts.hostname or "",
        parts.port or (443 if secure else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is; None where it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def refusal(secure: bool, address: IPv4Address | IPv6Address, allowed: Allowed) -> str:
    """Why nothing may be sent to an address; empty where it may.

    Link-local ones, where clouds keep their secrets, are never allowed.
    """
    real = _embedded(address)
    if real.is_link_local or real.is_multicast or real.is_unspecified:
        return f"{address} is never sent to: it is link-local, multicast or no address"
    if not real.is_global and not allowed.private:
        return f"{address} is an address of a private network: say --private where that is meant"
    if not secure and not real.is_loopback and not allowed.insecure:
        return "with http anybody on the way reads along: use https, or say --insecure"
    return ""


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address leads to; else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
