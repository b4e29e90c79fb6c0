"""Reads what events may be about: identities, people and companies, all of a round at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.webhooks.events import OF_COMPANIES, PARTS, Event, Party
from bg_assets.domain.webhooks.known import (
    COMPANY_COLUMNS,
    CROWD,
    PERSON_COLUMNS,
    Company,
    Known,
    Person,
    Source,
)
from bg_assets.domain.webhooks.seen import Seen, later
from bg_assets.storage.attach import through
from bg_assets.storage.capture import observed
from bg_assets.storage.recognition import lookups

_SOURCES = sa.text("""
    select id, workspace, may_create, not exists (
            select from bg.webhook_sources as o
            where o.id <> s.id and o.revoked_at is null) as alone
    from bg.webhook_sources as s where id = any(:ids)
""")
_IDENTITIES = sa.text(f"""
    select w.kind, w.source, w.external_id, i.our_id, i.merged_at
    from unnest(cast(:kinds as text[]), cast(:sources as text[]), cast(:ids as text[]))
        as w(kind, source, external_id)
    cross join lateral ({lookups.BY_IDENTITY}) as i
""")
_BY_EMAIL, _BY_DOMAIN = (
    sa.text(f"""
        select w.workspace, w.value, f.id
        from unnest(cast(:workspaces as text[]), cast(:values as text[])) as w(workspace, value)
        cross join lateral ({those}) as f
    """)
    for those in (lookups.BY_EMAIL, lookups.BY_DOMAIN)
)
# Locked in order of id, like all that writes many people; whom somebody else writes just now is
# not waited for. Served by the primary key, as is what follows.
_LOCK_PEOPLE = {
    table: sa.text(
        f"select id from {table} where id = any(:ids) order by id for update skip locked"
    )
    for table in observed.TABLES
}
# In a statement of its own, so that it sees what stood there when the lock was had.
_PEOPLE = sa.text(f"""
    select id, {", ".join(PERSON_COLUMNS)}, deleted_at is not null as deleted
    from bg.canonical_people where id = any(:ids)
""")
# Served by the primary key, as is what follows.
_SEEN = sa.text("""
    select person_id, observed_at, whole_at, told from bg.webhook_seen
    where person_id = any(:ids)
""")
_COMPANIES = sa.text(f"""
    select id, {", ".join(name for name in COMPANY_COLUMNS if name != "observed_at")},
        deleted_at is not null as deleted
    from bg.canonical_companies where id = any(:ids)
""")
# Only of those that events are about: who works there is no matter of theirs.
_LOCK_COMPANIES = sa.text("""
    select id from bg.companies where id = any(:ids) order by id for update skip locked
""")
_OBSERVED = sa.text("select id, observed_at from bg.companies where id = any(:ids)")
_HEARD = sa.text("""
    select company_id, observed_at, whole_at, told from bg.webhook_heard
    where company_id = any(:ids)
