"""Letting go of questions to providers and their answers; the bill stays.

An answer goes so long after it has expired, and the question with it, or once it has had none.
"""

from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage.operations import purging
from bg_assets.storage.retention.step import Step, walked

_ACTOR = "retention"
# What still says that a question is not to be asked again stays.
_OVER = """started_at < :until and status <> 'running' and output is null
            and coalesce(expires_at, '-infinity') < :until"""
# Served by pipeline_operations_by_time.
_QUESTIONS = sa.text(f"""
    with page as (
        select id, started_at, status, output is null as let_go, expires_at
        from bg.pipeline_operations
        where started_at > cast(:after as timestamptz)
        order by started_at fetch first :most rows with ties
    ), gone as (
        delete from bg.pipeline_operations
        where id = any(array(
            select id from page where started_at < :until and let_go)) and {_OVER}
        returning id
    )
    select (select count(*) from gone) as removed, cast(max(started_at) as text) as last,
        count(*) as seen, coalesce(bool_and(started_at >= :until), true) as young
    from page
""")
# Looks at all questions from before.
_COUNT = sa.text("""
    select count(*) from bg.pipeline_operations
    where started_at < :until and status <> 'running'
        and coalesce(expires_at, '-infinity') < :until
""")


def remove_questions(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of some answers that expired before then; of none left, of the questions."""
    if after is None and purging.purge_expired(conn, until, until, _ACTOR):
        return Step(0, None, more=True)
    return walked(conn, _QUESTIONS, until, after or "-infinity")


def count_questions(conn: sa.Connection, until: datetime) -> int:
    """How many questions would go."""
    return int(conn.execute(_COUNT, {"until": until}).scalar_one())
