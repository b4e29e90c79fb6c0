"""Pending events of the webhook door become people and companies as they are from now on.

The triggers on people make the changes, so there is one way by which a change comes to be.
"""

import json
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import psycopg2.errorcodes
import sqlalchemy as sa

from bg_assets import encryption
from bg_assets.domain.values.columns import PEOPLE
from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks.applying import Pending, Verdict, fold
from bg_assets.domain.webhooks.events import OF_COMPANIES, Event, read_body
from bg_assets.domain.webhooks.known import PERSON_COLUMNS, Identity, Known, rename
from bg_assets.storage import claims, database, errors, locks, priorities, refreshes, writes
from bg_assets.storage.attach import through
from bg_assets.storage.capture import attached, observed
from bg_assets.storage.locks import Lock
from bg_assets.storage.webhooks import events as webhook_events
from bg_assets.storage.webhooks import forgetting, profiles, traces
from bg_assets.storage.webhooks import known as webhook_known

# The receiver has judged the times of events by its clock, which may be ahead of ours.
_ANY_TIME = datetime(9000, 1, 1, tzinfo=UTC)
# Bodies are large and events are small: so many bodies are held at a time.
_BODIES_AT_ONCE = 50

# In all; after that the rest of the events waits for the next round.
_BUSY_SECONDS = 10.0

# Whoever else holds what we would write ends in time for our next round.
_BUSY = {
    psycopg2.errorcodes.UNIQUE_VIOLATION,
    psycopg2.errorcodes.LOCK_NOT_AVAILABLE,
    psycopg2.errorcodes.DEADLOCK_DETECTED,
    psycopg2.errorcodes.SERIALIZATION_FAILURE,
}
# Classes of errors that no event is to blame for: connections, transactions, rights, wrong
# statements, resources, the server itself.
_NOT_OF_ROWS = {"08", "25", "28", "3F", "42", "53", "55", "57", "58", "XX"}


@dataclass(frozen=True, slots=True)
class Became:
    """What became of one event, by its source's id; and our company, where it is about one."""

    source: str
    event_id: str
    status: str
    company_id: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """How many events became what, of those that one round looked at; the rest stays pending.

    ``traces`` are the traceparents of those whose coming in was traced, ``became`` tells of each
    event that is settled.
    """

    applied: int = 0
    ignored: int = 0
    dead: int = 0
    looked_at: int = 0
    traces: tuple[str, ...] = ()
    became: tuple[Became, ...] = field(default=(), compare=False)


# Served by webhook_events_pending, as is what follows.
_ANY = sa.text("""
    select occurred_at from bg.webhook_events where status = 'pending'
    order by occurred_at, id limit 1
""")
# Waiting for a lock of somebody else ends before PostgreSQL
# looks for a deadlock, so that it is never the other who loses. That we tell ourselves when
# somebody was observed is told to the trigger on people, which else would note the time of writing.
_TELL = sa.text("""
    select set_config('lock_timeout', '500ms', true), set_config('bg.source', 'webhook', true),
        set_config('bg.observed', 'told', true)
""")
# Who has held something for half a second will hold it a moment longer: halving asks often.
_IMPATIENT = sa.text("select set_config('lock_timeout', '50ms', true)")
_PENDING = sa.text("""
    select id, source, event_id, least(occurred_at, received_at) as at, payload, trace_id
    from bg.webhook_events
    where status = 'pending' order by occurred_at, id limit :limit
""")
_TRACE = sa.text("select set_config('bg.trace_id', :trace, true)")

