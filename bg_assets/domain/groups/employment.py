"""Whether somebody is on the staff at a date."""

from datetime import date

from bg_assets.domain.titles.verdict import TitleVerdict

# Half of all employees have been with their employer for less than this many years (US Bureau of
# Labor Statistics, January 2024: 3.9): with a steady rate, so long it takes until half have left.
HALF_LEFT = 3.9


def still_there(seen: date | None, as_of: date) -> float:
    """How probable it is, 0 to 1, that somebody is where a writer last saw them.

    1 where no writer says when: what is unknown is not held against anybody.
    """
    if seen is None or seen >= as_of:
        return 1.0
    return float(0.5 ** ((as_of - seen).days / 365.25 / HALF_LEFT))


def is_employed(
    status: str | None,
    start_date: date | None,
    end_date: date | None,
    as_of: date,
    verdict: TitleVerdict,
) -> bool:
    """Active (or of unknown status), from the first day to the last, not gone by the title itself.

    Both days count as employed. A deleted person is the caller's to leave out.
    """
    gone = why_gone(status, end_date, as_of, verdict)
    return gone is None and why_not_yet(start_date, as_of) is None


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


def why_not_yet(start_date: date | None, as_of: date) -> str | None:
    """The reason why somebody is not on the staff before they start, None from that day on."""
    if start_date is None or start_date <= as_of:
        return None
    return f"starts on {start_date.isoformat()}"
