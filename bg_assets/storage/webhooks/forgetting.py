"""People who are gone for good because a source said so: erased, or one with somebody else.

What providers answered, files, backups and the ids and titles in the history of groups are not
looked through here.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from bg_assets.storage import audit
from bg_assets.storage import erased as erasures
from bg_assets.storage.capture import observed

# Served by the primary key.
_DELETE = {table: sa.text(f"delete from {table} where id = any(:ids)") for table in observed.TABLES}
_UNSEEN = sa.text("delete from bg.webhook_seen where person_id = any(:ids)")
# Served by webhook_identities_by_ours.
_BECOME = sa.text("""
    update bg.webhook_identities as i set our_id = m.survivor
    from unnest(cast(:losers as text[]), cast(:survivors as text[])) as m(loser, survivor)
    where i.kind = 'person' and i.our_id = m.loser
""")
# Of their colleagues: served by the primary key and people_by_company.
_MANAGERS = {
    table: sa.text(f"""
        update {table} as p set manager_id = m.survivor
        from unnest(cast(:losers as text[]), cast(:survivors as text[])) as m(loser, survivor)
        cross join lateral (select company_id from {table} as l where l.id = m.loser) as l
        where p.company_id = l.company_id and p.manager_id = m.loser
    """)
    for table in observed.TABLES
}
# By these names events called them. Served by webhook_identities_by_ours.
_CALLED = sa.text("""
    select source, external_id from bg.webhook_identities
    where kind = 'person' and our_id = any(:ids)
""")
# A look through all events, 0.3 s a million, and one through all changes: it happens rarely, and an
# index would be paid for by every event and every change. The event that asks for it tells nothing
# but an id.
_EVENTS = sa.text("""
    delete from bg.webhook_events as e
    using unnest(cast(:sources as text[]), cast(:called as text[])) as w(source, person_ref)
    where e.source = w.source and e.person_ref = w.person_ref and not e.id = any(:asking)
""")
_CHANGES = sa.text("""
    update bg.changes set old = old - :names, new = new - :names
    where person_id = any(:ids) and (old ?| :names or new ?| :names)
""").bindparams(sa.bindparam("names", type_=sa.ARRAY(sa.Text)))
_PERSONAL = ["name", "email", "location"]


def forget(
    conn: sa.Connection,
    removed: Mapping[str, str | None],
    told: Collection[tuple[str, str]],
    asking: Collection[int],
) -> None:
    """Delete the removed people, by id; who turned out to be somebody else is called so.

    Of the erased nothing is kept that events told, in the events and in changes, but digests by
    which no list brings them back. ``told``: what sources called those whom they erased.
    ``asking``: the numbers of the events that say so, which stay. Whom they are is in the audit log
    by our ids.
    """
    if not (removed or told):
        return
    table = observed.table(conn)
    merged = {loser: survivor for loser, survivor in removed.items() if survivor is not None}
    erased = sorted(removed.keys() - merged.keys())
    if merged:
        values = {"losers": list(merged), "survivors": list(merged.values())}
        conn.execute(_BECOME, values)
        conn.execute(_MANAGERS[table], values)
    called = {(row.source, row.external_id) for row in conn.execute(_CALLED, {"ids": erased})}
    called |= set(told)
    if erased:
        erasures.remember(conn, erased)
    if removed:
        # What was told of them while another table was attached goes too.
        for one in {table, observed.BESIDE}:
            conn.execute(_DELETE[one], {"ids": sorted(removed)})
        conn.execute(_UNSEEN, {"ids": sorted(removed)})
    if called:
        sources, names = zip(*sorted(called), strict=True)
        conn.execute(
            _EVENTS,
            {"sources": list(sources), "called": list(names), "asking": list(asking)},
        )
    if erased:
        conn.execute(_CHANGES, {"ids": erased, "names": _PERSONAL})
    for person_id, survivor in removed.items():
        action = "person.erased" if survivor is None else "person.merged"
        audit.record(conn, "webhook", action, person_id, detail={"into": survivor})