# All that is known of a person is written anew.
_COLUMNS = {one.name: one.type for one in PEOPLE if one.name in PERSON_COLUMNS}
_ROWS = "jsonb_to_recordset(cast(:rows as jsonb)) as r(id text, deleted boolean, {})".format(
    ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
)
_CREATE_PEOPLE = {
    table: sa.text(f"""
        insert into {table} (id, {", ".join(_COLUMNS)})
        select id, {", ".join(_COLUMNS)} from {_ROWS} order by id
    """)
    for table in observed.TABLES
}
# Served by the primary key; the rows are locked already.
_CHANGE_PEOPLE = {
    table: sa.text(f"""
        update {table} as p set {", ".join(f"{name} = r.{name}" for name in _COLUMNS)},
            deleted_at = case when r.deleted then coalesce(p.deleted_at, now()) end
        from {_ROWS} where p.id = r.id
    """)
    for table in observed.TABLES
}
_TELL_SEEN = sa.text("""
    insert into bg.webhook_seen (person_id, observed_at, whole_at, told)
    select person_id, observed_at, whole_at, told
    from jsonb_to_recordset(cast(:rows as jsonb))
        as r(person_id text, observed_at timestamptz, whole_at timestamptz, told jsonb)
    order by person_id
    on conflict (person_id) do update set observed_at = excluded.observed_at,
        whole_at = excluded.whole_at, told = excluded.told
""")
_RECOGNISE = sa.text("""
    insert into bg.webhook_identities (kind, source, external_id, our_id, merged_at)
    select kind, source, external_id, our_id, merged_at
    from jsonb_to_recordset(cast(:rows as jsonb))
        as r(kind text, source text, external_id text, our_id text, merged_at timestamptz)
    on conflict (source, kind, external_id) do update
        set our_id = excluded.our_id, merged_at = excluded.merged_at
""")
# Served by the primary key.
_DONE = sa.text("""
    update bg.webhook_events as e
    set status = r.status, status_reason = r.reason, applied_at = clock_timestamp()
    from jsonb_to_recordset(cast(:rows as jsonb)) as r(id bigint, status text, reason text)
    where e.id = r.id and e.status = 'pending'
""")
# What a trigger of the user's own puts off to the commit is to fail here and not there.
_NOW = sa.text("set constraints all immediate")


def anything_pending(conn: sa.Connection) -> bool:
    """Whether an event waits."""
    return conn.execute(_ANY).first() is not None


def apply_pending(
    engine: sa.Engine, decrypt: Callable[[bytes], bytes], limit: int = 5000
) -> Applied:
    """Apply the pending events, in the order in which they occurred, in one transaction.

    At most ``limit``, and none while another does the same or an attached table can't be read.
    After that each is applied, ignored or dead, the latter two with a reason that tells no value.
    Left pending are those about somebody whom another transaction writes just now. Raises
    DatabaseUnreachable, and KeysUnusable where ``decrypt`` has no keys at all: nothing is done.
    """
    with database.connect(engine) as conn:
        if not anything_pending(conn) or not locks.try_to_take(conn, Lock.WEBHOOK_EVENTS):
            return Applied()
        if attached.misfits(conn):
            # Who is meant can't be told while that can't be read; `status` says so.
            return Applied()
        began_at = claims.database_now(conn)
        conn.execute(_TELL)
        events, ids, of_each = _read(conn, decrypt, limit)
        # The trace of one event that was not traced is its id.
        trace = {**ids, **of_each}[events[0].id] if len(events) == 1 else ""
        conn.execute(_TRACE, {"trace": trace})
        last = None if trace or not of_each else traces.last_change(conn)
        refusals = attached.refusals(conn)
        events = _refused(refusals, events)
        known = webhook_known.read(conn, _told(events))
        known.closed = refusals.get("companies")
        verdicts = _settle(conn, known, events, time.monotonic() + _BUSY_SECONDS)[1]
        _note(conn, events, verdicts, began_at)
        if last is not None:
            traces.tell_apart(conn, last, verdicts, of_each)
    counts = dict.fromkeys(("applied", "ignored", "dead"), 0)
    for verdict in verdicts:
        counts[verdict.status] += 1
    sources = {event.id: event.source for event in events}
    became = tuple(
        Became(sources[one.id], ids[one.id], one.status, one.company_id) for one in verdicts
    )
    return Applied(**counts, looked_at=len(events), traces=tuple(of_each.values()), became=became)


