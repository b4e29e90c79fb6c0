"""Whether somebody is on the staff at a date."""

from datetime import date
from typing import Final

from bg_assets.domain.titles import TitleVerdict

# Half of all employees have been with their employer for less than this many years (US Bureau of
# Labor Statistics, January 2024: 3.9): with a steady rate, so long it takes until half have left.
HALF_LEFT: Final = 3.9


def still_there(seen: date | None, as_of: date) -> float:
    """How probable it is, 0 to 1, that somebody is where a source last saw them.

    1 where no source says when: what is unknown is not held against anybody.
    """
    if seen is None or seen >= as_of:
        return 1.0
    return float(0.5 ** ((as_of - seen).days / 365.25 / HALF_LEFT))


def is_employed(
    status: str | None, end_date: date | None, as_of: date, verdict: TitleVerdict
) -> bool:
    """Active (or of unknown status), not past the last day, and not gone by the title itself.

    The last day counts as employed. A deleted person is the caller's to leave out.
    """
    return why_gone(status, end_date, as_of, verdict) is None


def why_gone(
    status: str | None, end_date: date | None, as_of: date, verdict: TitleVerdict
) -> str | None:
    """The reason why somebody is no longer on the staff, None while they are."""
    if status is not None and status.strip().casefold() == "left":
        return "the status says left"
    if end_date is not None and end_date < as_of:
        return f"the employment ended on {end_date.isoformat()}"
    if verdict.left:
        return "the title says that this is over"
    return None
