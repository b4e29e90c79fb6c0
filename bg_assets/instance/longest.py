"""The longest time of a run, which Dagster's run monitoring reads from a tag of it.

BG_RUN_TIMEOUT is for up to 500 companies; a larger batch has more in proportion. 500 companies of
73 people take some seconds on one core, so that the default of 15 minutes cuts nothing but what
hangs.
"""

from collections.abc import Mapping

from bg_assets.instance.private import names

COMPANIES = 500


def tag(seconds: float, companies: int) -> dict[str, str]:
    """The tag of a run for so many companies."""
    return {names.LONGEST_TAG: f"{seconds * max(1.0, companies / COMPANIES):.15g}"}


def passed(tags: Mapping[str, str], began: float | None, ended: float | None) -> bool:
    """Whether a run that is over took longer than its tag allows; times in s since 1970.

    Dagster cancels such a run before it fails it, and for a moment it looks like one that somebody
    cancelled.
    """
    try:
        most = float(tags.get(names.LONGEST_TAG, ""))
    except ValueError:
        return False
    return began is not None and ended is not None and ended - began > most
