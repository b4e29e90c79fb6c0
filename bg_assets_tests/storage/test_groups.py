"""The one transaction that completes a refresh: what it writes, and for whom."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.difference import Event
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.outcome import Outcome
from bg_assets.storage import groups
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import shown
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import at, change, company, rows, run, value
from bg_assets_tests.storage.steps import (
    PRODUCT,
    complete,
    finish,
    held_by_a_run,
    release,
    take,
    tick,
)

STATE = {
    "groups": "select * from bg.buyer_groups order by company_id, product",
    "members": "select * from bg.buyer_group_members order by company_id, product, person_id",
    "history": "select * from bg.buyer_group_history order by id",
    "log": "select * from bg.buyer_group_refresh_log order by id",
    "changes": "select * from bg.changes order by id",
}


def state(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    return {name: rows(engine, query) for name, query in STATE.items()}


def test_completing_writes_group_members_and_history_and_handles_the_changes(
    acme: sa.Engine,
) -> None:
    (held,) = held_by_a_run(acme)
    assert complete(acme, "run-1", [held]) == {"acme"}

    found = state(acme)
    (group,) = found["groups"]
    assert (group["product"], str(group["refresh_id"])) == (PRODUCT, held.refresh_id)
    assert group["as_of"] == held.as_of
    assert [row["person_id"] for row in found["members"]] == ["ann", "bob"]
    assert found["members"][0]["reasons"] == ["on the staff"]
    assert [(row["event"], row["person_id"]) for row in found["history"]] == [
        ("joined", "ann"),
        ("joined", "bob"),
    ]
    (log,) = found["log"]
    assert log["status"] == "completed"
    assert log["diff"] == {PRODUCT: {"joined": ["ann", "bob"], "left": [], "role_changed": []}}
    assert all(row["handled_at"] is not None for row in found["changes"])


@pytest.mark.parametrize("holder", ["another run", "another attempt", "nobody", "itself, done"])
def test_who_does_not_hold_the_refresh_writes_nothing(built: sa.Engine, holder: str) -> None:
    (held,) = held_by_a_run(built)
    run_id = "run-1"
    if holder == "another run":
        run_id = "zombie"
    elif holder == "another attempt":
        release(built, [held])
        (request,) = tick(built)
        take(built, "run-1", request)
    elif holder == "nobody":
        release(built, [held])
    else:
        complete(built, "run-1", [held])
    before = state(built)
    late = steps.outcome(held, ["someone", "else"])

    assert finish(built, [late], run_id) == set()
    assert state(built) == before


def test_in_a_batch_only_what_is_still_held_is_written(engine: sa.Engine) -> None:
    for number in range(6):
        company(engine, f"c{number}", [f"p{number}"])
    for number in range(6):
        change(engine, f"c{number}")
    held = held_by_a_run(engine)
    release(engine, held[2:4])

    assert complete(engine, "run-1", held) == {"c0", "c1", "c4", "c5"}
    stand = rows(engine, "select company_id from bg.buyer_groups order by company_id")
    assert [row["company_id"] for row in stand] == ["c0", "c1", "c4", "c5"]
    assert value(engine, "select count(*) from bg.changes where refresh_id is null") == 2


def test_refreshing_again_leads_to_the_same_rows(built: sa.Engine) -> None:
    before = state(built)
    complete(built, "run-1", held_by_a_run(built))
    after = state(built)

    assert after["members"] == before["members"]
    assert after["history"] == before["history"]
    moving = ("refresh_id", "updated_at", "as_of")
    assert [
        {name: found for name, found in row.items() if name not in moving}
        for row in after["groups"]
    ] == [
        {name: found for name, found in row.items() if name not in moving}
        for row in before["groups"]
    ]


def test_who_is_no_longer_a_member_is_gone_and_in_the_history(built: sa.Engine) -> None:
    run(built, "update bg.people set status = 'left' where id = 'ann'")
    complete(built, "run-1", held_by_a_run(built, seconds=10**9))

    assert [row["person_id"] for row in state(built)["members"]] == ["bob"]
    (left,) = rows(built, "select person_id, old, new, because from bg.buyer_group_history "
                   "where event = 'left'")  # fmt: skip
    assert left == {
        "person_id": "ann", "old": {"role": "stakeholder"}, "new": None, "because": "gone",
    }  # fmt: skip


def test_unknown_old_and_new_are_null_and_not_json_null(acme: sa.Engine) -> None:
    complete(acme, "run-1", held_by_a_run(acme))

    assert value(acme, "select count(*) from bg.buyer_group_history where old is null") == 2
    assert value(acme, "select count(*) from bg.buyer_group_history where new is null") == 0


def test_a_product_that_is_no_longer_sold_loses_its_group(acme: sa.Engine) -> None:
    (held,) = held_by_a_run(acme)
    two = (steps.group(("ann",)), replace(steps.group(("bob",)), product="hr_system"))
    finish(acme, [(held, Outcome(two, ()))])
    change(acme, "acme")
    (held,) = held_by_a_run(acme, "run-2")
    finish(acme, [(held, Outcome(two[1:], ()))], "run-2")

    found = state(acme)
    assert [row["product"] for row in found["groups"]] == ["hr_system"]
    assert [row["person_id"] for row in found["members"]] == ["bob"]


def test_a_company_that_is_gone_loses_its_group_and_keeps_its_history(built: sa.Engine) -> None:
    with built.begin() as conn:
        run(conn, "delete from bg.people")
        run(conn, "delete from bg.companies")
    (held,) = held_by_a_run(built, seconds=10**9)
    assert complete(built, "run-1", [held]) == {"acme"}

    found = state(built)
    assert (found["groups"], found["members"]) == ([], [])
    assert [row["event"] for row in found["history"]] == ["joined", "joined", "left", "left"]
    assert value(built, "select count(*) from bg.company_people") == 0
    assert value(built, "select count(*) from bg.changes where handled_at is null") == 0
    (log,) = [row for row in found["log"] if row["run_id"] == "run-1"]
    assert (log["diff"], log["not_before"]) == ({"gone": "no longer tracked"}, None)


def test_a_company_that_comes_back_is_built_at_once(built: sa.Engine) -> None:
    run(built, "update bg.companies set deleted_at = now()")
    complete(built, "run-1", held_by_a_run(built, seconds=10**9))
    run(built, "update bg.companies set deleted_at = null")

    assert [one.companies for one in tick(built, 10**9)] == [("acme",)]


def test_a_company_without_people_has_an_empty_group_with_its_gap(engine: sa.Engine) -> None:
    company(engine, "acme")
    change(engine, "acme")
    complete(engine, "run-1", held_by_a_run(engine))
    with engine.connect() as conn:
        stored = groups.read_groups(conn, ["acme"])["acme"][PRODUCT]

    assert stored.members == {}
    assert stored.gaps == (Gap("decision_maker", "finance", "nobody is known"),)


def test_the_causes_of_a_refresh_are_its_unhandled_changes(acme: sa.Engine) -> None:
    change(acme, "acme", 5)
    change(acme, "acme", 6, kind="resync", source="manual")
    (held,) = held_by_a_run(acme)
    with acme.connect() as conn:
        cause = groups.read_causes(conn, [held.refresh_id])[held.refresh_id]
        now = value(conn, "select clock_timestamp()")
    complete(acme, "run-1", [held])

    assert sorted(cause.kinds) == ["resync (manual)", "role_change (people_table)"]
    assert cause.lag_seconds == pytest.approx((now - at(0)).total_seconds(), abs=5)
    with acme.connect() as conn:
        assert groups.read_causes(conn, [held.refresh_id]) == {}


def test_one_bad_group_writes_nothing_at_all(acme: sa.Engine) -> None:
    (held,) = held_by_a_run(acme)
    before = state(acme)
    bad = replace(steps.group(("ann",)), completeness=2.0)
    with pytest.raises(sa.exc.IntegrityError, match="completeness"):
        finish(acme, [(held, Outcome((bad,), ()))])

    assert state(acme) == before
    assert complete(acme, "run-1", [held]) == {"acme"}


def test_the_order_of_the_events_is_kept(acme: sa.Engine) -> None:
    (held,) = held_by_a_run(acme)
    news = [
        (PRODUCT, Event("gap_opened", None, None, {"role": "champion"}, "nobody")),
        *((PRODUCT, Event("joined", f"p{n}", None, {"role": "champion"}, "new")) for n in range(9)),
        (PRODUCT, Event("role_changed", "ann", {"role": "x"}, {"role": "y"}, "promoted")),
    ]
    finish(acme, [(held, Outcome((steps.group(()),), tuple(news)))])

    history = state(acme)["history"]
    assert [row["person_id"] for row in history] == [
        None, *(f"p{n}" for n in range(9)), "ann",
    ]  # fmt: skip
    assert state(acme)["log"][0]["diff"][PRODUCT]["role_changed"] == [
        {"person_id": "ann", "old": {"role": "x"}, "new": {"role": "y"}}
    ]


def test_odd_text_in_reasons_and_titles_goes_in_and_out(engine: sa.Engine) -> None:
    title = "Chef \\N\t\n🚀 \u200fكبير " + "x" * 10_000
    company(engine, "acme")
    run(engine, "insert into bg.people (id, company_id, title) values ('ann', 'acme', :t)", t=title)
    (held,) = held_by_a_run(engine, seconds=10**9)
    complete(engine, "run-1", [held])
    with engine.connect() as conn:
        (found,) = shown.read_shown(conn, ["acme"], names=True)["acme"]

    assert [one.title for one in found.members] == [title]


def counted(engine: sa.Engine, work: Callable[[], object]) -> int:
    """How many statements the work sends."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    work()
    sa.event.remove(engine, "before_cursor_execute", note)
    return len(sent)


