"""How much a client may ask of the door, in bytes, seconds and numbers."""

from dataclasses import dataclass

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
    in_hand: int = 1000
    in_hand_bytes: int = 64 * KIB * KIB
    # Until an event that waits for its commit is answered with 503.
    commit_seconds: float = 20.0
    drain_seconds: float = 10.0
