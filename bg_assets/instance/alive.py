"""Which processes are well, which are missed, of which nothing can be known: a verdict for all.

`status`, `doctor`, alerts and metrics tell of processes by it. Who tells of the runs of Dagster is
Dagster itself.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from bg_assets import process
from bg_assets.instance.worker import State, Worker
from bg_assets.storage import workers

# After this it is not a moment's work that keeps a process from giving a sign.
LOST_SECONDS = 90.0
# Is well; is not; would be told of by `up` alone, which is not well.
OK, BAD, UNKNOWN = "ok", "bad", "unknown"
UP, RUN, GONE, STOPPED = "up", "run", "gone", "stopped"
# Those that give their signs themselves, whether `up` has started them or not.
TELL_THEMSELVES = frozenset({UP, "receiver", "metrics", "alerts", "notifications"})
# Ages are taken one after another.
_ROUGHLY = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A process and how it is; ``others``: of how many more nothing is known because of it."""

    process: workers.Worker
    word: str
    others: int = 0

    @property
    def is_missed(self) -> bool:
        """Whether it has given no sign for too long, for no other process's sake."""
        return self.word == BAD and self.process.silent_seconds > LOST_SECONDS

    @property
    def health(self) -> str:
        """``ok``, or what is the matter."""
        return "unknown, as `up` is silent" if self.word == UNKNOWN else self.process.health


def read(conn: sa.Connection) -> list[workers.Worker]:
    """All processes that are known; those of this host that are gone are called so."""
    return [_seen_here(one) for one in workers.read(conn)]


def _seen_here(one: workers.Worker) -> workers.Worker:
    if one.ended_seconds is not None or one.host != process.host():
        return one
    found = Worker(one.host, one.pid, one.started).state()
    if found is State.GONE:
        return replace(one, state=GONE)
    return replace(one, state=STOPPED) if found is State.STOPPED else one


def standing(known: Iterable[workers.Worker]) -> list[Standing]:
    """How each process is that should work now.

    What has ended in order should not, nor what another of its kind has replaced, nor what has said
    nothing for an hour; nor the process of a run that is gone, which Dagster sees to.
    """
    at_work = [
        one
        for one in known
        if one.ended_seconds is None
        and one.silent_seconds <= workers.FORGOTTEN_SECONDS
        and not (one.kind == RUN and one.state == GONE)
    ]
    replaced = _replaced(at_work)
    silent_ups = [one for one in at_work if one.kind == UP and one.health != OK]
    kept = [one for one in at_work if one not in replaced]
    dark = _dark_hosts(kept)
    words = [
        OK if one.health == OK else UNKNOWN if _hidden(one, silent_ups, dark) else BAD
        for one in kept
    ]
    hidden = Counter(
        one.host for one, word in zip(kept, words, strict=True) if word == UNKNOWN
    )  # fmt: skip
    return [
        Standing(one, word, hidden[one.host] if one.kind == UP and word == BAD else 0)
        for one, word in zip(kept, words, strict=True)
    ]


def _hidden(one: workers.Worker, silent_ups: Sequence[workers.Worker], dark: set[str]) -> bool:
    """Whether `up` would tell of it, and is silent itself; or all of its machine is."""
    if one.kind == UP:
        return False
    if one.host in dark:
        return True
    if one.kind in TELL_THEMSELVES or one.state not in ("", GONE):
        return False
    # It was well when `up` looked last.
    return any(
        up.host == one.host and one.silent_seconds - up.silent_seconds <= LOST_SECONDS
        for up in silent_ups
    )


def _dark_hosts(kept: Sequence[workers.Worker]) -> set[str]:
    """The hosts of an `up` from which nobody gives a sign."""
    lit = {one.host for one in kept if not _is_out(one)}
    return {one.host for one in kept if one.kind == UP} - lit


def _replaced(at_work: Sequence[workers.Worker]) -> set[workers.Worker]:
    """Those that are out and in whose place another of their kind has begun since.

    Each began in the place of one: on its host, or on one where nothing is older.
    """
    out = sorted((one for one in at_work if _is_out(one)), key=lambda one: one.silent_seconds)
    free = {one for one in at_work if one.health == OK}
    oldest = {
        one.host: max(other.uptime_seconds for other in at_work if other.host == one.host)
        for one in free
    }
    found = set()
    for same_host in (True, False):
        for one in out:
            later = [
                other
                for other in free
                if other.kind == one.kind
                and (other.host == one.host) is same_host
                and (other.uptime_seconds if same_host else oldest[other.host])
                < one.silent_seconds + _ROUGHLY
            ]
            if later and one not in found:
                found.add(one)
                free.remove(max(later, key=lambda other: other.uptime_seconds))
    return found


def _is_out(one: workers.Worker) -> bool:
    return one.state == GONE or one.silent_seconds > LOST_SECONDS
