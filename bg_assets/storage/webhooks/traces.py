"""Which event each change came from, where many are applied at once and their coming in is traced.

The triggers know of one trace a transaction; the changes of many events are told apart afterwards.
"""

import json
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from bg_assets.domain.webhooks.applying import Verdict
from bg_assets.storage.priorities import WEBHOOK

_LAST = sa.text("""
    select last_value - case when is_called then 0 else 1 end from bg.changes_id_seq
""")
# Served by the primary key. An id is found in a document without a join, which would be planned on
# figures from before these changes.
_TELL = sa.text("""
    update bg.changes set trace_id = case
        when person_id is null then cast(:by_company as jsonb) ->> company_id
        else cast(:by_person as jsonb) ->> person_id end
    where id > :last and source = :writer and trace_id is null
""")


def last_change(conn: sa.Connection) -> int:
    """The number after which those of changes lie that come to be from now on."""
    return int(conn.execute(_LAST).scalar_one())


def tell_apart(
    conn: sa.Connection, last: int, verdicts: Iterable[Verdict], traces: Mapping[int, str]
) -> None:
    """Give the changes after ``last`` that this transaction made the traces of their events.

    ``traces`` are those of events, by number. Of several events about one person, or one company
    where a change names nobody, the first counts.
    """
    by_person: dict[str, str] = {}
    by_company: dict[str, str] = {}
    for verdict in verdicts:
        trace = traces.get(verdict.id)
        if trace is not None and verdict.person_id is not None:
            by_person.setdefault(verdict.person_id, trace)
        if trace is not None and verdict.company_id is not None:
            by_company.setdefault(verdict.company_id, trace)
    parameters = {"by_person": json.dumps(by_person), "by_company": json.dumps(by_company)}
    conn.execute(_TELL, {**parameters, "last": last, "writer": WEBHOOK})
