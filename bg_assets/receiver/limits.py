"""How much a client may ask of the door, in bytes, seconds and numbers."""

from dataclasses import dataclass, replace

KIB = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused beyond; tests take shorter times."""

    body_bytes: int = 256 * KIB
    head_bytes: int = 32 * KIB
    headers: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    keep_alive_seconds: int = 30
    # A client that does not take its answer.
    answer_seconds: float = 10.0
    # How long and how much a refused client is listened to, so that it can read why.
    linger_seconds: float = 2.0
    linger_bytes: int = 4 * KIB * KIB
    connections: int = 2000
    # Of one address, unless that is a trusted proxy's.
    connections_of_one: int = 500
    # Connections beyond these that may be reading why; then the first of them is closed.
    turned_away: int = 500
    in_hand: int = 1000
    in_hand_bytes: int = 64 * KIB * KIB
    # Until an event that waits for its commit is answered with 503.
    commit_seconds: float = 20.0
    drain_seconds: float = 10.0


def fitted(limits: Limits, descriptors: int) -> Limits:
    """The limits with no more connections than there are free file descriptors for them.

    A fifth of these is for clients that are turned away.
    """
    turned_away = max(1, min(limits.turned_away, descriptors // 5))
    connections = max(1, min(limits.connections, descriptors - turned_away))
    of_one = max(1, min(limits.connections_of_one, connections // 4))
    return replace(
        limits, connections=connections, connections_of_one=of_one, turned_away=turned_away
    )
