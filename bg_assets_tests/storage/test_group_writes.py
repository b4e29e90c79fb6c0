"""Completing again over what stands: every column is renewed, and nothing of anybody else's."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.difference import Event
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Member
from bg_assets.domain.groups.outcome import Outcome, StoredGroup
from bg_assets.storage import database, groups
from bg_assets.storage.refreshes import Held
from bg_assets_tests.storage.rows import at, change, company, refresh, rows, run, value
from bg_assets_tests.storage.steps import PRODUCT, release, take, tick

FIRST = BuyerGroup(
    product=PRODUCT, template_hash="t1", members=(
        Member("ann", "champion", 0.5, 0.25, False, ("first",)),
        Member("bob", "champion", 0.5, 0.25, False, ("first",)),
    ), gaps=(Gap("decision_maker", "finance", "nobody"),), completeness=0.5, confidence=0.5,
    cohesion=None, cohesion_reason="too few", coverage=0.1,
)  # fmt: skip
SECOND = BuyerGroup(
    product=PRODUCT, template_hash="t2", members=(
        Member("ann", "decision_maker", 0.9, 0.75, True, ("second",)),
        Member("bob", "champion", 0.5, 0.25, False, ("first",)),
    ), gaps=(), completeness=1.0, confidence=0.7, cohesion=8.0, cohesion_reason=None, coverage=0.6,
)  # fmt: skip
OTHER = replace(FIRST, product="hr_system")
DAY = 86_400.0


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.make_engine(database_url)
    yield made
    made.dispose()


def held(engine: sa.Engine, *companies: str, run_id: str = "run-1", day: int = 0) -> list[Held]:
    """Refreshes of these companies, taken by a run on a day, in order of company."""
    for name in companies:
        change(engine, name, day * DAY)
    found = [
        one for request in tick(engine, day * DAY + 10)
        for one in take(engine, run_id, request, day * DAY + 10)
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.company_id)


def finish(engine: sa.Engine, *outcomes: tuple[Held, Outcome], run_id: str = "run-1") -> set[str]:
    with engine.begin() as conn:
        return groups.complete(conn, run_id, outcomes, 0)


def build(
    engine: sa.Engine, name: str, *found: BuyerGroup, day: int = 0, run_id: str = "run-1"
) -> Held:
    (mine,) = held(engine, name, run_id=run_id, day=day)
    assert finish(engine, (mine, Outcome(found, ())), run_id=run_id)
    return mine


def members(engine: sa.Engine) -> list[tuple[str, str, str]]:
    found = rows(engine, "select company_id, product, person_id from bg.buyer_group_members "
                 "order by company_id, product, person_id")  # fmt: skip
    return [(row["company_id"], row["product"], row["person_id"]) for row in found]


def test_every_column_of_a_group_and_of_its_members_is_renewed(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    build(engine, "acme", FIRST)
    run(engine, "update bg.buyer_groups set updated_at = '2020-01-01'")
    standing = "select ctid::text from bg.buyer_group_members where person_id = 'bob'"
    bob = value(engine, standing)
    second = build(engine, "acme", SECOND, day=2)

    (group,) = rows(engine, "select company_id, product, refresh_id, template_hash, as_of, "
                    "completeness, confidence, cohesion, cohesion_reason, coverage, gaps "
                    "from bg.buyer_groups")  # fmt: skip
    assert value(engine, "select updated_at > now() - interval '1 hour' from bg.buyer_groups")
    assert {name: str(found) for name, found in group.items()} == {
        "company_id": "acme", "product": PRODUCT, "refresh_id": second.refresh_id,
        "template_hash": "t2", "as_of": str(at(2 * DAY).date()), "completeness": "1.0",
        "confidence": "0.7", "cohesion": "8.0", "cohesion_reason": "None", "coverage": "0.6",
        "gaps": "[]",
    }  # fmt: skip
    (ann,) = rows(engine, "select role, confidence, influence, pinned, reasons "
                  "from bg.buyer_group_members where person_id = 'ann'")  # fmt: skip
    assert ann == {
        "role": "decision_maker", "confidence": 0.9, "influence": 0.75, "pinned": True,
        "reasons": ["second"],
    }  # fmt: skip
    assert value(engine, standing) == bob


@pytest.mark.parametrize("what", ["role", "confidence", "influence", "pinned", "reasons"])
def test_a_member_who_differs_in_one_column_only_is_renewed(engine: sa.Engine, what: str) -> None:
    company(engine, "acme", ["ann", "bob"])
    build(engine, "acme", FIRST)
    ann, bob = FIRST.members
    others: dict[str, Any] = {
        "role": "blocker", "confidence": 0.6, "influence": 0.3, "pinned": True, "reasons": ("new",),
    }  # fmt: skip
    new = others[what]
    build(engine, "acme", replace(FIRST, members=(replace(ann, **{what: new}), bob)), day=1)

    found = value(engine, f"select {what} from bg.buyer_group_members where person_id = 'ann'")
    assert found == (list(new) if isinstance(new, tuple) else new)


def test_who_leaves_the_group_of_one_product_stays_in_that_of_another(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    build(engine, "acme", FIRST, OTHER)
    with engine.connect() as conn:
        before = groups.read_groups(conn, ["acme"])["acme"]
    build(engine, "acme", replace(FIRST, members=FIRST.members[1:]), OTHER, day=1)
    with engine.connect() as conn:
        after = groups.read_groups(conn, ["acme"])["acme"]

    both, gaps = {"ann": "champion", "bob": "champion"}, FIRST.gaps
    assert before == {PRODUCT: StoredGroup(both, gaps), "hr_system": StoredGroup(both, gaps)}
    assert after == {
        PRODUCT: StoredGroup({"bob": "champion"}, gaps), "hr_system": StoredGroup(both, gaps),
    }  # fmt: skip


def test_who_moves_within_a_batch_is_a_member_of_the_new_company_only(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    company(engine, "bolt")
    nobody = replace(FIRST, members=())
    one, two = held(engine, "acme", "bolt")
    finish(engine, (one, Outcome((FIRST,), ())), (two, Outcome((nobody,), ())))
    one, two = held(engine, "acme", "bolt", day=1)
    moved = replace(FIRST, members=FIRST.members[:1])
    finish(engine, (one, Outcome((nobody,), ())), (two, Outcome((moved,), ())))

    assert members(engine) == [("bolt", PRODUCT, "ann")]


def test_of_a_batch_a_company_that_is_gone_takes_nothing_of_the_others_along(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann", "bob"])
    company(engine, "bolt", ["cid"])
    one, two = held(engine, "acme", "bolt")
    of_bolt = replace(FIRST, members=(replace(FIRST.members[0], person_id="cid"),))
    finish(engine, (one, Outcome((FIRST,), ())), (two, Outcome((of_bolt,), ())))
    one, two = held(engine, "acme", "bolt", day=1)
    finish(engine, (one, Outcome((), (), gone="no longer tracked")), (two, Outcome((of_bolt,), ())))

    assert members(engine) == [("bolt", PRODUCT, "cid")]
    for table in ("buyer_groups", "company_people"):
        assert value(engine, f"select company_id from bg.{table}") == "bolt"


def test_who_left_has_no_new_and_a_gap_that_closed_no_old_person(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    (mine,) = held(engine, "acme")
    events = (
        Event("left", "zoe", {"role": "champion"}, None, "gone"),
        Event("joined", "ann", None, {"role": "champion"}, "new"),
    )
    finish(engine, (mine, Outcome((FIRST,), tuple((PRODUCT, one) for one in events))))

    assert rows(engine, "select person_id, old is null as no_old, new is null as no_new "
                "from bg.buyer_group_history order by id") == [
        {"person_id": "zoe", "no_old": False, "no_new": True},
        {"person_id": "ann", "no_old": True, "no_new": False},
    ]  # fmt: skip
    assert value(engine, "select diff from bg.buyer_group_refresh_log") == {
        PRODUCT: {"joined": ["ann"], "left": ["zoe"], "role_changed": []}
    }


def test_what_is_completed_after_a_failed_attempt_has_no_error(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    release(engine, held(engine, "acme"), seconds=20)
    assert value(engine, "select error from bg.buyer_group_refresh_log") == "the run is gone"
    (request,) = tick(engine, 30)
    (mine,) = take(engine, "run-2", request)
    with engine.begin() as conn:
        run(conn, "update bg.buyer_group_refresh_log set error = 'told meanwhile'")
    finish(engine, (mine, Outcome((FIRST,), ())), run_id="run-2")

    assert rows(engine, "select status, error from bg.buyer_group_refresh_log") == [
        {"status": "completed", "error": None}
    ]


def test_a_completion_waits_for_a_release_and_then_writes_nothing(engine: sa.Engine) -> None:
    """It must look at who holds the refresh under its lock: what it saw before does not count."""
    company(engine, "acme", ["ann", "bob"])
    (mine,) = held(engine, "acme")
    results: list[set[str]] = []
    with engine.connect() as releasing:
        run(releasing, "update bg.buyer_group_refresh_log set status = 'requested', attempt = 2, "
            "run_id = null")  # fmt: skip
        thread = threading.Thread(
            target=lambda: results.append(finish(engine, (mine, Outcome((FIRST,), ()))))
        )
        thread.start()
        _until_blocked(engine)
        releasing.commit()
    thread.join(60)

    assert results == [set()]
    assert value(engine, "select status from bg.buyer_group_refresh_log") == "requested"
    assert rows(engine, "select 1 from bg.buyer_groups") == []


def test_refreshes_are_locked_in_the_order_of_their_ids_whatever_that_of_the_outcomes(
    engine: sa.Engine,
) -> None:
    """Two completions that met in the opposite order would lock each other out."""
    for name in ("acme", "bolt"):
        company(engine, name)
    first, second = sorted(held(engine, "acme", "bolt"), key=lambda one: one.refresh_id)
    nobody = replace(FIRST, members=())
    done = [(one, Outcome((nobody,), ())) for one in (second, first)]
    _finish_behind(engine, first.refresh_id, second.refresh_id, done)

    assert value(engine, "select count(*) from bg.buyer_groups") == 2


def test_dead_refreshes_are_locked_in_the_order_of_their_ids(engine: sa.Engine) -> None:
    company(engine, "acme")
    (mine,) = held(engine, "acme")
    first, second = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
    for refresh_id in (second, first):
        refresh(engine, "acme", "dead", id=refresh_id)
    _finish_behind(engine, first, second, [(mine, Outcome((replace(FIRST, members=()),), ()))])

    assert value(engine, "select count(*) from bg.buyer_group_refresh_log "
                 "where status = 'failed'") == 2  # fmt: skip


def _finish_behind(
    engine: sa.Engine, first: str, second: str, done: list[tuple[Held, Outcome]]
) -> None:
    """Complete while somebody keeps the first refresh: the second is free until then."""
    lock = "select 1 from bg.buyer_group_refresh_log where id = cast(:id as uuid) for update nowait"
    with engine.connect() as keeping, engine.connect() as looking:
        run(keeping, lock, id=first)
        thread = threading.Thread(target=lambda: finish(engine, *done))
        thread.start()
        _until_blocked(engine)
        run(looking, lock, id=second)
        looking.rollback()
        keeping.rollback()
        thread.join(60)
        assert not thread.is_alive()


def test_a_release_does_not_wait_for_a_completion_and_lets_it_be(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    (mine,) = held(engine, "acme")
    with engine.begin() as completing:
        assert groups.complete(completing, "run-1", [(mine, Outcome((FIRST,), ()))], 0)
        assert release(engine, [mine]) == ([], [])

    assert value(engine, "select status from bg.buyer_group_refresh_log") == "completed"


def test_a_dead_refresh_of_the_company_is_over_when_another_completes(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    company(engine, "bolt")
    (mine,) = held(engine, "acme")
    dead = [refresh(engine, name, "dead") for name in ("acme", "bolt")]
    for refresh_id in dead:
        run(engine, "insert into bg.changes (company_id, kind, source, refresh_id) "
            "values ('acme', 'role_change', 'people_table', cast(:id as uuid))",
            id=refresh_id)  # fmt: skip
    finish(engine, (mine, Outcome((FIRST,), ())))

    assert rows(engine, "select company_id, status from bg.buyer_group_refresh_log "
                "where status <> 'completed' order by 1") == [
        {"company_id": "acme", "status": "failed"}, {"company_id": "bolt", "status": "dead"},
    ]  # fmt: skip
    unhandled = "select refresh_id::text as id from bg.changes where handled_at is null"
    assert {row["id"] for row in rows(engine, unhandled)} == {None, dead[1]}


def _until_blocked(engine: sa.Engine) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if value(engine, "select count(*) from pg_locks where not granted and locktype in "
                 "('transactionid', 'tuple')"):  # fmt: skip
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits for the release")


def test_the_first_of_several_changes_counts_for_the_lag_of_each_refresh(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann"])
    company(engine, "bolt")
    change(engine, "acme", -50)
    one, two = held(engine, "acme", "bolt")
    with engine.connect() as conn:
        causes = groups.read_causes(conn, [one.refresh_id, two.refresh_id])

    assert causes[one.refresh_id].kinds == ["role_change (people_table)"]
    assert causes[two.refresh_id].kinds == ["role_change (people_table)"]
    first, second = causes[one.refresh_id].lag_seconds, causes[two.refresh_id].lag_seconds
    assert first is not None
    assert second is not None
    assert first - second == pytest.approx(50, abs=0.001)
