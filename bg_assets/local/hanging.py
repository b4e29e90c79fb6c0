"""When a process of `up` hangs: plain rules over what was seen of it, in seconds.

What only waits for a database that is away is never called hanging: a process is judged by what it
answers without the database, or by signs in the database while that was there all the time.
"""

from dataclasses import dataclass

# A debugger or an operator stops a process for moments; after this it is in the way.
STOPPED_SECONDS = 15.0
# Whoever listens and gives no answer for so long will give none. On a busy machine some are late.
NO_ANSWER_SECONDS = 60.0
# The daemon notes its heartbeat in the database every 30 s, but for a tick that takes its 60 s; a
# run touches its file every 10 s.
NO_BEAT_SECONDS = 180.0
# Ended before, the supervisor itself would take everything along.
CONTINUED = "supervisor"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a process: for how long it has been watched, and has shown each sign.

    ``unanswered``: since it last answered though it takes connections. ``silent``: since its last
    beat, None where it gives none; ``could_beat``: for how long nothing has kept it from beating,
    that is, where it needs the database, for how long that has been there without a break and
    nobody in it waited for a lock.
    """

    kind: str
    watched: float
    stopped: float = 0.0
    unanswered: float = 0.0
    silent: float | None = None
    could_beat: float = 0.0


def verdict(seen: Seen) -> str:
    """Why the process hangs; "" while it may not."""
    if seen.stopped >= STOPPED_SECONDS:
        return f"was stopped for {seen.stopped:.0f} s"
    if min(seen.unanswered, seen.watched) >= NO_ANSWER_SECONDS:
        return f"took connections and gave no answer for {seen.unanswered:.0f} s"
    silent = 0.0 if seen.silent is None else seen.silent
    if min(silent, seen.watched, seen.could_beat) >= NO_BEAT_SECONDS:
        return f"gave no sign of life for {silent:.0f} s, though nothing kept it from that"
    return ""


def due(seen: Seen) -> float | None:
    """In how many s a stopped process hangs if it stays so; None where it is not stopped."""
    return max(0.0, STOPPED_SECONDS - seen.stopped) if seen.stopped else None


def state(seen: Seen) -> str:
    """What is the matter with it, in a word or two for a list; "" where nothing is."""
    if seen.stopped:
        return "stopped"
    return "no answer" if seen.unanswered else ""
