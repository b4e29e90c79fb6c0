"""Verdicts on groups, what is to be judged, and the sums over all."""

import uuid

import sqlalchemy as sa

from bg_assets.storage import verdicts
from bg_assets.storage.verdicts import Tally, Verdict
from bg_assets_tests.storage.rows import group, refresh, run, value


def verdict(
    company: str, *fails: str, product: str = "finance_system", refresh_id: str | None = None,
    confidence: float | None = 0.5,
) -> Verdict:  # fmt: skip
    return Verdict(company, product, refresh_id or str(uuid.uuid4()), fails, 0.25, confidence, None)


def test_a_group_is_to_be_judged_until_a_verdict_of_its_refresh_stands(engine: sa.Engine) -> None:
    first, second = refresh(engine, "a", "completed"), refresh(engine, "a", "completed")
    group(engine, "a", {}, first)
    with engine.begin() as conn:
        assert verdicts.not_judged(conn, 10) == ["a"]
        verdicts.write(conn, [verdict("a", refresh_id=first)])
        assert verdicts.not_judged(conn, 10) == []
        run(conn, "update bg.buyer_groups set refresh_id = cast(:id as uuid)", id=second)
        assert verdicts.not_judged(conn, 10) == ["a"]
        verdicts.write(conn, [verdict("a", refresh_id=second)])
        assert verdicts.not_judged(conn, 10) == []
        assert value(conn, "select count(*) from bg.group_verdicts") == 1


def test_a_portion_is_bounded(engine: sa.Engine) -> None:
    for number in range(5):
        group(engine, f"c{number}", {})
    with engine.connect() as conn:
        assert len(verdicts.not_judged(conn, 3)) == 3


def test_those_judged_longest_ago_come_first(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        for name in ("c", "a", "b", "a"):
            verdicts.write(conn, [verdict(name)])
        assert verdicts.oldest(conn, 2) == ["c", "b"]


def test_verdicts_of_groups_that_are_no_more_are_forgotten(engine: sa.Engine) -> None:
    group(engine, "a", {})
    with engine.begin() as conn:
        verdicts.write(conn, [verdict("a"), verdict("a", product="other"), verdict("b")])
        assert verdicts.forget(conn) == 2
        assert value(conn, "select product from bg.group_verdicts") == "finance_system"


def test_the_sums_count_companies_once_name_some_and_take_means_of_what_is_known(
    engine: sa.Engine,
) -> None:
    group(engine, "new", {})
    with engine.begin() as conn:
        verdicts.write(conn, [verdict(f"c{n}", "leavers", "size") for n in range(5)])
        verdicts.write(conn, [verdict("c3", "size", product="other", confidence=None)])
        verdicts.write(conn, [verdict("good", confidence=1.0)])
        found = verdicts.tally(conn, 3)
    assert found == Tally(
        groups=7,
        waiting=1,
        failing={"leavers": 5, "size": 5},
        companies={"leavers": ["c0", "c1", "c2"], "size": ["c0", "c1", "c2"]},
        means={
            "completeness": (0.25, 7),
            "confidence": (3.5 / 6, 6),
            "cohesion": (None, 0),
        },
    )
