"""Staged ids of a system which writes one id short and long, in the form that is known here."""

import sqlalchemy as sa

from bg_assets.storage.recognition import lookups
from bg_assets.storage.recognition.search import Search

_COLUMNS = {
    "people": (("their_id", "person"), ("manager_id", "person"), ("their_company", "company")),
    "companies": (("their_company", "company"),),
}
_TABLES = {"person": "bg.canonical_people", "company": "bg.canonical_companies"}
# Ids are staged long, where both are known that one counts. Served by the unique key of the
# identities and the primary keys.
_IS_KNOWN = """(
    exists (
        select from bg.webhook_identities as i
        where i.source = :source and i.kind = '{kind}' and i.external_id = {theirs} offset 0)
    or exists (select from {table} as t where t.id = {theirs} offset 0))
"""
_AS_KNOWN = """
    update staged as s set {column} = left(s.{column}, :short)
    where length(s.{column}) > :short and {is_short} and not {is_whole}
"""


def write_as_known(conn: sa.Connection, search: Search) -> None:
    """Write short whom the source, or we, have called by the short form alone so far."""
    values = {"source": search.source, "short": search.short_ids}
    conn.execute(lookups.PROBE)
    for column, kind in _COLUMNS[search.kind]:
        table = _TABLES[kind]
        short = _IS_KNOWN.format(kind=kind, table=table, theirs=f"left(s.{column}, :short)")
        whole = _IS_KNOWN.format(kind=kind, table=table, theirs=f"s.{column}")
        statement = _AS_KNOWN.format(column=column, is_short=short, is_whole=whole)
        conn.execute(sa.text(statement), values)
    conn.execute(lookups.PROBED)
