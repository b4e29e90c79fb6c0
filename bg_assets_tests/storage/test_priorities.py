"""What is more urgent than what."""

import sqlalchemy as sa

from bg_assets.storage import priorities
from bg_assets.storage.priorities import OF_KIND
from bg_assets_tests.storage.rows import value


def test_what_hurts_more_to_miss_comes_first() -> None:
    """Who is gone, then who moved, who came or was promoted, then the rest."""
    order = [
        {"person_left", "company_deleted"}, {"company_change"},
        {"person_joined", "promotion", "role_change"},
        {"department_change", "company_profile_change"}, {"contact_change"}, {"resync"},
    ]  # fmt: skip
    levels = [{OF_KIND[kind] for kind in same} for same in order]
    assert all(len(level) == 1 for level in levels)
    values = [level.pop() for level in levels]
    assert values == sorted(set(values), reverse=True)
    assert set().union(*order) == set(OF_KIND)


def test_whoever_asks_by_hand_comes_before_all_that_happens_and_templates_and_backfills_after() -> (
    None
):
    assert max(OF_KIND.values()) < priorities.BY_HAND
    assert min(OF_KIND.values()) == 0 > priorities.OF_TEMPLATE > priorities.BACKFILL


def test_each_kind_that_a_change_may_have_has_a_priority(engine: sa.Engine) -> None:
    rule = value(
        engine,
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'changes_kind_check'",
    )
    assert set(str(rule).split("'")[1::2]) == set(OF_KIND)
