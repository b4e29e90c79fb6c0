"""Writing what providers saw of one company: people, the company, and what came of each question.

One transaction; the triggers make the changes, by which the company is refreshed like after any
other writer.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.enrichment import observing
from bg_assets.domain.enrichment.asking import CompanyAsked, FoundCompany, FoundPerson, Kind
from bg_assets.domain.enrichment.observing import CompanyRow, Row, Told
from bg_assets.storage import claims, erased, locks, refreshes
from bg_assets.storage.capture import attached
from bg_assets.storage.enrichment import people
from bg_assets.storage.enrichment.people import Place
from bg_assets.storage.locks import Lock
from bg_assets.tracing import spans

# Who waits longer for somebody else's rows lets them be: what was answered is kept.
_TELL = sa.text("""
    select set_config('lock_timeout', '2s', true), set_config('bg.observed', 'told', true)
""")
_SOURCE = sa.text("""
    select set_config('bg.source', :source, true), set_config('bg.trace_id', :trace, true)
""")
# Served by primary keys, as is all that names ids.
# Whose the addresses are in the workspace of the company. Served by people_by_email; as a join it
# became a look at all companies.
_OWNERS = sa.text("""
    select lower(p.email) as email, p.id, p.company_id
    from bg.canonical_people as p
    where lower(p.email) = any(:emails) and p.deleted_at is null and :workspace = (
        select c.workspace from bg.canonical_companies as c where c.id = p.company_id)
    order by p.id
""")
# Served by people_by_company.
_NAMES = sa.text("""
    select name from bg.canonical_people
    where company_id = :company_id and name is not null and deleted_at is null
""")
# Served by the unique key of the identities.
_RECOGNISED = sa.text("""
    select external_id, our_id from bg.webhook_identities
    where source = :source and kind = 'person' and external_id = any(:keys)
""")
_RECOGNISE = sa.text("""
    insert into bg.webhook_identities (kind, source, external_id, our_id)
    values ('person', :source, :key, :our_id)
    on conflict (source, kind, external_id) do update set our_id = excluded.our_id
""")
_LOCK_COMPANY = sa.text("""
    select workspace from bg.companies where id = :company_id and deleted_at is null for update
""")
# Nothing is written of a company that is somebody else's.
_COMPANY_OF_THEIRS = sa.text("""
    select workspace from bg.canonical_companies where id = :company_id and deleted_at is null
""")
_COMPANY = sa.text("""
    select c.id, c.name, c.domain, c.website, c.industry, c.employee_min, c.employee_max,
        c.country, b.updated_at
    from bg.canonical_companies as c join bg.companies as b on b.id = c.id
    where c.id = :company_id
""")
# Served by companies_by_domain.
_DOMAIN_TAKEN = sa.text("""
    select exists (
        select from bg.canonical_companies
        where lower(domain) = lower(:domain) and workspace = :workspace and id <> :company_id)
""")
_SETTLED = sa.text("""
    insert into bg.enrichments as e (company_id, kind, person_id, provider, outcome, expires_at)
    values (:company_id, :kind, :person_id, :provider, :outcome,
        clock_timestamp() + make_interval(secs => :lasts))
    on conflict (company_id, kind, person_id, provider) do update set
        outcome = excluded.outcome, asked_at = clock_timestamp(), expires_at = excluded.expires_at
