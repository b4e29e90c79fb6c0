"""When a new title is a promotion."""

import pytest

from bg_assets.domain.titles.promotion import is_promotion


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Financial Analyst", "Senior Financial Analyst"),
        ("Finance Manager", "Finance Director"),
        ("VP Finance", "CFO"),
        ("VP Finance", "Senior VP Finance"),
        ("Deputy CFO", "CFO"),
        ("Head of Sales", "VP Marketing"),
    ],
)
def test_who_ranks_higher_than_before_was_promoted_and_not_the_other_way_round(
    before: str, after: str
) -> None:
    assert is_promotion(before, after)
    assert not is_promotion(after, before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CFO", "CFO"),
        ("Finance Manager", "Sales Manager"),
        ("Finance Manager", "Former CFO"),
        ("Ninja", "CFO"),
        ("Finance Manager", "Ninja"),
        (None, "CFO"),
        ("CFO", None),
    ],
)
def test_where_the_rank_is_the_same_unknown_or_over_nobody_was_promoted(
    before: str | None, after: str | None
) -> None:
    assert not is_promotion(before, after)