def test_the_number_of_statements_does_not_depend_on_the_number_of_companies(
    engine: sa.Engine,
) -> None:
    policy = replace(steps.POLICY, batch_size=500, runs_at_once=1)

    def statements_for(companies: list[str]) -> tuple[int, int]:
        run(
            engine,
            "insert into bg.people (id, company_id) select c || '-' || g, c "
            "from unnest(cast(:c as text[])) as c, generate_series(1, 3) as g",
            c=companies,
        )
        held: list[Held] = []

        def first() -> None:
            (request,) = tick(engine, 10**9, policy)
            held.extend(take(engine, "run-1", request))

        first_step = counted(engine, first)
        assert len(held) == len(companies)
        return first_step, counted(engine, lambda: complete(engine, "run-1", held))

    few, many = [f"few-{number}" for number in range(10)], [f"c{number}" for number in range(200)]
    assert statements_for(few) == statements_for(many)


def test_a_group_is_shown_with_its_last_difference(built: sa.Engine) -> None:
    run(built, "update bg.people set name = 'Ann A.' where id = 'ann'")
    with built.connect() as conn:
        (named,) = shown.read_shown(conn, ["acme"], names=True)["acme"]
        (unnamed,) = shown.read_shown(conn, ["acme"], names=False)["acme"]
        last = shown.read_last_refresh(conn, "acme")
        assert shown.read_company(conn, "acme") == {
            "id": "acme", "workspace": "default", "name": "Company acme", "employee_min": None,
            "employee_max": None, "deleted_at": None,
        }  # fmt: skip
        assert shown.read_company(conn, "bolt") is None
        assert shown.count_pending(conn, "acme") == 2
        assert shown.last_deferring(conn, "acme") is None

    assert [one.name for one in named.members] == ["Ann A.", None]
    assert [one.name for one in unnamed.members] == [None, None]
    assert named.diff == {"joined": ["ann", "bob"], "left": [], "role_changed": []}
    assert last is not None
    assert last["status"] == "completed"
    assert json.dumps(named.gaps) == "[]"


def test_pending_counts_what_is_taken_and_what_is_dead_too(built: sa.Engine) -> None:
    (held,) = held_by_a_run(built)
    change(built, "acme")
    with built.connect() as conn:
        assert shown.count_pending(conn, "acme") == 2
    release(built, [held], most=1)
    with built.connect() as conn:
        assert shown.count_pending(conn, "acme") == 2
