"""What `operations` and `status` tell of providers of outside data, as values and in words."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.enrichment.admission import (
    Admission,
    Breaker,
    Spent,
    admission,
    dollars,
)
from bg_assets.domain.enrichment.policy import Caps, Policy
from bg_assets.storage.operations import bill, reading
from bg_assets.storage.operations.reading import Day, Narrowed, State, Underway

_NOTHING = Underway(0, 0, Decimal(0))
_COUNTS = ("found", "not_found", "failed", "lost")


def providers(
    conn: sa.Connection, policy: Policy, now: datetime, narrowed: Narrowed
) -> list[dict[str, Any]]:
    """Each provider that was ever called, as the document of --json has it."""
    today = now.astimezone(UTC).date()
    since = narrowed.since.astimezone(UTC).date()
    days = reading.days(conn, min(since, today.replace(day=1)), narrowed.provider)
    underway = reading.underway(conn, now)
    return [
        _provider(
            state,
            [one for one in days if one.provider == state.provider],
            underway.get(state.provider, _NOTHING),
            policy,
            (now, since),
        )
        for state in reading.states(conn)
        if narrowed.provider in (None, state.provider)
    ]


def of_company(
    conn: sa.Connection, policy: Policy, now: datetime, narrowed: Narrowed
) -> list[dict[str, Any]]:
    """The same of questions about one company, by providers that were asked one.

    Caps and breaker are of the provider as a whole; the bill and the cache don't know companies, so
    that what they would tell is null, and ``so_far`` is what the questions have cost.
    """
    whole = {one["provider"]: one for one in providers(conn, policy, now, narrowed)}
    return [
        whole[one.provider]
        | {
            "calls": {name: getattr(one, name) for name in (*_COUNTS, "running")},
            "hits": None,
            "cost": {
                "today": None,
                "month": None,
                "reserved": one.reserved,
                "uncertain": None,
                "so_far": one.cost,
            },
            "days": None,
        }
        for one in reading.of_company(conn, narrowed, now)
        if one.provider in whole
    ]


def _provider(
    state: State, bill: list[Day], now_on: Underway, policy: Policy, times: tuple[datetime, date]
) -> dict[str, Any]:
    now, since = times
    today = now.astimezone(UTC).date()
    spent = reading.spent(bill, now_on.reserved, today)
    forbidden = _capped(state, spent, policy)
    caps = policy.caps(state.provider)
    days = [one for one in bill if one.day >= since]
    return {
        "provider": state.provider,
        "calls": {name: sum(getattr(one, name) for one in days) for name in _COUNTS}
        | {"running": now_on.running},
        "hits": sum(one.hits for one in days),
        "cost": {
            "today": spent.today - now_on.reserved,
            "month": spent.month - now_on.reserved,
            "reserved": now_on.reserved,
            "uncertain": sum((one.uncertain for one in days), Decimal(0)),
        },
        "caps": asdict(caps) | {"left": _left(caps, spent.today, spent.month)},
        "capped": forbidden.why and {"cap": forbidden.why, "reason": forbidden.reason},
        "breaker": breaker(state, policy, now),
        "days": [_day(one) for one in days],
    }


def breaker(state: State, policy: Policy, now: datetime) -> dict[str, Any]:
    """A breaker as --json has it: closed, open, or half_open when the next call is the probe."""
    found = state.breaker
    again = found.opened_at and found.opened_at + timedelta(seconds=policy.opens_for)
    word = "closed" if again is None else "open" if now < again else "half_open"
    resting = found.rest_until is not None and now < found.rest_until
    return {
        "state": word,
        "failures": found.failures,
        "opened_at": found.opened_at,
        "tried_again_at": again,
        "rest_until": found.rest_until if resting else None,
        "error": state.error,
        "failed_at": state.failed_at,
    }


def notes(conn: sa.Connection, policy: Policy, now: datetime) -> list[str]:
    """What of providers deserves a line in `status`: a breaker that is open, a cap that is reached.

    Neither is wrong with the system itself: groups are built from what is known.
    """
    lines = []
    for state in reading.states(conn):
        if state.breaker.opened_at is not None:
            lines.append(_open(state, state.breaker))
        if state.refused_price is None:
            continue
        forbidden = _capped(state, bill.spent(conn, state.provider, now), policy)
        if forbidden.why is not None:
            lines.append(f"provider {state.provider} is not asked: {forbidden.reason}")
    return lines


def in_words(document: Mapping[str, Any]) -> Iterator[str]:
    """The document as lines."""
    company, days = document.get("company"), document["days"]
    if not document["providers"]:
        yield (
            f"nobody was asked about {company} in {days} days"
            if company
            else "no provider was ever called"
        )
    for one in document["providers"]:
        if company:
            yield from _of_company_in_words(one, company, days)
        else:
            yield from _provider_in_words(one, days)
    for title, key in (("last asked", "operations"), ("failed", "failures")):
        if document[key]:
            yield f"{title}:"
            yield from (f"  {_operation(one)}" for one in document[key])


def _of_company_in_words(one: Mapping[str, Any], company: str, days: int) -> Iterator[str]:
    cost = one["cost"]
    yield f"{one['provider']}: questions about {company} of {days} days: {_counts(one['calls'])}"
    yield f"  cost    {dollars(cost['so_far'])} so far"
    if cost["reserved"]:
        yield f"  besides {dollars(cost['reserved'])} reserved for calls that are not settled"
    yield f"  breaker {_breaker(one['breaker'])}"
    if one["capped"]:
        yield f"  not asked: {one['capped']['reason']}"


def _counts(calls: Mapping[str, int]) -> str:
    told = (f"{calls[name]} {name.replace('_', ' ')}" for name in calls if calls[name])
    return ", ".join(told) or "none"


def _provider_in_words(one: Mapping[str, Any], days: int) -> Iterator[str]:
    calls, cost, caps = one["calls"], one["cost"], one["caps"]
    hits = f"{one['hits']} from the cache"
    yield f"{one['provider']}: calls of {days} days: {_counts(calls)}; {hits}"
    yield f"  today   {dollars(cost['today'])}{_of(caps['daily'])}"
    yield f"  month   {dollars(cost['month'])}{_of(caps['monthly'])}"
    if cost["reserved"]:
        yield f"  besides {dollars(cost['reserved'])} reserved for calls that are not settled"
    if cost["uncertain"]:
        yield f"  of {days} days {dollars(cost['uncertain'])} may not have been billed"
    yield f"  breaker {_breaker(one['breaker'])}"
    if one["capped"]:
        yield f"  not asked: {one['capped']['reason']}"
    for day in one["days"]:
        made = sum(day[name] for name in _COUNTS)
        yield (
            f"  {day['day']}  {made} calls  {dollars(day['cost'] + day['uncertain'])}  "
            f"{day['hits']} from the cache"
        )


def _breaker(found: Mapping[str, Any]) -> str:
    rest = f", left alone until {_utc(found['rest_until'])}" if found["rest_until"] else ""
    if found["state"] == "closed":
        return f"closed{rest}"
    again = (
        f"tried again from {_utc(found['tried_again_at'])} on"
        if found["state"] == "open"
        else "the next call is the probe"
    )
    return f"open since {_utc(found['opened_at'])}, {again}{rest}: {found['error']}"


def _operation(one: Mapping[str, Any]) -> str:
    who = f"{one['company_id']} {one['person_id'] or '-'}"
    until = f", kept until {_utc(one['expires_at'])}" if one["kept"] else ""
    error = f": {one['error']}" if one["error"] else until
    return (
        f"{_utc(one['started_at'])} {one['provider']} {one['kind']} {who} "
        f"{one['status'].replace('_', ' ')}, {dollars(one['cost'])}{error}"
    )


def _open(state: State, found: Breaker) -> str:
    assert found.opened_at is not None
    return (
        f"provider {state.provider} is left alone since {_utc(found.opened_at)}, after "
        f"{found.failures} failures in a row ({state.error}); the next question tries it again"
    )


def _capped(state: State, spent: Spent, policy: Policy) -> Admission:
    """The cap that still forbids what it forbade last, if there is one."""
    price = state.refused_price or Decimal(0)
    caps = policy.caps(state.provider)
    return admission(Breaker(), spent, caps, price, datetime.now(UTC), policy)


def _left(caps: Caps, today: Decimal, month: Decimal) -> Decimal | None:
    """What may still be spent now; None where nothing may that has a price."""
    left = [
        max(Decimal(0), cap - used)
        for cap, used in ((caps.daily, today), (caps.monthly, month))
        if cap is not None
    ]
    return min(left, default=None)


def _day(one: Day) -> dict[str, Any]:
    found = asdict(one)
    del found["provider"]
    return found


def _of(cap: Decimal | None) -> str:
    return "" if cap is None else f" of {dollars(cap)}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
