"""The outbox: written in the commit of a group, where somebody subscribed to news like these.

Nobody's name is in it, so that it has none to forget.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.notifications import messages
from bg_assets.domain.notifications.messages import Message
from bg_assets.tracing import spans

# Of which a transaction removes so many.
_STEP = 2000

# Who wants which news. While a subscription has failed its messages are kept, to be replayed.
# A look at all subscriptions, which are few.
_WANTED = sa.text("""
    select distinct products, kinds from bg.subscriptions where status in ('active', 'failed')
""")
# Served by the primary key of company_people: a probe for each.
_TITLES = sa.text("""
    select w.company_id, w.person_id, (
        select k.title from bg.company_people as k
        where k.company_id = w.company_id and k.person_id = w.person_id) as title
    from unnest(cast(:companies as text[]), cast(:people as text[])) as w(company_id, person_id)
""")
# A message goes to a subscription that wants its workspace, product and one of its kinds. Of a
# company that is deleted for good nobody knows the workspace: that is told in all of them.
WANTS = """
    (s.workspace = coalesce(o.workspace, s.workspace)
        and (s.products = '{}' or o.product = any(s.products))
        and (s.kinds = '{}' or s.kinds && o.kinds))
"""
# Where in a trace: at the span of this commit, else where the transaction says, else at the newest
# change. Served by the primary keys, and that change by changes_by_refresh. "offset 0"
# makes it a probe for each.
_WRITE = sa.text(f"""
    with o as (
        select n.*, (
            select c.workspace from bg.canonical_companies as c
            where c.id = n.company_id offset 0) as workspace
        from jsonb_to_recordset(cast(:messages as jsonb)) as n(
            position integer, company_id text, product text, refresh_id uuid, kinds text[],
            payload jsonb)
    ), written as (
        insert into bg.outbox
            (workspace, company_id, product, refresh_id, kinds, payload, trace_id)
        select o.workspace, o.company_id, o.product, o.refresh_id, o.kinds, o.payload,
            coalesce(:here, nullif(current_setting('bg.trace_id', true), ''), (
                select c.trace_id from bg.changes as c
                where c.refresh_id = o.refresh_id and c.trace_id is not null
                order by c.id desc limit 1))
        from o
        where exists (
            select from bg.subscriptions as s where s.status in ('active', 'failed') and {WANTS})
        order by o.position
        returning id, workspace, company_id, product, kinds
    )
    insert into bg.deliveries (subscription_id, outbox_id, company_id)
    select s.id, o.id, o.company_id
    from written as o join bg.subscriptions as s on s.status = 'active' and {WANTS}
""")
# Served by outbox_by_time; deliveries go along by deliveries_by_message.
_REMOVE_OLD = sa.text("""
    delete from bg.outbox where id = any(array(
        select id from bg.outbox
        where created_at < now() - make_interval(secs => :seconds)
        order by created_at limit :most for update skip locked))
""")
# Served by the primary key, whose first column it is.
_REMOVE_DELIVERIES = sa.text("""
    delete from bg.deliveries as d using (
        select subscription_id, outbox_id from bg.deliveries
        where subscription_id = (
            select id from bg.subscriptions where status = 'removed' order by id limit 1)
        order by outbox_id limit :most
    ) as gone
    where d.subscription_id = gone.subscription_id and d.outbox_id = gone.outbox_id
""")
_REMOVE_SUBSCRIPTIONS = sa.text("""
    delete from bg.subscriptions as s
    where s.status = 'removed' and (
        select d.outbox_id from bg.deliveries as d where d.subscription_id = s.id
        order by d.outbox_id limit 1) is null
""")


def write(conn: sa.Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Note the news of a commit for whoever subscribed to them: one message a company and product.

    events: as `messages.of_events` takes them. Costs one look where nobody subscribed.
    """
    wanted = conn.execute(_WANTED).all() if events else []
    if not wanted:
        return
    chosen = [
        event
        for event in events
        if any(not one.products or event["product"] in one.products for one in wanted)
    ]
    found = [
        {"position": position, **_row(message)}
        for position, message in enumerate(messages.of_events(chosen, _titles(conn, chosen)))
    ]
    if found:
        conn.execute(_WRITE, {"messages": json.dumps(found), "here": spans.here()})


def remove_old(conn: sa.Connection, seconds: float) -> int:
    """Remove messages that are older, with what became of them, some at most; returns how many.

    To be called again, each time in a transaction of its own, until it returns 0.
    """
    return conn.execute(_REMOVE_OLD, {"seconds": seconds, "most": _STEP}).rowcount


def remove_subscriptions(conn: sa.Connection) -> int:
    """Remove what belongs to removed subscriptions, some at most, and then these themselves.

    To be called again like `remove_old`.
    """
    gone = conn.execute(_REMOVE_DELIVERIES, {"most": _STEP}).rowcount
    return gone or conn.execute(_REMOVE_SUBSCRIPTIONS).rowcount


def _titles(
    conn: sa.Connection, events: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, str], str | None]:
    pairs = sorted({(one["company_id"], one["person_id"]) for one in events if one["person_id"]})
    values = {"companies": [company for company, _ in pairs], "people": [who for _, who in pairs]}
    rows = conn.execute(_TITLES, values)
    return {(row.company_id, row.person_id): row.title for row in rows}


def _row(message: Message) -> dict[str, Any]:
    return {
        "company_id": message.company_id,
        "product": message.product,
        "refresh_id": message.refresh_id,
        "kinds": message.kinds,
        "payload": message.news,
    }
