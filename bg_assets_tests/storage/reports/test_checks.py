"""What the checks look at: the figures of stored groups, and who of them is gone."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage.reports import checks
from bg_assets.storage.reports.checks import Checked
from bg_assets_tests.storage.rows import (
    at,
    change,
    company,
    forget_changes,
    group,
    refresh,
    run,
    value,
)

DAY = at(0).date()


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    """A group of two as of a day, whose members are kept as staff."""
    company(engine, "acme", ["ann", "bob"])
    group(engine, "acme", {"ann": "decision_maker", "bob": "champion"})
    run(engine, "insert into bg.company_people (company_id, person_id, confidence) "
        "select company_id, id, 1 from bg.people")  # fmt: skip
    return engine


def read(engine: sa.Engine, *companies: str) -> list[Checked]:
    with engine.connect() as conn:
        return checks.read(conn, companies or ("acme",))


def test_a_group_is_read_with_its_figures(acme: sa.Engine) -> None:
    run(acme, "update bg.companies set employee_min = 5, employee_max = 9")
    run(acme, "update bg.buyer_group_members set pinned = true where person_id = 'bob'")
    forget_changes(acme)

    (found,) = read(acme)
    assert found == Checked(
        "acme", "finance_system", found.refresh_id, 1.0, 0.9, None, 5, 9, 2, 2, 1, 1, 0,
        names_gap=False,
    )  # fmt: skip
    assert found.refresh_id == value(acme, "select refresh_id::text from bg.buyer_groups")
    assert read(acme, "bolt") == []


@pytest.mark.parametrize(
    "gone",
    [
        "delete from bg.people where id = 'ann'",
        "update bg.people set deleted_at = now() where id = 'ann'",
        "update bg.people set status = 'left' where id = 'ann'",
        "update bg.people set company_id = 'bolt' where id = 'ann'",
        "update bg.people set company_id = null where id = 'ann'",
        f"update bg.people set end_date = '{DAY - timedelta(days=1)}' where id = 'ann'",
        f"update bg.people set start_date = '{DAY + timedelta(days=1)}' where id = 'ann'",
    ],
)
def test_a_member_who_is_gone_while_no_change_waits_is_a_leaver(acme: sa.Engine, gone: str) -> None:
    run(acme, gone)
    assert [one.leavers for one in read(acme)] == [0]
    taken = refresh(acme, "acme", "running")
    run(acme, "update bg.changes set refresh_id = cast(:id as uuid)", id=taken)

    assert [one.leavers for one in read(acme)] == [1]
    forget_changes(acme)
    assert [one.leavers for one in read(acme)] == [1]
    change(acme, "bolt")
    assert [one.leavers for one in read(acme)] == [1]
    change(acme, "acme")
    assert [one.leavers for one in read(acme)] == [0]


@pytest.mark.parametrize(
    "there",
    [
        f"update bg.people set end_date = '{DAY}' where id = 'ann'",
        f"update bg.people set start_date = '{DAY}' where id = 'ann'",
        "update bg.people set title = 'Former CFO' where id = 'ann'",
    ],
)
def test_the_first_and_the_last_day_count(acme: sa.Engine, there: str) -> None:
    run(acme, there)
    forget_changes(acme)

    assert [one.leavers for one in read(acme)] == [0]


def test_a_member_who_is_not_kept_as_staff_is_a_leaver_at_any_time(acme: sa.Engine) -> None:
    run(acme, "delete from bg.company_people where person_id = 'ann'")
    change(acme, "acme")

    assert [one.leavers for one in read(acme)] == [1]


def test_a_group_of_nobody_has_no_leaver_and_tells_whether_it_names_its_gap(
    acme: sa.Engine,
) -> None:
    run(acme, "delete from bg.buyer_group_members")
    (silent,) = read(acme)
    run(acme, "update bg.buyer_groups set gaps = "
        """'[{"role": "champion"}, {"role": "decision_maker"}]'""")  # fmt: skip
    (named,) = read(acme)

    assert (silent.members, silent.leavers, silent.names_gap) == (0, 0, False)
    assert named.names_gap
