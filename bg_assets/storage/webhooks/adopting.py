"""What files called people and companies before the CRM whose exports they are had a source here.

An export's ids stand under the name of its system until there is a source of that scheme; its
events would find nobody by them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.domain.webhooks.vendors.table import VENDORS
from bg_assets.storage import audit, locks
from bg_assets.storage.locks import Lock

# Few rows in all. A source that is called as the system is has these ids anyway.
_IS_FIRST = sa.text("""
    select not exists (
        select from bg.webhook_sources
        where id <> :source and scheme = :scheme or id = :scheme)
""")
# What the source itself has called somebody stays, an id whose person was erased too. Served by the
# unique key, as is what follows.
_ADOPT = sa.text("""
    with taken as (
        update bg.webhook_identities as i set source = :source
        where i.source = :scheme and not exists (
            select from bg.webhook_identities as own
            where own.source = :source and own.kind = i.kind and own.external_id = i.external_id)
        returning kind
    )
    select count(*) filter (where kind = 'person') as people,
        count(*) filter (where kind = 'company') as companies from taken
""")
# The same under both names is said once.
_SAID_TWICE = sa.text("""
    delete from bg.webhook_identities as i using bg.webhook_identities as own
    where i.source = :scheme and own.source = :source and own.kind = i.kind
        and own.external_id = i.external_id and (own.our_id = i.our_id or i.our_id = '')
""")
_LEFT = sa.text("select count(*) from bg.webhook_identities where source = :scheme")


@dataclass(frozen=True, slots=True)
class Adopted:
    """How many ids of people and companies are the source's from now on; left: ids by which the
    source itself has called somebody else already, or erased them."""

    people: int = 0
    companies: int = 0
    left: int = 0


def adopt(
    conn: sa.Connection,
    source_id: str,
    scheme: Scheme,
    actor: str,
    waiting: Callable[[], None] = lambda: None,
) -> Adopted:
    """Make ids that exports of a CRM left behind those of its first source, just added.

    Of a second source of the scheme nobody can tell whether they are its own. Waits for imports
    that began before, after a call of ``waiting``, and for a round of events: both write ids. The
    transaction must be READ COMMITTED, so that what these wrote is seen.
    """
    if scheme not in VENDORS:
        return Adopted()
    if not locks.try_to_take(conn, Lock.SOURCES):
        waiting()
        locks.take(conn, Lock.SOURCES)
    locks.take(conn, Lock.WEBHOOK_EVENTS)
    values = {"source": source_id, "scheme": scheme}
    if not conn.execute(_IS_FIRST, values).scalar_one():
        return Adopted()
    people, companies = conn.execute(_ADOPT, values).one()
    conn.execute(_SAID_TWICE, values)
    left = conn.execute(_LEFT, values).scalar_one()
    adopted = Adopted(people, companies, left)
    if adopted != Adopted():
        audit.record(conn, actor, "webhook_source.adopted", source_id, detail=asdict(adopted))
    return adopted