def _read(
    conn: sa.Connection, decrypt: Callable[[bytes], bytes], limit: int
) -> tuple[list[Pending], dict[int, str], dict[int, str]]:
    """The events, read anew from their bodies; by number their sources' ids; and likewise the
    traces of those whose coming in was traced.
    """
    options = {"yield_per": _BODIES_AT_ONCE}
    events = []
    ids: dict[int, str] = {}
    of_each: dict[int, str] = {}
    for row in conn.execute(_PENDING, {"limit": limit}, execution_options=options):
        event: Event | Unfit
        try:
            body = webhook_events.unpacked(decrypt(bytes(row.payload)))
            event = read_body(body, _ANY_TIME)
        except encryption.CannotDecrypt:
            event = Unfit("can't be decrypted with the keys that are here", "payload")
        except zlib.error:
            event = Unfit("can't be unpacked", "payload")
        if isinstance(event, Event):
            event = replace(event, occurred_at=row.at)
        events.append(Pending(row.id, row.source, event))
        ids[row.id] = row.event_id
        if row.trace_id is not None:
            of_each[row.id] = row.trace_id
    return events, ids, of_each


def _refused(refusals: Mapping[str, str], events: Sequence[Pending]) -> list[Pending]:
    """The same events; what is about companies can't be applied while these are somebody else's,
    nor can two become one while their people are.
    """
    refused = refusals.get("companies") or refusals.get("people")
    if refused is None:
        return list(events)
    unfit = Unfit(f"can't be changed: {refused}; then `bg-assets requeue` applies it", "company")
    types = OF_COMPANIES if "companies" in refusals else {"company.merged"}
    return [
        replace(one, event=unfit)
        if isinstance(one.event, Event) and one.event.type in types
        else one
        for one in events
    ]


def _note(
    conn: sa.Connection, events: Sequence[Pending], verdicts: Sequence[Verdict], began_at: datetime
) -> None:
    """By which sources' events this transaction wrote, where any was applied."""
    applied = {verdict.id for verdict in verdicts if verdict.status == "applied"}
    by_source = Counter(event.source for event in events if event.id in applied)
    if by_source:
        writes.record(conn, priorities.WEBHOOK, sorted(by_source), by_source, began_at)


def _told(events: Iterable[Pending]) -> list[tuple[str, Event]]:
    return [(one.source, one.event) for one in events if isinstance(one.event, Event)]


def _settle(
    conn: sa.Connection, known: Known, events: Sequence[Pending], end: float
) -> tuple[Known, list[Verdict]]:
    """Fold and write, all at once; what the database refuses is halved until the bad one is alone.

    Returns what is known afterwards, and the verdicts that were written. What others hold is looked
    for until ``end``, by the monotonic clock.
    """
    after, verdicts = fold(known, events)
    try:
        with conn.begin_nested():
            _write(conn, after, verdicts, events)
    except sa.exc.DBAPIError as err:
        code = str(getattr(err.orig, "pgcode", None) or "08000")
        if code[:2] in _NOT_OF_ROWS and code not in _BUSY:
            raise
        if code in _BUSY:
            conn.execute(_IMPATIENT)
        if len(events) > 1 and (code not in _BUSY or time.monotonic() < end):
            half = len(events) // 2
            known, first = _settle(conn, known, events[:half], end)
            known, second = _settle(conn, known, events[half:], end)
            return known, first + second
        if code in _BUSY:
            return known, []
        verdicts = [
            Verdict(events[0].id, "dead", f"the database refused it: {_refusal(conn, err, code)}")
        ]
        _finish(conn, verdicts)
        return known, verdicts
    return after, verdicts