""")


def read(conn: sa.Connection, told: Sequence[tuple[str, Event]]) -> Known:
    """What is known of all whom these events of their sources may mean, people locked.

    A fixed number of statements. Whom another transaction holds is in ``locked`` of the result.
    """
    conn.execute(lookups.PROBE)
    names = sorted({source for source, _ in told})
    sources = {
        row.id: Source(row.workspace, row.may_create, row.alone)
        for row in conn.execute(_SOURCES, {"ids": names})
    }
    identities, merged = _identities(conn, told)
    emails, domains = _wanted(told, sources, identities)
    by_email = _places(conn, _BY_EMAIL, emails)
    by_domain = _places(conn, _BY_DOMAIN, domains)

    ids = {one for _, event in told for party in _people(event) for one in party.ids}
    ids.update(ours for (kind, _, _), ours in identities.items() if kind == "person")
    ids.update(*by_email.values())
    parameters = {"ids": sorted(ids)}
    table = observed.table(conn)
    beside = table == observed.BESIDE
    held = through.lock(conn, ids) if beside else set()
    free = set(conn.execute(_LOCK_PEOPLE[table], parameters).scalars())
    copied = observed.copied(conn, ids) if beside else set()
    people = {row["id"]: Person(**row) for row in conn.execute(_PEOPLE, parameters).mappings()}

    theirs = frozenset(observed.theirs(conn, ids)) if beside else frozenset()
    if beside:
        people = _as_written(conn, people, copied)
    in_parts = any(event.type in PARTS or event.type == "person.left" for _, event in told)
    seen = _seen(conn, people) if in_parts else {}
    employers = {person.company_id for person in people.values() if person.company_id}
    companies, busy, heard = _of_companies(conn, told, identities, by_domain, employers)
    conn.execute(lookups.PROBED)
    return Known(
        sources=sources,
        identities=identities,
        merged=merged,
        companies=companies,
        people=people,
        by_domain=by_domain,
        by_email=by_email,
        locked=frozenset(held | ((copied if beside else people.keys()) - free)),
        busy=busy,
        seen=seen,
        heard=heard,
        theirs=theirs,
        copied=copied,
    )


def _as_written(
    conn: sa.Connection, people: dict[str, Person], copied: set[str]
) -> dict[str, Person]:
    """The same people; of those whom only their table tells of, with when it was written."""
    plain = {one.id: one.company_id for one in people.values() if one.id not in copied}
    at = observed.written_at(conn, plain)
    return {
        one.id: replace(one, observed_at=later(at[one.id], one.observed_at))
        if one.id in at
        else one
        for one in people.values()
    }


def _of_companies(
    conn: sa.Connection,
    told: Sequence[tuple[str, Event]],
    identities: dict[tuple[str, str, str], str],
    by_domain: dict[tuple[str, str], tuple[str, ...]],
    employers: set[str],
) -> tuple[dict[str, Company], frozenset[str], dict[str, Seen]]:
    """The companies, those that events are about locked; which of these somebody else is writing;
    and when each of their values was told.
    """
    ids, about = employers | set().union(*by_domain.values()), set().union(*by_domain.values())
    for source, event in told:
        named = {one for party in _companies(event) for one in party.ids}
        named |= {identities.get(("company", source, one), one) for one in named}
        ids |= named
        if event.type in OF_COMPANIES:
            about |= named
    of_companies = any(event.type in OF_COMPANIES for _, event in told)
    locked = {"ids": sorted(about)}
    free = set(conn.execute(_LOCK_COMPANIES, locked).scalars()) if of_companies else set[str]()
    found = conn.execute(_COMPANIES, {"ids": sorted(ids)}).mappings()
    companies = {row["id"]: Company(**row) for row in found}
    if not of_companies:
        return companies, frozenset(), {}
    for row in conn.execute(_OBSERVED, locked):
        if row.id in companies:
            companies[row.id] = replace(companies[row.id], observed_at=row.observed_at)
    return companies, frozenset((about & companies.keys()) - free), _heard(conn, companies)


def _people(event: Event) -> Iterator[Party]:
    """Whom an event names: of two who are one, both."""
    if event.person is not None:
        yield event.person
    if event.into is not None and event.person is not None:
        yield Party(event.into)


def _companies(event: Event) -> Iterator[Party]:
    """Which companies an event names: of two that are one, both."""
    yield event.company
    if event.into is not None and event.person is None:
        yield Party(event.into)


def _heard(conn: sa.Connection, companies: dict[str, Company]) -> dict[str, Seen]:
    """When each value was told, of those that nobody else has written since."""
    return {
        row.company_id: Seen(
            row.whole_at, {name: datetime.fromisoformat(at) for name, at in row.told.items()}
        )
        for row in conn.execute(_HEARD, {"ids": sorted(companies)})
        if companies[row.company_id].observed_at == row.observed_at
    }


def _seen(conn: sa.Connection, people: dict[str, Person]) -> dict[str, Seen]:
    """When each value was told, of those whom nobody else has written since."""
    return {
        row.person_id: Seen(
            row.whole_at, {name: datetime.fromisoformat(at) for name, at in row.told.items()}
        )
        for row in conn.execute(_SEEN, {"ids": sorted(people)})
        if people[row.person_id].observed_at == row.observed_at
    }


def _identities(
    conn: sa.Connection, told: Iterable[tuple[str, Event]]
) -> tuple[dict[tuple[str, str, str], str], dict[tuple[str, str, str], datetime]]:
    """Whom the sources' ids mean, and since when some are those of what is one with another."""
    wanted: dict[tuple[str, str, str], None] = {}
    for source, event in told:
        named = [("person", party) for party in _people(event)]
        named += [("company", party) for party in _companies(event)]
        for kind, party in named:
            for one in party.ids:
                wanted[kind, source, one] = None
    kinds, sources, ids = ([one[place] for one in wanted] for place in range(3))
    rows = conn.execute(_IDENTITIES, {"kinds": kinds, "sources": sources, "ids": ids})
    found = {(row.kind, row.source, row.external_id): row for row in rows}
    merged = {one: row.merged_at for one, row in found.items() if row.merged_at is not None}
    return {one: row.our_id for one, row in found.items()}, merged


def _wanted(
    told: Iterable[tuple[str, Event]],
    sources: dict[str, Source],
    identities: dict[tuple[str, str, str], str],
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """E-mails and domains to look for, with the workspace: of those not recognised by their id."""
    emails: dict[tuple[str, str], None] = {}
    domains: dict[tuple[str, str], None] = {}
    for source, event in told:
        if source not in sources:
            continue
        workspace = sources[source].workspace
        person, company = event.person, event.company
        if person is not None and ("person", source, person.id or "") not in identities:
            given = [email for email in (person.email, event.old_email) if email is not None]
            emails.update(dict.fromkeys((workspace, email.lower()) for email in given))
        if ("company", source, company.id or "") not in identities:
            told_domain = event.values.get("domain") if event.type in OF_COMPANIES else None
            given = [one for one in (company.domain, told_domain) if one is not None]
            domains.update(dict.fromkeys((workspace, domain.lower()) for domain in given))
    return list(emails), list(domains)


def _places(
    conn: sa.Connection, statement: sa.TextClause, places: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, ...]]:
    if not places:
        return {}
    workspaces, values = ([place[part] for place in places] for part in range(2))
    parameters = {"workspaces": workspaces, "values": values, "most": CROWD}
    ids: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in conn.execute(statement, parameters):
        place = (row.workspace, row.value)
        ids[place] = (*ids.get(place, ()), row.id)
    return ids
