"""A question to a provider, answered: from the cache, by one call, or by waiting for another's.

Whoever asks, from whichever process or machine: an answer that has not expired is not asked for
again, one call at a time is under way for a question, no cap is passed, and a provider that fails
is left alone.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn, TypeVar

import sqlalchemy as sa

from bg_assets.domain.enrichment import kept
from bg_assets.domain.enrichment.admission import Admission
from bg_assets.domain.enrichment.asking import (
    Answer,
    Failure,
    NotChecked,
    PermanentFailure,
    Provider,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import database
from bg_assets.storage.operations import asking, calls, health
from bg_assets.storage.operations.asking import Got, Missed
from bg_assets.storage.operations.calls import (
    LOST,
    Answered,
    Call,
    Elsewhere,
    Failed,
    Known,
    NotAnswered,
)
from bg_assets.storage.operations.clock import Clock

_T = TypeVar("_T")

CLOCK = Clock()
# How often a process looks whether another's call is over: soon at first, then less.
_LOOK_FIRST, _LOOK_LAST = 0.03, 0.3
_TRY_AGAIN_TO_SETTLE = 0.5
# What a call is given at least, however little time is left.
_LEAST = 1.0
_LOCKED = "another session keeps its row in bg.provider_health locked; see pg_stat_activity"


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider told, and when it did. ``cached``: nobody was asked for it just now.

    The cost of ``answer`` is what was paid for it now, in US dollars: nothing where it was cached.
    """

    answer: Answer
    at: datetime
    cached: bool


def answer(
    engine: sa.Engine,
    provider: Provider,
    question: Question,
    policy: Policy,
    clock: Clock = CLOCK,
) -> Told:
    """The provider's answer to the question. No connection is in use during the provider's call.

    It takes ``policy.patience`` seconds and the last call at most. Raises a Failure whose message
    may be shown and logged, and DatabaseUnreachable.
    """
    return _Asking(engine, provider, question, policy, clock).told()


