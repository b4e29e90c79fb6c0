"""The steps of a refresh as the assets and sensors call them, and groups to complete them with."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.groups.difference import Event
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Member, StaffMember
from bg_assets.domain.groups.outcome import Outcome, StoredGroup
from bg_assets.domain.titles.verdict import TitleVerdict
from bg_assets.storage import claims, database, groups, refreshes, staff
from bg_assets.storage.claims import Policy, Request
from bg_assets.storage.refreshes import Held
from bg_assets_tests.storage.rows import at, rows, value

PRODUCT = "finance_system"
HOUR = 3600.0
POLICY = Policy(settle=0, refresh_interval=HOUR, claim_limit=1000, batch_from=5, batch_size=100)
MAX_ATTEMPTS = 3

LOG = """
    select company_id, status, attempt, run_id, error from bg.buyer_group_refresh_log
    order by requested_at, company_id
"""


def tick(
    engine: sa.Engine, seconds: float = 1000, policy: Policy = POLICY, sensor: str = "s"
) -> list[Request]:
    """Claim and ask in one transaction."""
    with engine.begin() as conn:
        claims.claim(conn, policy, sensor, at(seconds))
        return claims.ask(conn, policy, sensor, at(seconds))


def take(engine: sa.Engine, run_id: str, request: Request, seconds: float = 1000) -> list[Held]:
    """The first step of the run that carries out a request."""
    return database.repeatable_read(engine, lambda conn: take_on(conn, run_id, request, seconds))


def held_by_a_run(engine: sa.Engine, run_id: str = "run-1", seconds: float = 1000) -> list[Held]:
    """Claim what is due and take it: the first step of the runs that come of a tick."""
    return [one for request in tick(engine, seconds) for one in take(engine, run_id, request)]


def take_on(
    conn: sa.Connection, run_id: str, request: Request, seconds: float = 1000
) -> list[Held]:
    """The same on a connection."""
    single = (request.refresh_id, request.attempt) if request.refresh_id else None
    held = refreshes.take(conn, run_id, at(seconds), refresh=single, batch_id=request.batch_id)
    write_staff(conn, [one.company_id for one in held])
    return held


def take_by_hand(
    engine: sa.Engine, run_id: str, companies: Iterable[str], now: datetime | None = None
) -> list[Held]:
    """The first step of a run that somebody started in the UI."""
    wanted = list(companies)

    def work(conn: sa.Connection) -> list[Held]:
        held = refreshes.take(conn, run_id, now or at(1000), companies=wanted)
        write_staff(conn, [one.company_id for one in held])
        return held

    return database.repeatable_read(engine, work)


def write_staff(conn: sa.Connection, companies: list[str]) -> None:
    """Everybody of these companies, as staff whose titles say nothing."""
    judged: dict[str, list[StaffMember]] = {}
    staff.count_people(conn, companies)
    for one in staff.read_people(conn, companies):
        judged.setdefault(one.company_id, []).append(
            StaffMember(
                one.person_id, one.title, one.department, one.location, one.manager_id,
                TitleVerdict(None, None, 0.5, ("no-evidence",)), one.has_email, one.start_date,
            )
        )  # fmt: skip
    staff.write_staff(conn, companies, judged)


def complete(
    engine: sa.Engine, run_id: str, held: Iterable[Held], interval: float = HOUR
) -> set[str]:
    """The last step: everybody on the staff is a stakeholder; returns the companies completed."""
    mine = list(held)
    return database.in_transaction(engine, lambda conn: complete_on(conn, run_id, mine, interval))


def complete_on(
    conn: sa.Connection, run_id: str, held: list[Held], interval: float = HOUR
) -> set[str]:
    """The same on a connection."""
    companies = [one.company_id for one in held]
    known = staff.read_companies(conn, companies)
    staff.count_people(conn, companies, "company_people")
    people = staff.read_staff(conn, companies)
    before = groups.read_groups(conn, companies)
    outcomes = [
        outcome(
            one,
            [person.person_id for person in people.get(one.company_id, [])],
            before.get(one.company_id, {}),
            gone=None if one.company_id in known else "no longer tracked",
        )
        for one in held
    ]
    done = groups.complete(conn, run_id, outcomes, interval)
    return {one.company_id for one in held if one.refresh_id in done}


def finish(
    engine: sa.Engine,
    outcomes: list[tuple[Held, Outcome]],
    run_id: str = "run-1",
    interval: float = 3600,
) -> set[str]:
    """Complete with these outcomes, whatever they say; returns the refreshes completed."""
    with engine.begin() as conn:
        return groups.complete(conn, run_id, outcomes, interval)


def release(
    engine: sa.Engine,
    held: Iterable[Held],
    seconds: float = 1000,
    most: int = MAX_ATTEMPTS,
    *,
    outage: bool = False,
) -> tuple[list[str], list[str]]:
    """Let go what a run held, as repair does."""
    pairs = [(one.refresh_id, one.attempt) for one in held]
    with engine.begin() as conn:
        return refreshes.release(conn, pairs, "the run is gone", at(seconds), most, outage=outage)


def outcome(
    held: Held,
    members: Iterable[str],
    before: Mapping[str, StoredGroup] | None = None,
    *,
    gone: str | None = None,
) -> tuple[Held, Outcome]:
    """The outcome of a refresh whose members are these; one gap where there are none."""
    now = () if gone else tuple(members)
    stood = set((before or {}).get(PRODUCT, StoredGroup({}, ())).members)
    events = [Event("joined", one, None, {"role": "stakeholder"}, "new") for one in now]
    news = [event for event in events if event.person_id not in stood]
    news += [
        Event("left", one, {"role": "stakeholder"}, None, "gone")
        for one in sorted(stood - set(now))
    ]
    found = () if gone else (group(now),)
    return held, Outcome(found, tuple((PRODUCT, event) for event in news), gone)


def group(members: tuple[str, ...]) -> BuyerGroup:
    """A group of stakeholders."""
    return BuyerGroup(
        product=PRODUCT,
        template_hash="template-1",
        members=tuple(
            Member(one, "stakeholder", 0.5, 0.25, False, ("on the staff",)) for one in members
        ),
        gaps=() if members else (Gap("decision_maker", "finance", "nobody is known"),),
        completeness=1.0 if members else 0.0,
        confidence=0.5 if members else None,
        cohesion=None,
        cohesion_reason="too few people",
        coverage=0.0,
    )


def statuses(engine: sa.Engine) -> list[str]:
    return [row["status"] for row in rows(engine, LOG)]


def pending(engine: sa.Engine) -> int:
    return int(value(engine, "select count(*) from bg.changes where refresh_id is null"))


def unhandled(engine: sa.Engine) -> int:
    return int(value(engine, "select count(*) from bg.changes where handled_at is null"))
