"""The first step of a run sees one moment, and knows from its tags what it is for."""

from collections.abc import Callable, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets.assets import runs
from bg_assets.domain.titles import lexicon, verdict
from bg_assets.storage import staff
from bg_assets_tests.refreshing import STAFF, World


def _meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Have something committed after the first statements of a step and before it reads people."""
    real = staff.read_people

    def read_people(conn: sa.Connection, companies: Sequence[str]) -> list[staff.Person]:
        do()
        return real(conn, companies)

    monkeypatch.setattr(staff, "read_people", read_people)


def _retitle(world: World) -> None:
    world.sql("update bg.people set title = 'Treasurer' where id = 'acme-fd'")


def _title(world: World) -> str:
    ((title,),) = world.sql("select title from bg.company_people where person_id = 'acme-fd'")
    return str(title)


def test_what_is_committed_while_a_run_takes_is_neither_attached_nor_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build("acme")
    _meanwhile(monkeypatch, lambda: _retitle(world))
    taken = runs.take(world.engine, runs.Purpose("r1", ("acme",)))
    assert taken.shown["acme"]["dagster/row_count"] == len(STAFF)
    assert _title(world) == "Finance Director"
    assert world.pending() == 1


def test_a_run_of_the_first_step_alone_takes_nothing_and_writes_who_is_there(world: World) -> None:
    world.build("acme")
    _retitle(world)
    world.execute("acme", only="company_people")
    assert _title(world) == "Treasurer"
    assert world.pending() == 1
    assert world.status("acme") == ["completed"]


def test_a_run_of_the_last_step_alone_takes_by_itself(world: World) -> None:
    world.build("acme")
    _retitle(world)
    world.execute("acme", only="buyer_groups")
    assert _title(world) == "Treasurer"
    assert world.pending() == 0
    assert world.status("acme") == ["completed", "completed"]


def test_a_poisoned_person_fails_their_company_and_is_written_for_nobody(
    world: World, poison: Callable[[str], None]
) -> None:
    world.add("acme", "bad", "corp")
    poison("bad-ceo")
    companies = ("acme", "bad", "corp")
    by_company = "select company_id, count(*) from bg.company_people group by 1 order by 1"
    taken = runs.take(world.engine, runs.Purpose("r1", companies))
    assert list(taken.failed) == ["bad"]
    assert taken.failed["bad"].startswith("ValueError at ")
    assert world.sql(by_company) == [("acme", len(STAFF)), ("corp", len(STAFF))]
    taken = runs.rejudge(world.engine, companies)
    assert list(taken.failed) == ["bad"]
    assert world.sql(by_company) == [("acme", len(STAFF)), ("corp", len(STAFF))]


@pytest.mark.parametrize(
    ("assets", "steps", "has"),
    [
        (None, None, True),
        (("company_people", "buyer_groups"), None, True),
        (("buyer_groups",), None, False),
        # Run again from its failure: the step before is not executed.
        (None, ("buyer_groups",), False),
        (None, ("company_people",), True),
        (("buyer_groups",), ("company_people",), False),
    ],
)
def test_a_run_has_a_step_when_neither_assets_nor_steps_leave_it_out(
    assets: Sequence[str] | None, steps: Sequence[str] | None, has: bool
) -> None:
    run = dg.DagsterRun(
        "refresh_buyer_groups",
        asset_selection=frozenset(map(dg.AssetKey, assets)) if assets else None,
        step_keys_to_execute=list(steps) if steps else None,
    )
    context: Any = SimpleNamespace(run=run)
    assert runs.has_step(context, "company_people") is has


def test_a_lexicon_that_does_not_load_fails_the_run_and_no_company(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("acme")
    with world.engine.connect() as conn:
        people = staff.read_people(conn, ["acme"])

    def broken() -> lexicon.Lexicon:
        raise lexicon.BadLexicon("lexicon.csv, line 1: the header must be another")

    monkeypatch.setattr(lexicon, "shipped", broken)
    verdict.classify.cache_clear()
    with pytest.raises(lexicon.BadLexicon):
        runs.judge(people, {"acme": date(2026, 3, 2)}, {})
