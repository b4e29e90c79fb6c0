"""A date passes: `why`, `show` and `export` say the same of who ends and who starts."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest

from bg_assets.ticks import upkeep
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due

ONE_DAY = timedelta(days=1)


@pytest.fixture
def today(bg: Command) -> date:
    """The server's date in UTC."""
    found: date = bg.value("select (clock_timestamp() at time zone 'UTC')::date")
    return found


@pytest.fixture
def acme(bg: Command, today: date) -> Command:
    """A company whose group was built yesterday, on the last day of one and before one's first."""
    bg("import", "companies", bg.file("c.csv", "id,name,employee_count\nacme,Acme,200\n"))
    people = (
        "id,company_id,title,department,start_date,end_date\n"
        "ends,acme,Chief Financial Officer,Finance,2020-01-01,\n"
        "stays,acme,Finance Director,Finance,2020-01-01,\n"
        f"starts,acme,Head of Procurement,Procurement,{today + ONE_DAY},\n"
    )
    assert bg("import", "people", bg.file("p.csv", people)).code == 0
    refresh(bg, "acme")
    # As if the clock had gone on: what was tomorrow is today, without a write that anybody sees.
    with bg.engine.begin() as conn:
        conn.exec_driver_sql("set local session_replication_role = replica")
        conn.exec_driver_sql(
            f"update bg.people set end_date = '{today - ONE_DAY}' where id = 'ends'"
        )
        conn.exec_driver_sql(f"update bg.people set start_date = '{today}' where id = 'starts'")
        conn.exec_driver_sql(f"update bg.buyer_groups set as_of = '{today - ONE_DAY}'")
        conn.exec_driver_sql(f"update bg.dates_passed set done_to = '{today - ONE_DAY}'")
        conn.exec_driver_sql("delete from bg.changes where handled_at is null")
    return bg


def members(bg: Command) -> set[str]:
    (group,) = bg.json("show", "acme")["groups"]
    return {member["person_id"] for member in group["members"]}


def why(bg: Command, person: str) -> dict[str, Any]:
    (group,) = bg.json("why", "acme", person)["groups"]
    return dict(group)


def test_who_ended_yesterday_and_who_starts_today_are_seen_to_by_themselves(
    acme: Command, today: date
) -> None:
    assert members(acme) == {"ends", "stays"}
    assert upkeep.see_to(acme.engine) == ["people who joined or left by a date that came: 2"]
    assert refresh_what_is_due(acme) == 1

    assert members(acme) == {"stays", "starts"}
    exported = csv.DictReader(io.StringIO(acme("export").out))
    assert {row["person_id"] for row in exported} == {"stays", "starts"}
    gone = why(acme, "ends")
    assert (gone["rule"], gone["member"], gone["in_group"]) == ("gone", False, False)
    assert f"the employment ended on {today - ONE_DAY}" in gone["because"]
    assert why(acme, "starts")["in_group"]
    events = acme.rows("select event, person_id from bg.buyer_group_history "
                       "where person_id in ('ends', 'starts') order by id")  # fmt: skip
    assert sorted(events) == [("joined", "ends"), ("joined", "starts"), ("left", "ends")]
    assert upkeep.see_to(acme.engine) == []
    assert refresh_what_is_due(acme) == 0


def test_who_has_not_started_yet_is_told_with_the_day(acme: Command, today: date) -> None:
    acme.execute("update bg.people set start_date = :day where id = 'stays'", day=today + ONE_DAY)
    refresh(acme, "acme")
    answer = why(acme, "stays")

    assert "stays" not in members(acme)
    assert (answer["rule"], answer["member"]) == ("not-yet", False)
    assert answer["because"] == f"starts on {today + ONE_DAY}, and today is {today}"
    assert acme.value("select count(*) from bg.company_people where person_id = 'stays'") == 0
