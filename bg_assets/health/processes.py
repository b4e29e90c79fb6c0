"""The processes of the system and the runs under way, as `status` and `doctor` tell of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from bg_assets.instance.alive import GONE, STOPPED, Standing, standing
from bg_assets.instance.state import DagsterState
from bg_assets.storage import workers
from bg_assets.storage.reports.progress import Going

# The daemon's heart beats every 30 s, and is looked at every 10.
BETWEEN_BEATS = 45.0
_MEGABYTE = 1 << 20


def daemon(state: DagsterState, known: Sequence[workers.Worker]) -> str:
    """How Dagster's daemon is: by its heartbeat, unless its process is known to have ended since.

    The heartbeat alone tells of it for a minute and a half after its end. A daemon that was killed
    while its `up` lives is being started again.
    """
    noted = [one for one in known if one.kind == "daemon"]
    heartbeat = state.heartbeat_seconds
    if state.daemon != "running" or heartbeat is None or not noted:
        return state.daemon
    last = min(noted, key=lambda one: one.uptime_seconds)
    since = last.ended_seconds
    if since is None:
        hosts = {one.host for one in known if one.kind == "up" and _lives(one)}
        if _lives(last) or last.host in hosts:
            return state.daemon
        since = last.silent_seconds - BETWEEN_BEATS
    # Another daemon, which nobody notes, may have given a sign since.
    return state.daemon if heartbeat < since - 1 else "ended"


def lost(known: Sequence[workers.Worker]) -> list[Standing]:
    """What is missed: what `up` ends by itself has been ended before it is told here."""
    return [one for one in standing(known) if one.is_missed]


def problem(found: Standing) -> str:
    """What to say of one that is missed."""
    one = found.process
    what = f"the {one.kind} on {one.host} (process {one.pid})"
    since = f"{one.silent_seconds:.0f} s"
    others = f", so nothing is known of {found.others} more there" if found.others else ""
    if one.state == GONE:
        return f"{what} is gone without having ended in order, for {since}{others}: start it again"
    if one.state == STOPPED:
        return f"{what} was stopped (SIGSTOP), for {since}{others}: continue it, or end it"
    return (
        f"{what} has given no sign of life for {since}{others}: look whether that machine is up, "
        "and start what runs there again"
    )


def problems(known: Sequence[workers.Worker]) -> Iterator[str]:
    """What hangs, a line each."""
    return map(problem, lost(known))


def document(known: Sequence[workers.Worker]) -> list[dict[str, Any]]:
    """The processes for --json, without those that no longer should work."""
    return [
        {
            "kind": one.kind,
            "host": one.host,
            "pid": one.pid,
            "run_id": one.run_id,
            "health": found.health,
            "uptime_seconds": round(one.uptime_seconds),
            "silent_seconds": round(one.silent_seconds, 1),
            "memory_bytes": one.memory,
        }
        for found in standing(known)
        for one in [found.process]
    ]


def in_words(shown: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line each."""
    for one in shown:
        what = f"{one['kind']} {one['run_id'][:8]}" if one["run_id"] else one["kind"]
        yield (
            f"process {what:<19} {one['health']}; up for {_span(one['uptime_seconds'])}, "
            f"{one['memory_bytes'] / _MEGABYTE:.0f} MB, last sign {one['silent_seconds']:.0f} s "
            f"ago; {one['host']} {one['pid']}"
        )


def runs_in_words(runs: Sequence[Going]) -> Iterator[str]:
    """A line each."""
    for one in runs:
        yield (
            f"run {one.run_id}: {one.done} of {one.companies} companies since "
            f"{one.since.astimezone():%H:%M:%S}"
        )


def _lives(one: workers.Worker) -> bool:
    return one.ended_seconds is None and one.state != GONE


def _span(seconds: float) -> str:
    for length, letter in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {letter}"
    return f"{seconds:.0f} s"
