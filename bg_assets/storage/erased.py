"""Who was erased, remembered by digests: a later list must not bring them back unasked.

A digest is of our id, of an e-mail address, or of company and name. It can't be read; who holds the
database can still find out of somebody they know whether that person was erased here.
"""

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from bg_assets.domain.values.names import person_key
from bg_assets.domain.webhooks.known import ERASED
from bg_assets.storage import audit
from bg_assets.storage.capture import observed

# Served by the primary keys; an address that others have too is not theirs alone. The second part
# is served by people_by_email and observed_people_by_email.
_WHO = {
    table: sa.text(f"""
        select p.id, p.company_id, p.name, case when not exists (
            select from {table} as o
            where lower(o.email) = lower(p.email) and o.id <> p.id and o.deleted_at is null
        ) then lower(p.email) end as email
        from {table} as p where p.id = any(:ids)
    """)
    for table in observed.TABLES
}
_DIGEST = "sha256((select salt from bg.erasure_salt) || convert_to({}, 'UTF8'))"
_REMEMBER = sa.text(f"""
    insert into bg.erased_people (digest)
    select {_DIGEST.format("told")} from unnest(cast(:told as text[])) as told
    on conflict do nothing
""")
# Served by webhook_identities_by_ours.
_CALLED_NOTHING = sa.text("""
    update bg.webhook_identities set our_id = :erased where kind = 'person' and our_id = any(:ids)
""")
# Served by the primary key.
_WAS_ERASED = sa.text(f"""
    select exists (
        select from bg.erased_people as e
            join unnest(cast(:told as text[])) as told on e.digest = {_DIGEST.format("told")})
""")
_ANY = sa.text("select exists (select from bg.erased_people)")
# Served by webhook_identities_by_ours.
_ANY_CALLED = sa.text("""
    select exists (
        select from bg.webhook_identities where kind = 'person' and our_id = :erased)
""")
# By the unique key of the identities; whoever else the row may mean, its source has erased them.
_REFUSE_CALLED = sa.text("""
    update staged as s set reason = :reason, id = gen_random_uuid()::text
    from bg.webhook_identities as i
    where s.reason is null and s.their_id is not null and i.source = :source and i.kind = 'person'
        and i.external_id = s.their_id and i.our_id = :erased
""")
# A look at all rows of the table, joined by hashes: only where anybody was erased. By what a source
# calls its erased they are known where no other source's ids might be meant.
_STAND = f"""
    select p.id from {{source}} as p
    where p.deleted_at is null and (
        {_DIGEST.format("'id ' || p.id")} in (select digest from bg.erased_people)
        or p.id in (
            select i.external_id from bg.webhook_identities as i
            where i.kind = 'person' and i.our_id = '{ERASED}' and not exists (
                select from bg.webhook_sources as o
                where o.id <> i.source and o.revoked_at is null)))
    order by p.id
"""
# Who stands in the tables was not erased, or is back. Each pair is joined, by hashes where there
# are many: served by the primary keys.
_TOLD = """
    select s.line, {digest} as digest
    from staged as s cross join lateral unnest(array[{told}]) as told
    where s.reason is null and told is not null {of_whom}
"""
_REFUSE = """
    update staged as s set reason = :reason
    from ({told}) as t join bg.erased_people as e on e.digest = t.digest
    where t.line = s.line
"""
_LIFT = """
    delete from bg.erased_people as e using ({told}) as t where e.digest = t.digest
"""
_NOBODY_HAS = "and not exists (select from bg.canonical_people as p where p.id = s.id)"
_REASON = "was erased here: repeat with --allow-erased if this person may come back"


def remember(conn: sa.Connection, ids: Collection[str]) -> None:
    """Note that these people are erased; call it before they are deleted.

    Whatever sources call them leads to nobody from then on.
    """
    rows = [row for who in _WHO.values() for row in conn.execute(who, {"ids": sorted(ids)})]
    told = [one for row in rows for one in _told(row.id, row.company_id, row.name, row.email)]
    told += [f"id {one}" for one in ids]
    conn.execute(_REMEMBER, {"told": sorted(set(told))})
    conn.execute(_CALLED_NOTHING, {"ids": sorted(ids), "erased": ERASED})


def refuse_called(conn: sa.Connection, source: str) -> None:
    """Reject the staged people whom their source has erased, before it is asked who they are."""
    conn.execute(_REFUSE_CALLED, {"source": source, "erased": ERASED, "reason": _REASON})


def refuse(conn: sa.Connection) -> None:
    """Reject the staged people who would be new and were erased; call it once their ids are known.

    They keep an id, so that nobody is taken for gone because of them.
    """
    if _is_needless(conn):
        return
    conn.execute(sa.text(_REFUSE.format(told=_pairs(conn, _NOBODY_HAS))), {"reason": _REASON})


def was_erased(conn: sa.Connection, company_id: str, name: str | None, email: str | None) -> bool:
    """Whether somebody who would be new was erased."""
    told = [*_told("", company_id, name, email and email.lower())][1:]
    return bool(conn.execute(_WAS_ERASED, {"told": told}).scalar_one())


def who_stand(conn: sa.Connection, source: str) -> list[str]:
    """The ids of those in a table who were erased here; ``source``: SQL that gives its people."""
    called = conn.execute(_ANY_CALLED, {"erased": ERASED}).scalar_one()
    if _is_needless(conn) and not called:
        return []
    statement = _STAND.format(source=source).replace("%", "%%")
    return list(conn.exec_driver_sql(statement).scalars())


def lift(conn: sa.Connection) -> None:
    """Forget that staged people who are not rejected were erased; a line in the audit log tells."""
    if _is_needless(conn):
        return
    number = conn.execute(sa.text(_LIFT.format(told=_pairs(conn, "")))).rowcount
    if number:
        audit.record(conn, "import", "person.erasure_lifted", None, number)


def _is_needless(conn: sa.Connection) -> bool:
    return not conn.execute(_ANY).scalar_one()


def _told(
    person_id: str, company_id: str | None, name: str | None, email: str | None
) -> Iterator[str]:
    """What tells of somebody, as it is digested."""
    yield f"id {person_id}"
    if email:
        yield f"email {email}"
    if name and company_id and (key := person_key(name)):
        yield f"name {company_id} {key}"


def _pairs(conn: sa.Connection, of_whom: str) -> str:
    """Each staged person's line with a digest of each thing that tells of them."""
    has = set(conn.execute(sa.text("select * from staged limit 0")).keys())
    told = ["'id ' || s.id"]
    if "email" in has:
        told.append("'email ' || lower(s.email)")
    if "name_key" in has:
        told.append("'name ' || s.company_id || ' ' || s.name_key")
    digest = _DIGEST.format("told")
    return _TOLD.format(digest=digest, told=", ".join(told), of_whom=of_whom)
