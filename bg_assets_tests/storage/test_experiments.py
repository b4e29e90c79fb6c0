"""Experiments in the tables: one at a time, all or nothing, whoever dies or does what at once."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.domain.experiments.assignment import Split
from bg_assets.domain.groups.outcome import Outcome, Unshown
from bg_assets.storage import database, experiment_groups, experiments, resync, templates
from bg_assets.storage.experiments import Arranging, Experiment
from bg_assets.storage.refreshes import Held
from bg_assets_tests.storage import bulk, crashing, plans, rows, steps
from bg_assets_tests.storage.crashing import Crash
from bg_assets_tests.storage.rows import company, insert, run

PRODUCT = steps.PRODUCT
A, B = ("m", "text a"), ("s", "text b")
REFRESH = "00000000-0000-4000-8000-000000000001"


def start(engine: sa.Engine, a: tuple[str, str] = A, b: tuple[str, str] = B) -> str | None:
    with engine.begin() as conn:
        return experiments.start(conn, PRODUCT, a, b, 50, "ann")


def running(engine: sa.Engine) -> Experiment:
    with engine.connect() as conn:
        return experiments.in_effect(conn)[PRODUCT]


def stop(engine: sa.Engine, one: Experiment, kept: Any = None) -> bool:
    with engine.begin() as conn:
        return experiments.stop(conn, one.id, "ann", kept, {"both": 0})


def pair(one: Experiment, company_id: str, *, there: bool = True) -> tuple[Held, Outcome]:
    """What a refresh of a company brings while the experiment runs."""
    shown, other = steps.group((f"{company_id}-1", f"{company_id}-2")), steps.group(("x",))
    unshown = Unshown(
        one.id, PRODUCT, one.split.variant(company_id), replace(other) if there else None
    )
    held = Held(REFRESH, company_id, 1, date(2026, 3, 2))
    return held, Outcome((shown,), (), unshown=(unshown,))


def note(engine: sa.Engine, *pairs: tuple[Held, Outcome]) -> None:
    with engine.begin() as conn:
        experiment_groups.note(conn, pairs)


def kept(engine: sa.Engine) -> set[str]:
    found = rows.rows(engine, "select company_id from bg.experiment_groups")
    return {row["company_id"] for row in found}


def group(engine: sa.Engine, company_id: str, digest: str) -> None:
    insert(
        engine, "bg.buyer_groups", company_id=company_id, product=PRODUCT, refresh_id=REFRESH,
        template_hash=digest, as_of="2026-01-01", completeness=1, cohesion_reason="few", coverage=1,
    )  # fmt: skip


@pytest.fixture
def refreshed(engine: sa.Engine) -> sa.Engine:
    """Twenty companies with groups of version a, and one each of templates from before."""
    insert(
        engine, "bg.buyer_group_refresh_log", id=REFRESH, company_id="z", status="completed",
        reason="x", triggered_by="x", finished_at="2026-01-01",
    )  # fmt: skip
    for number in range(20):
        company(engine, f"c{number}")
        group(engine, f"c{number}", "m")
    for name, digest in (("low", "d"), ("between", "p"), ("high", "z")):
        company(engine, name)
        group(engine, name, digest)
    with engine.begin() as conn:
        templates.write(conn, [(PRODUCT, *A)])
    return engine


def ask(engine: sa.Engine, most: int = 100) -> dict[str, str]:
    """A look; the hash that each company is asked for."""
    run(engine, "delete from bg.changes")
    with engine.begin() as conn:
        moving = experiments.arranging(conn)
        resync.raise_changes(conn, {PRODUCT: "m"}, {}, [], most, moving)
    found = rows.rows(engine, "select company_id, new -> 'templates' ->> :p as hash "
                      "from bg.changes", p=PRODUCT)  # fmt: skip
    return {row["company_id"]: row["hash"] for row in found}


def test_the_database_divides_companies_as_the_rules_do(engine: sa.Engine) -> None:
    names = [f"co-{number:06}" for number in range(300)] + ["a.b", "x@y", "A:1", "Z-_.", "ä" * 128]
    divided = experiment_groups.SHOWS_B.format(company="c")
    for share in (1, 20, 50, 99):
        split = Split(str(uuid.UUID(int=share)), share)
        found = rows.rows(
            engine,
            f"select c, {divided} as b from unnest(cast(:names as text[])) as c",
            names=names, id=split.experiment_id, share=share,
        )  # fmt: skip
        assert {row["c"]: row["b"] for row in found} == {
            one: split.variant(one) == "b" for one in names
        }


def test_a_look_asks_for_those_that_move_and_for_groups_of_other_templates(
    refreshed: sa.Engine,
) -> None:
    assert start(refreshed)
    one = running(refreshed)
    wanted = {name: one.arranging.wanted(name) for name in ("low", "between", "high")}
    moving = {f"c{n}": "s" for n in range(20) if one.split.variant(f"c{n}") == "b"}
    assert 0 < len(moving) < 20
    assert ask(refreshed) == wanted | moving


def asked_for(engine: sa.Engine, force: str = "m") -> dict[str, str | None]:
    """By what each company that waits is moved: an experiment, or None for a template."""
    with engine.begin() as conn:
        moving = experiments.arranging(conn)
        resync.raise_changes(conn, {PRODUCT: force}, {}, [], 100, moving)
    found = rows.rows(engine, "select company_id, new ->> 'asked' as asked from bg.changes")
    return {row["company_id"]: row["asked"] for row in found}


def test_who_is_moved_by_an_experiment_is_told_apart_from_who_has_an_older_template(
    refreshed: sa.Engine,
) -> None:
    assert start(refreshed)
    one = running(refreshed)
    shown_b = {f"c{n}" for n in range(20) if one.split.variant(f"c{n}") == "b"}
    older = dict.fromkeys(("low", "between", "high"))
    assert asked_for(refreshed) == {**dict.fromkeys(shown_b, "experiment"), **older}


@pytest.mark.parametrize("keep", [None, "a", "b"])
def test_who_is_moved_by_the_stop_of_an_experiment_is_told_apart_too(
    refreshed: sa.Engine, keep: str | None
) -> None:
    assert start(refreshed)
    one = running(refreshed)
    shown_b = {f"c{n}" for n in range(20) if one.split.variant(f"c{n}") == "b"}
    shown_a = {f"c{n}" for n in range(20)} - shown_b
    run(refreshed, "update bg.buyer_groups set template_hash = 's' where company_id = any(:b)",
        b=list(shown_b))  # fmt: skip
    stop(refreshed, one, keep)
    moved = shown_a if keep == "b" else shown_b
    older = dict.fromkeys(("low", "between", "high"))
    found = asked_for(refreshed, "s" if keep == "b" else "m")
    assert found == {**dict.fromkeys(moved, "experiment"), **older}


def test_a_file_that_says_later_what_an_experiment_tried_is_a_template_that_changed(
    refreshed: sa.Engine,
) -> None:
    assert start(refreshed)
    stop(refreshed, running(refreshed))
    assert set(asked_for(refreshed, "s").values()) == {None}


def test_looks_go_on_in_portions_and_then_rest(refreshed: sa.Engine) -> None:
    run(refreshed, "delete from bg.buyer_groups where company_id in ('low', 'between', 'high')")
    assert start(refreshed)
    one = running(refreshed)
    asked: set[str] = set()
    looks = 0
    while not running(refreshed).arranged_at:
        asked |= ask(refreshed, most=4).keys()
        looks += 1
    assert asked == {f"c{n}" for n in range(20) if one.split.variant(f"c{n}") == "b"}
    assert looks == 7, "five of groups by a, one that finds no more, one of those by b"
    assert ask(refreshed) == {}


def test_an_experiment_is_looked_after_in_portions_and_then_for_next_to_nothing(
    engine: sa.Engine,
) -> None:
    """While it starts, a look goes through 5,000 groups; after that all of them are of a or b."""
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        for table in ("companies", "groups"):
            run(conn, bulk.PAST[table])
        run(
            conn,
            """
            insert into bg.buyer_group_refresh_log
                (company_id, status, reason, triggered_by, finished_at)
            select id, 'completed', 'x', 'x', now() from bg.companies""",
        )
        run(
            conn,
            """
            insert into bg.changes (company_id, kind, source, refresh_id, handled_at)
            select company_id, 'resync', 'template', id, now()
            from bg.buyer_group_refresh_log, generate_series(1, 3)""",
        )
    run(engine, "analyze")
    hashes = {PRODUCT: "t"}
    with engine.begin() as conn:
        one = experiments.start(conn, PRODUCT, ("t", "a"), ("u", "b"), 50, "ann")
        run(conn, "update bg.experiments set id = '00000000-0000-4000-8000-000000000001'")
        with plans.watched(conn) as reads:
            raised = resync.raise_changes(conn, hashes, {}, [], 5000, experiments.arranging(conn))
        assert one is not None
        assert 2000 < raised < 3000
        plans.check(reads, rows=40_000, pages=60_000)

        run(conn, "update bg.experiments set arranged_at = now()")
        with plans.watched(conn) as reads:
            moving = experiments.arranging(conn)
            assert not resync.raise_changes(conn, hashes, {}, [], 5000, moving)
        plans.check(reads, rows=20, pages=60)


def test_the_same_template_twice_moves_nobody(refreshed: sa.Engine) -> None:
    assert start(refreshed, A, A)
    assert running(refreshed).arranged_at is not None
    assert ask(refreshed).keys() == {"low", "between", "high"}


def test_within_named_companies_only_those_of_another_version_are_asked_for(
    refreshed: sa.Engine,
) -> None:
    assert start(refreshed)
    one = running(refreshed)
    with refreshed.begin() as conn:
        number = resync.raise_within(
            conn, {PRODUCT: "m"}, "", "zzz", None, experiments.arranging(conn)
        )
    moving = sum(one.split.variant(f"c{n}") == "b" for n in range(20))
    assert number == moving + 3


def test_no_group_of_either_version_counts_as_old(refreshed: sa.Engine) -> None:
    assert start(refreshed)
    run(refreshed, "update bg.buyer_groups set template_hash = 's' where company_id = 'c0'")
    with refreshed.connect() as conn:
        assert resync.count_old(conn) == {PRODUCT: 3}
    assert stop(refreshed, running(refreshed))
    with refreshed.connect() as conn:
        assert resync.count_old(conn) == {PRODUCT: 4}


@pytest.mark.parametrize("kill", [False, True], ids=["the process dies", "the connection is lost"])
def test_a_start_and_a_stop_that_end_anywhere_leave_nothing_half(
    engine: sa.Engine, *, kill: bool
) -> None:
    worker = database.make_engine(engine.url.render_as_string(hide_password=False))

    def state() -> tuple[int, int, int, int]:
        (found,) = rows.rows(engine, """
            select (select count(*) from bg.experiments where stopped_at is null) as a,
                (select count(*) from bg.experiments where stopped_at is not null) as b,
                (select count(*) from bg.experiment_groups) as c,
                (select count(*) from bg.audit_log) as d""")  # fmt: skip
        return tuple(found.values())

    def die(work: Callable[[sa.Connection], object], before: Any, after: Any) -> None:
        """Do it again and again, each time dying one statement later, until it lives."""
        for place in range(20):
            try:
                with crashing.crash_at(worker, place, kill=kill), worker.begin() as conn:
                    work(conn)
                break
            except (Crash, sa.exc.DBAPIError):
                assert state() == before
        else:
            pytest.fail("it never ended")
        assert (place > 3, state()) == (True, after)

    die(lambda conn: experiments.start(conn, PRODUCT, A, B, 50, "ann"), (0, 0, 0, 0), (1, 0, 0, 1))
    one = running(engine)
    note(engine, pair(one, "c1"), pair(one, "c2"))
    die(lambda conn: experiments.stop(conn, one.id, "ann", "b", {}), (1, 0, 2, 1), (0, 1, 0, 2))
    worker.dispose()


def together(*works: Callable[[], object]) -> list[object]:
    barrier = threading.Barrier(len(works))
    results: list[object] = [None] * len(works)

    def do(place: int, work: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[place] = work()
        except Exception as err:
            results[place] = err

    threads = [threading.Thread(target=do, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_of_many_starts_at_once_one_is_the_experiment(engine: sa.Engine) -> None:
    for _ in range(5):
        results = together(*[lambda: start(engine)] * 4)
        assert [type(one) for one in results if one is not None] == [str]
        assert stop(engine, running(engine))


def test_whatever_a_stop_and_refreshes_do_at_once_no_figures_stay(engine: sa.Engine) -> None:
    for turn in range(10):
        assert start(engine)
        one = running(engine)
        note(engine, pair(one, f"before-{turn}"))
        works = [lambda n=n: note(engine, pair(one, f"c{n}"), pair(one, "c")) for n in range(3)]  # noqa: B023
        results = together(*works, lambda: stop(engine, one))  # noqa: B023
        assert results == [None, None, None, True]
        assert kept(engine) == set()


def test_the_last_refresh_of_a_company_is_what_counts_and_none_where_nothing_is_to_compare(
    engine: sa.Engine,
) -> None:
    assert start(engine)
    one = running(engine)
    note(engine, pair(one, "c1"), pair(one, "c2"))
    note(engine, pair(one, "c1"))
    assert kept(engine) == {"c1", "c2"}
    (row,) = rows.rows(engine, "select * from bg.experiment_groups where company_id = 'c1'")
    shown, other = ("a", "b") if one.split.variant("c1") == "a" else ("b", "a")
    assert (row["shown"], row[f"size_{shown}"], row[f"size_{other}"]) == (shown, 2, 1)
    assert (row["members"], row["members_overlap"]) == ({"x": "stakeholder"}, 0)
    assert row["decision_makers_overlap"] is None
    note(engine, pair(one, "c1", there=False))
    assert kept(engine) == {"c2"}


def test_the_sums_are_those_of_the_rows(engine: sa.Engine) -> None:
    assert start(engine)
    one = running(engine)
    note(engine, *(pair(one, f"c{n}") for n in range(40)))
    with engine.connect() as conn:
        found = experiment_groups.sums(conn, one)
    size = found.pairs["size"]
    b = sum(one.split.variant(f"c{n}") == "b" for n in range(40))
    assert (size.companies, size.differing) == (40, 40)
    assert size.difference == pytest.approx((b - (40 - b)) / 40)
    assert size.deviation is not None
    assert found.pairs["members_overlap"].difference == 0
    assert "cohesion" not in found.pairs


def test_humans_are_counted_at_companies_that_are_shown_what_they_are_to_be_shown(
    refreshed: sa.Engine,
) -> None:
    assert start(refreshed)
    one = running(refreshed)
    shown = {v: [f"c{n}" for n in range(20) if one.split.variant(f"c{n}") == v] for v in "ab"}
    # All but one of b have been refreshed.
    late, *moved = shown["b"]
    run(refreshed, "update bg.buyer_groups set template_hash = 's' where company_id = any(:ids)",
        ids=moved)  # fmt: skip
    said = [(shown["a"][0], "pin", "now()"), (shown["a"][0], "exclude", "now()"),
            (moved[0], "pin", "now()"), (late, "pin", "now()"),
            (shown["a"][1], "pin", "now() - interval '1 day'")]  # fmt: skip
    for number, (company_id, action, at) in enumerate(said):
        run(
            refreshed,
            f"""
            insert into bg.member_overrides
                (company_id, product, person_id, action, by, reason, created_at, removed_at)
            values (:c, :p, :who, :action, 'ann', 'why', {at}, now())""",
            c=company_id, p=PRODUCT, who=f"p{number}", action=action,
        )  # fmt: skip
    with refreshed.connect() as conn:
        found = experiment_groups.sums(conn, one)
    a, b = found.a, found.b
    assert (a.companies, a.overridden, a.pins, a.exclusions) == (len(shown["a"]), 1, 1, 1)
    assert (b.companies, b.overridden, b.pins, b.exclusions) == (len(moved), 1, 1, 0)


def test_a_hash_that_was_in_force_once_keeps_its_text(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        templates.write(conn, [("p", "aa11", "first")])
        templates.write(conn, [("p", "aa22", "second"), ("q", "aa11", "another")])
        assert experiments.versions_like(conn, "p", "aa") == {"aa11": "first", "aa22": "second"}
        assert experiments.versions_like(conn, "p", "aa1") == {"aa11": "first"}
        assert experiments.versions_like(conn, "p", "%") == {}


def test_arranging_says_what_each_company_is_to_have() -> None:
    one = Arranging("p", Split("e", 50), "a", "b", arranged=False)
    for number in range(20):
        assert one.wanted(f"c{number}") == one.split.variant(f"c{number}")
