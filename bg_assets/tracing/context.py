"""A place in a trace, as text that goes through headers, tables and tags: a W3C traceparent."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

# https://www.w3.org/TR/trace-context/#traceparent-header: later versions may add fields, and there
# is no version ff.
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?", re.ASCII
)
LENGTH = 55
# Of a run: the place in a trace that it goes on from.
TAG = "bg/traceparent"
# Spans that one may point at: what led to a batch are thousands.
MOST_LINKS = 32
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class Place:
    """A span by its trace and its own id, both in hex; whether its trace is being recorded."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def parse(text: str | None) -> Place | None:
    """The place that a traceparent names; None where it is none, whatever it holds."""
    if text is None or len(text) > _LONGEST:
        return None
    found = _TRACEPARENT.fullmatch(text)
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    if not int(found[2], 16) or not int(found[3], 16):
        return None
    return Place(found[2], found[3], bool(int(found[4], 16) & 1))


def places(texts: Iterable[str | None]) -> list[Place]:
    """The places that are named, each trace once, MOST_LINKS at most, in their order."""
    found: dict[str, Place] = {}
    for text in texts:
        place = parse(text)
        if place is not None:
            found.setdefault(place.trace_id, place)
        if len(found) == MOST_LINKS:
            break
    return list(found.values())


def derived(seed: str) -> int:
    """The trace of what has no cause that is traced, by a name that stays: a refresh's, a run's.

    A hash: samplers go by the last bits of a trace id, of which a UUID fixes some.
    """
    digest = hashlib.blake2s(seed.encode(), digest_size=16).digest()
    return int.from_bytes(digest) or 1