class _Asking:
    """One process's way to one answer."""

    def __init__(
        self,
        engine: sa.Engine,
        provider: Provider,
        question: Question,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._asked = asking.asked(provider, question)
        self._engine, self._provider, self._question = engine, provider, question
        self._policy, self._clock = policy, clock
        self._holder = uuid.uuid4().hex
        self._deadline = clock.monotonic() + policy.patience
        # The call of another that was seen under way, and how long to wait before the next look.
        self._waited_for: str | None = None
        self._look = _LOOK_FIRST
        # What the last call of this process's own ended with, and what those before it cost.
        self._last: Failure | None = None
        self._paid = Decimal(0)

    def told(self) -> Told:
        """Look, wait and call until there is an answer, or none is to be had."""
        while True:
            step = self._step()
            if isinstance(step, Known):
                return Told(kept.from_json(step.output), step.at, cached=True)
            if isinstance(step, Failed):
                raise _as_failure(step)
            if isinstance(step, Elsewhere):
                self._wait_for_another(step)
            elif isinstance(step, Admission):
                self._wait_for_admission(step)
            elif isinstance(found := self._call(step), Told):
                return found

    def _step(self) -> Call | Known | Elsewhere | Failed | Admission:
        try:
            return self._looked()
        except sa.exc.OperationalError as err:
            if not health.is_locked_out(err):
                raise
        return self._end(self._last or TemporaryFailure(self._said(_LOCKED)))

    def _looked(self) -> Call | Known | Elsewhere | Failed | Admission:
        with database.connect(self._engine) as conn:
            # Who has the question already can find nothing there.
            if self._last is None:
                found = self._peek(conn)
                if found is not None:
                    return found
            return calls.begin(conn, self._asked, self._holder, self._policy, self._clock)

    def _peek(self, conn: sa.Connection) -> Known | Elsewhere | Failed | None:
        return calls.peek(conn, self._asked, self._waited_for, self._policy, self._clock)

    def _wait_for_another(self, other: Elsewhere) -> None:
        self._waited_for = other.holder
        message = f"somebody else has been asking the same for {self._policy.patience:g} s"
        self._wait(self._look, self._last or TemporaryFailure(self._said(message)))
        self._look = min(_LOOK_LAST, self._look * 1.5)

    def _wait_for_admission(self, refusal: Admission) -> None:
        failure = self._last or NotChecked(self._said(refusal.reason))
        if refusal.wait is None:
            self._end(failure)
        else:
            self._wait(refusal.wait, failure)

    def _wait(self, seconds: float, otherwise: Failure) -> None:
        """Wait, or end with the failure where it would take too long."""
        if self._clock.monotonic() + seconds > self._deadline:
            self._end(otherwise)
        self._clock.sleep(seconds)

    def _end(self, failure: Failure) -> NoReturn:
        """Let go of the question, and raise the failure."""
        if self._last is not None:
            self._settled(lambda conn: calls.give_up(conn, self._asked, self._holder, self._clock))
        raise failure from None

    def _call(self, call: Call) -> Told | None:
        """Make the call: its answer; None where it failed and, after a wait, is to be tried again.

        Raises its failure where it is not.
        """
        began = self._clock.monotonic()
        most = self._policy.seconds
        seconds = min(most, max(_LEAST, self._deadline - began))
        try:
            found = asking.ask(self._provider, self._question, self._asked.price, seconds)
        except BaseException:
            # The process is told to stop, and what was asked may be paid.
            stopped = NotAnswered(
                LOST,
                "the process that asked was told to stop",
                self._clock.monotonic() - began,
                uncertain=self._asked.price,
            )
            self._settle_failed(call, stopped)
            raise
        duration = self._clock.monotonic() - began
        if isinstance(found, Got):
            return self._got(call, found, duration)
        self._missed(call, found, duration)
        return None

    def _got(self, call: Call, found: Got, duration: float) -> Told:
        cost = found.answer.cost
        lasts = self._policy.lasts(self._question.kind)
        ended = Answered(found.output, kept.found(found.answer), cost, lasts, duration)
        at = self._settled(
            lambda conn: calls.settle_answered(conn, call, ended, self._policy, self._clock)
        )
        return Told(replace(found.answer, cost=cost + self._paid), at, cached=False)

    def _missed(self, call: Call, missed: Missed, duration: float) -> None:
        """Settle, and wait for the next try; raises the failure where there should be none."""
        failure = missed.failure
        self._last = failure
        wait = self._pause(call, failure)
        ended = NotAnswered(
            _word(failure),
            str(failure),
            duration,
            cost=_billed(failure),
            uncertain=missed.uncertain,
            counts=_counts(failure),
            rest=failure.retry_after if isinstance(failure, TemporaryFailure) else None,
            again=wait,
            bars=self._bars(failure, missed.uncertain),
        )
        self._paid += ended.cost
        if not self._settle_failed(call, ended) or wait is None:
            raise failure from None
        self._clock.sleep(wait)

    def _pause(self, call: Call, failure: Failure) -> float | None:
        """After how many seconds to try again: some more each time, and never all at once.

        None where trying again makes no sense, or would take too long.
        """
        policy = self._policy
        if not isinstance(failure, TemporaryFailure) or call.probe or call.attempt >= policy.tries:
            return None
        backoff = policy.backoff * 2 ** (call.attempt - 1)
        wait = (failure.retry_after or 0.0) + backoff * (0.5 + self._clock.chance())
        return wait if self._clock.monotonic() + wait < self._deadline else None

    def _bars(self, failure: Failure, uncertain: Decimal) -> float | None:
        """For how long what was paid in vain is not paid again; None: it may be asked at once."""
        if not isinstance(failure, PermanentFailure) or failure.billed + uncertain == 0:
            return None
        return self._policy.lasts(self._question.kind)

    def _settle_failed(self, call: Call, ended: NotAnswered) -> bool:
        return self._settled(
            lambda conn: calls.settle_failed(conn, call, ended, self._policy, self._clock)
        )

    def _settled(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Settle in a transaction, again while the database is away or the row is locked.

        What was paid for is not to be lost with a server that restarts.
        """
        until = self._clock.monotonic() + self._policy.margin
        while True:
            try:
                with database.connect(self._engine) as conn:
                    return work(conn)
            except (DatabaseUnreachable, sa.exc.OperationalError) as err:
                if isinstance(err, sa.exc.OperationalError) and not health.is_locked_out(err):
                    raise
                if self._clock.monotonic() + _TRY_AGAIN_TO_SETTLE > until:
                    raise
                self._clock.sleep(_TRY_AGAIN_TO_SETTLE)

    def _said(self, message: str) -> str:
        return f"{self._asked.provider}: {message}"


def _word(failure: Failure) -> str:
    """What a failure is called in the tables."""
    if isinstance(failure, TemporaryFailure):
        return "temporary"
    if isinstance(failure, NotChecked):
        return "not_checked"
    whole = isinstance(failure, PermanentFailure) and failure.whole_provider
    return "provider" if whole else "permanent"


def _as_failure(failed: Failed) -> Failure:
    """The failure of the call that was waited for, or that is not to be paid again."""
    if failed.until is not None:
        until = f"{failed.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return PermanentFailure(f"{failed.error} (paid already: not asked again before {until})")
    if failed.failure == "temporary":
        return TemporaryFailure(failed.error)
    if failed.failure == "not_checked":
        return NotChecked(failed.error)
    return PermanentFailure(failed.error, whole_provider=failed.failure == "provider")


def _counts(failure: Failure) -> bool:
    """Whether a failure tells of the provider, and not of the question alone."""
    return _word(failure) in {"temporary", "provider"}


def _billed(failure: Failure) -> Decimal:
    if isinstance(failure, TemporaryFailure | PermanentFailure):
        return failure.billed
    return Decimal(0)
