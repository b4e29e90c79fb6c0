"""When a company is refreshed next without news: judged as its group is written."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from bg_assets.domain.groups.churn import Known, churn
from bg_assets.domain.groups.group import StaffMember
from bg_assets.domain.groups.outcome import Outcome
from bg_assets.storage import next_refreshes
from bg_assets.storage.next_refreshes import NextRefresh, Past
from bg_assets.storage.refreshes import Held


def note(
    conn: sa.Connection,
    written: Sequence[tuple[Held, Outcome]],
    people: Mapping[str, Sequence[StaffMember]],
) -> None:
    """Set the next refresh of these companies, in the transaction that completes this one."""
    there = [(held, outcome) for held, outcome in written if not outcome.gone]
    gone = [held.company_id for held, outcome in written if outcome.gone]
    past: dict[str, Past] = {}
    if there:
        companies = [held.company_id for held, _ in there]
        past = next_refreshes.read_past(conn, companies, max(held.as_of for held, _ in there))
    judged = {}
    for held, outcome in there:
        company = held.company_id
        before = past.get(company, Past(0, {}))
        members = {one.person_id for group in outcome.groups for one in group.members}
        known = [
            Known(person.start_date, before.joined.get(person.person_id), person.seen)
            for person in people.get(company, ())
            if person.person_id in members
        ]
        judged[company] = churn(known, before.left, held.as_of)
    next_refreshes.write(conn, judged, gone)


def in_words(found: NextRefresh | None) -> str | None:
    """The next refresh without news, for a partition's metadata."""
    return None if found is None else f"{found.at:%Y-%m-%d %H:%M} UTC, {found.because}"