def _write(
    conn: sa.Connection, known: Known, verdicts: list[Verdict], events: Sequence[Pending]
) -> None:
    """Write what folding changed. The number of statements does not depend on how much it is, but
    for new people in an attached table, which gives them their ids.
    """
    companies = [profiles.row(known.companies[company_id]) for company_id in known.new_companies]
    _execute(conn, profiles.CREATE, companies)
    _write_people(conn, known, verdicts)
    _execute(conn, _RECOGNISE, [_identity(known, one) for one in known.new_identities])
    _execute(conn, _TELL_SEEN, [_seen(known, person_id) for person_id in known.changed_seen])
    profiles.write(conn, known)
    if known.refreshes:
        refreshes.request_by_hand(
            conn,
            list(known.refreshes),
            writer=priorities.WEBHOOK,
            priority=priorities.OF_WEBHOOK,
        )
    forgetting.forget(conn, known.removed, *_asked_to_forget(events, verdicts))
    conn.execute(_NOW)
    _finish(conn, verdicts)


def _write_people(conn: sa.Connection, known: Known, verdicts: list[Verdict]) -> None:
    """Into our own table; beside an attached one, or through to it where that may be written."""
    table = observed.table(conn)
    found = None
    if table == observed.BESIDE:
        plain = known.changed_people.keys() - known.copied
        observed.take(conn, plain, strict=True)
        known.copied |= plain
        found = through.read(conn)
    changed = [asdict(known.people[person_id]) for person_id in known.changed_people]
    if found is not None:
        in_theirs = [row for row in changed if row["id"] in known.theirs]
        changed = [row for row in changed if row["id"] not in known.theirs]
        through.change(conn, found, in_theirs)
        through.keep_beside(conn, found, in_theirs)
        new = [asdict(known.people[person_id]) for person_id in known.new_people]
        given = through.take_new(conn, found, new)
        for was, now in given.items():
            rename(known, was, now)
        known.theirs |= {*given.values()}
        known.copied |= {*given.values()}
        for place, one in enumerate(verdicts):
            if one.person_id in given:
                verdicts[place] = replace(one, person_id=given[one.person_id])
    new = [asdict(known.people[person_id]) for person_id in known.new_people]
    _execute(conn, _CREATE_PEOPLE[table], new)
    _execute(conn, _CHANGE_PEOPLE[table], changed)
    if table == observed.BESIDE:
        known.copied |= {*known.new_people}


def _execute(conn: sa.Connection, statement: sa.TextClause, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        conn.execute(statement, {"rows": json.dumps(rows, default=str)})


def _asked_to_forget(
    events: Sequence[Pending], verdicts: Sequence[Verdict]
) -> tuple[set[tuple[str, str]], list[int]]:
    """What sources call those whom they erased in these events, and the events' numbers."""
    applied = {verdict.id for verdict in verdicts if verdict.status == "applied"}
    asking = {
        one.id: (one.source, one.event.person.id)
        for one in events
        if one.id in applied
        and isinstance(one.event, Event)
        and one.event.type == "person.erased"
        and one.event.person is not None
        and one.event.person.id is not None
    }
    return set(asking.values()), list(asking)


def _identity(known: Known, identity: Identity) -> dict[str, object]:
    named = dict(zip(("kind", "source", "external_id"), identity, strict=True))
    return named | {"our_id": known.identities[identity], "merged_at": known.merged.get(identity)}


def _seen(known: Known, person_id: str) -> dict[str, object]:
    seen = known.seen[person_id]
    return {
        "person_id": person_id,
        "observed_at": known.people[person_id].observed_at,
        "whole_at": seen.whole,
        "told": {name: at.isoformat() for name, at in seen.told.items()},
    }


def _finish(conn: sa.Connection, verdicts: Sequence[Verdict]) -> None:
    rows = [{"id": one.id, "status": one.status, "reason": one.reason} for one in verdicts]
    if rows:
        conn.execute(_DONE, {"rows": json.dumps(rows)})


def _refusal(conn: sa.Connection, err: sa.exc.DBAPIError, code: str) -> str:
    """The name of the error and of the constraint: never the message, which may quote a value."""
    if code in (attached.REFUSED, attached.UNWRITTEN):
        return str(getattr(getattr(err.orig, "diag", None), "message_primary", ""))
    return errors.refusal(err, attached.table_of(conn, "people"))
