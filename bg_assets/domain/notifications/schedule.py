"""When a message that was not taken is sent again, and when a subscription has failed for good."""

from dataclasses import dataclass

# Seconds before each attempt: the schedule that Standard Webhooks recommends, three days in all.
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
SCHEDULE = (
    0.0, 5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0,
)  # fmt: skip
# The part of a wait by which it may come sooner or later.
JITTER = 0.2
# What a receiver may ask for at most.
LONGEST_WAIT = 86_400.0
DISABLED_AFTER = 5 * 86_400.0
GONE = 410
# Those that say "not now" for all messages, where they say until when.
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. ``code`` is None where nobody answered, ``error`` says what failed.

    ``retry_after``: the seconds that the receiver asked for, None where it did not.
    """

    code: int | None
    error: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has the message: any 2xx."""
        return self.code is not None and 200 <= self.code < 300 and not self.error

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no message any more."""
        return self.code == GONE

    @property
    def pause(self) -> float | None:
        """The seconds for which the receiver wants no message at all; None where it did not say."""
        return self.retry_after if self.code in _BUSY else None


def wait(
    attempts: int, answer: Answer, chance: float, schedule: tuple[float, ...] = SCHEDULE
) -> float | None:
    """The seconds until the next attempt after so many failed ones; None where there is none.

    chance: from 0 to 1, so that not all come at once. A Retry-After is never undercut.
    """
    if attempts >= len(schedule):
        return None
    seconds = schedule[attempts] * (1 + JITTER * (2 * chance - 1))
    return max(seconds, min(answer.retry_after or 0.0, LONGEST_WAIT))
