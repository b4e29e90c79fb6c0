"""Whether somebody rose: one title compared with the one before it."""

from bg_assets.domain.titles.authority import rank
from bg_assets.domain.titles.verdict import classify


def is_promotion(before: str | None, after: str | None) -> bool:
    """Whether a title ranks above the one before it. Not where either level is unknown.

    Of the same person at the same company, so that the ranks of the titles alone tell.
    """
    was, now = classify(before), classify(after)
    if was.level is None or now.level is None or now.left:
        return False
    return rank(after, now.level) > rank(before, was.level)