""")
_COMPANY_COLUMNS = ("domain", "website", "industry", "country", "employee_min", "employee_max")
# Below everything that happens to people: somebody who was doubted is where they were.
_CONFIRMED = -5


@dataclass(frozen=True, slots=True)
class Settled:
    """A question that was answered: what came of it, and what is to be written.

    outcome: found, not_found, another or refused. person, company and others hold only what is
    known to be what was asked for. doubted: whether it was in doubt that the person is there.
    lasts: seconds until it may be asked again.
    """

    kind: Kind
    provider: str
    outcome: str
    lasts: float
    person_id: str = ""
    person: FoundPerson | None = None
    company: FoundCompany | None = None
    others: tuple[FoundPerson, ...] = ()
    doubted: bool = False


@dataclass(slots=True)
class Written:
    """What was written: columns by person id, ids of new people, columns of the company.

    refused, kept: what was not written of whom (empty for the company), a reason each, no values.
    """

    people: dict[str, tuple[str, ...]] = field(default_factory=dict)
    confirmed: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    company: tuple[str, ...] = ()
    refused: list[tuple[str, str]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    """The transaction of one company, and all that its steps know."""

    conn: sa.Connection
    company: CompanyAsked
    workspace: str
    now: datetime
    rows: dict[str, Row]
    owners: dict[str, list[tuple[str, str]]]
    written: Written
    place: Place
    companies_refused: str | None
    told: bool = False

    def taken(self, person_id: str) -> set[str]:
        """The e-mails that belong to others than this person."""
        return {
            email for email, who in self.owners.items() if any(one != person_id for one, _ in who)
        }


def write(conn: sa.Connection, company: CompanyAsked, answers: Sequence[Settled]) -> Written | None:
    """Write what these answers tell and note that they were given; None for a company that is gone.

    Never over what was seen later, never nothing over something, never of a person who went
    elsewhere meanwhile. Raises LockNotAvailable where somebody else writes the same for long.
    """
    conn.execute(_TELL)
    locks.take_enrichment(conn, company.id)
    if any(answer.others for answer in answers):
        # An import that looks for whom its rows mean could make the same new person.
        locks.share(conn, Lock.IMPORT)
    refused = attached.refusal(conn, "companies")
    tracked = _COMPANY_OF_THEIRS if refused else _LOCK_COMPANY
    workspace = conn.execute(tracked, {"company_id": company.id}).scalar()
    if workspace is None:
        return None
    work = _begin(conn, company, workspace, answers, refused)
    for answer in answers:
        conn.execute(_SOURCE, {"source": source(answer.provider), "trace": spans.here() or ""})
        if answer.person is not None:
            _person(work, answer)
        if answer.company is not None:
            _company(work, answer.company)
        if answer.others:
            _others(work, answer)
        _settle(conn, company.id, answer)
    return work.written


def source(provider: str) -> str:
    """By what name a provider is known as a writer."""
    return f"provider:{provider}"


def _begin(
    conn: sa.Connection,
    company: CompanyAsked,
    workspace: str,
    answers: Sequence[Settled],
    refused: str | None,
) -> _Work:
    """Lock everybody who may be written, and read them as they are now."""
    found = [one for answer in answers for one in (answer.person, *answer.others) if one]
    emails = sorted({email for one in found if (email := observing.address(one)) is not None})
    owners: dict[str, list[tuple[str, str]]] = {}
    for row in conn.execute(_OWNERS, {"emails": emails, "workspace": workspace}):
        owners.setdefault(row.email, []).append((row.id, row.company_id))
    ids = {answer.person_id for answer in answers if answer.person_id}
    ids |= {person_id for who in owners.values() for person_id, _ in who}
    for answer in answers:
        ids |= set(_recognised(conn, answer).values())
        ids |= set(_keys(answer))
    place, known = people.locked(conn, ids)
    now = claims.database_now(conn)
    return _Work(conn, company, workspace, now, known, owners, Written(), place, refused)


def _person(work: _Work, answer: Settled) -> None:
    assert answer.person is not None
    row = work.rows.get(answer.person_id)
    if row is None:
        work.written.refused.append((answer.person_id, "deleted since it was planned"))
        return
    told = _observe(work, row, answer.person)
    # Without a change that is captured nobody would see that the group is surer now.
    if told.seen is not None and answer.doubted and not told.changes and not work.told:
        work.told = True
        refreshes.request_by_hand(
            work.conn, [work.company.id], writer=source(answer.provider), priority=_CONFIRMED
        )


def _observe(work: _Work, row: Row, found: FoundPerson) -> Told:
    """Write what an observation changes of a row."""
    told = observing.of_person(row, found, work.company, work.now, work.taken(row.id))
    if told.refused is not None:
        work.written.refused.append((row.id, told.refused))
        return told
    work.written.kept += [(row.id, why) for why in told.kept]
    if told.changes or told.seen is not None:
        after = replace(row, **told.changes, observed_at=told.seen or row.observed_at)
        people.change(work.conn, work.place, after)
        work.rows[row.id] = after
        if after.email is not None:
            _own(work, after.email, row.id)
    if told.changes:
        before = work.written.people.get(row.id, ())
        work.written.people[row.id] = tuple(dict.fromkeys((*before, *told.changes)))
    elif told.seen is not None:
        work.written.confirmed.append(row.id)
    return told


def _others(work: _Work, answer: Settled) -> None:
    """People who were found without being asked for: known ones are observed, others made."""
    known = _recognised(work.conn, answer)
    names = set(work.conn.execute(_NAMES, {"company_id": work.company.id}).scalars())
    for found in answer.others:
        row = _whom(work, found, known)
        if row is not None and not observing.may_mean(row, found):
            work.written.refused.append((row.id, "the name is another"))
            continue
        if row is not None:
            _observe(work, row, found)
            _recognise(work.conn, answer.provider, found, row.id)
            continue
        values = observing.newcomer(found, work.now, work.owners, names)
        if isinstance(values, str):
            work.written.refused.append(("", f"not taken in: {values}"))
            continue
        if erased.was_erased(work.conn, work.company.id, values["name"], values.get("email")):
            work.written.refused.append(("", "not taken in: was erased here"))
            continue
        made = Row(f"person-{uuid.uuid4().hex}", work.company.id, **values)
        made = people.create(work.conn, work.place, made)
        _recognise(work.conn, answer.provider, found, made.id)
        work.rows[made.id] = made
        work.written.created.append(made.id)
        names.add(made.name or "")
        if made.email is not None:
            _own(work, made.email, made.id)


def _whom(work: _Work, found: FoundPerson, known: dict[str, str]) -> Row | None:
    """Who of ours is meant: by the provider's id seen before, ours in a file of ours, or an e-mail
    of theirs alone."""
    key = observing.key(found) or ""
    ours = work.rows.get(known.get(key, ""))
    if ours is not None:
        return ours
    ours = work.rows.get(key)
    if ours is not None and ours.company_id == work.company.id:
        return ours
    owners = work.owners.get(observing.address(found) or "", [])
    if len(owners) == 1 and owners[0][1] == work.company.id:
        return work.rows.get(owners[0][0])
    return None


def _own(work: _Work, email: str, person_id: str) -> None:
    owners = work.owners.setdefault(email.lower(), [])
    if all(one != person_id for one, _ in owners):
        owners.append((person_id, work.company.id))


def _keys(answer: Settled) -> list[str]:
    return [key for one in answer.others if (key := observing.key(one)) is not None]


def _recognised(conn: sa.Connection, answer: Settled) -> dict[str, str]:
    keys = _keys(answer)
    if not keys:
        return {}
    rows = conn.execute(_RECOGNISED, {"source": source(answer.provider), "keys": keys})
    return {row.external_id: row.our_id for row in rows}


def _recognise(conn: sa.Connection, provider: str, found: FoundPerson, ours: str) -> None:
    key = observing.key(found)
    if key is not None:
        conn.execute(_RECOGNISE, {"source": source(provider), "key": key, "our_id": ours})


def _company(work: _Work, found: FoundCompany) -> None:
    conn, company_id = work.conn, work.company.id
    if work.companies_refused is not None:
        work.written.kept.append(("", work.companies_refused))
        return
    row = CompanyRow(**conn.execute(_COMPANY, {"company_id": company_id}).mappings().one())
    domain = observing.domain(found)
    other = {"domain": domain, "workspace": work.workspace, "company_id": company_id}
    taken = domain is not None and bool(conn.execute(_DOMAIN_TAKEN, other).scalar())
    told = observing.of_company(row, found, work.now, domain_taken=taken)
    work.written.kept += [("", why) for why in told.kept]
    if not told.changes:
        return
    columns = [name for name in _COMPANY_COLUMNS if name in told.changes]
    listed = ", ".join(f"{name} = :{name}" for name in columns)
    statement = sa.text(f"update bg.companies set {listed} where id = :company_id")
    conn.execute(statement, {**told.changes, "company_id": company_id})
    work.written.company = tuple(dict.fromkeys((*work.written.company, *columns)))


def _settle(conn: sa.Connection, company_id: str, answer: Settled) -> None:
    conn.execute(
        _SETTLED,
        {
            "company_id": company_id, "kind": answer.kind.value, "person_id": answer.person_id,
            "provider": answer.provider, "outcome": answer.outcome, "lasts": answer.lasts,
        },
    )  # fmt: skip
