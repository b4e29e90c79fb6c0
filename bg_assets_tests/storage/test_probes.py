"""What a run reads of its companies, while PostgreSQL has no figures of the tables yet."""

from datetime import date

import pytest
import sqlalchemy as sa

from bg_assets.storage import next_refreshes, staff, standing_verdicts
from bg_assets.storage.reports import checks, shown
from bg_assets_tests.storage import bulk, plans
from bg_assets_tests.storage.rows import at, run

NAMES = [f"c{number:06}" for number in range(100)]
FILLED = ("companies", "people", "refreshes", "staff", "groups", "members", "history")


@pytest.fixture
def unseen(engine: sa.Engine) -> sa.Engine:
    """20,000 companies, as just after they were loaded: autovacuum has not been there."""
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        for name in FILLED:
            statement = bulk.PAST[name]
            run(conn, statement, **({"start": at(0)} if ":start" in statement else {}))
    return engine


def test_companies_are_looked_up_one_by_one(unseen: sa.Engine) -> None:
    with unseen.connect() as conn, plans.watched(conn) as reads:
        assert sum(staff.count_people(conn, NAMES).values()) == 1000
        assert len(staff.read_people(conn, NAMES)) == 1000
        assert len(standing_verdicts.read(conn, NAMES).rows) == 500
        assert len(staff.read_staff(conn, NAMES)) == 100
        assert len(shown.read_shown(conn, NAMES, names=True)) == 100
        assert [one.members for one in checks.read(conn, NAMES)] == [5] * 100
        assert len(next_refreshes.read_past(conn, NAMES, date(2026, 11, 1))) == 100

    plans.check(reads, rows=8000, pages=8000)


def test_a_company_that_is_asked_for_twice_is_read_once(unseen: sa.Engine) -> None:
    with unseen.connect() as conn:
        twice = [*NAMES[:2], NAMES[0]]
        assert len(staff.read_people(conn, twice)) == 20
        assert len(checks.read(conn, twice)) == 2
        assert len(shown.read_shown(conn, twice, names=False)[NAMES[0]]) == 1
