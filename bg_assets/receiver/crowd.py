"""Who is connected: how many in all, and how many from one address."""

import ipaddress
from collections import Counter
from collections.abc import Sequence

from bg_assets.receiver.limits import Limits
from bg_assets.receiver.networks import Network, client_address, within

# One who has an IPv6 address has the 2^64 beside it too.
_OF_ONE_CLIENT = 64


class Full(Exception):
    """There is no place; ``kind`` is what is counted, ``detail`` what the client is told."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail


class Place:
    """The place of one connection."""

    def __init__(self, crowd: "Crowd", client: str | None) -> None:
        self._crowd = crowd
        self._client = client
        self._is_left = False

    def leave(self) -> None:
        """Give it up; twice does no harm."""
        if not self._is_left:
            self._is_left = True
            self._crowd.left(self._client)


class Crowd:
    """The places that are taken. A trusted proxy may have all: its address is not its clients'."""

    def __init__(self, limits: Limits, trusted: Sequence[Network]) -> None:
        self._limits = limits
        self._trusted = trusted
        self._of_client: Counter[str] = Counter()
        self.size = 0

    def enter(self, peer: str | None) -> Place:
        """Take a place for a connection from this address. Raises Full."""
        if self.size >= self._limits.connections:
            raise Full("busy", "too many connections")
        client = self._client(peer)
        if client is not None:
            if self._of_client[client] >= self._limits.connections_of_one:
                raise Full("crowd", "too many connections from this address")
            self._of_client[client] += 1
        self.size += 1
        return Place(self, client)

    def left(self, client: str | None) -> None:
        """A place of this client is free again."""
        self.size -= 1
        if client is not None:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]

    def _client(self, peer: str | None) -> str | None:
        """Whom a connection counts for; None for a trusted proxy, or where there is no address."""
        address = client_address(peer, (), ())
        if address is None or within(address, self._trusted):
            return None
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((int(address), _OF_ONE_CLIENT), strict=False))
        return str(address)
