"""Days as people write them. What could be two days is never guessed.

A format is written like ``DD/MM/YYYY``, or as strptime takes it.
"""

import re
from datetime import date, datetime, timedelta
from typing import Literal

from bg_assets.domain.values.unfit import Unfit

# Which of day and month stands first, in days whose year stands last.
Order = Literal["day", "month"]
# The year with which the calendar of a workbook begins.
CountedFrom = Literal[1900, 1904]
# The day 0 of each. That of 1900 has a 29 February, which its day 0 makes up for from March on.
_DAY_0: dict[CountedFrom, datetime] = {
    1900: datetime(1899, 12, 30),  # noqa: DTZ001
    1904: datetime(1904, 1, 1),  # noqa: DTZ001
}
_FIRST_MARCH_1900 = 61
_AFTER_9999 = 2_958_466

_LONGEST = 40
# A time of day may follow.
_TIME = r"(?:[T ,]+[0-9]{1,2}:[0-9]{2}.*)?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})([-./])([0-9]{{1,2}})\2([0-9]{{1,2}}){_TIME}")
_YEAR_LAST = re.compile(rf"([0-9]{{1,2}})([-./])([0-9]{{1,2}})\2([0-9]{{4}}){_TIME}")
_NAMED = re.compile(
    r"(?:([0-9]{1,2})[ .-]+([a-z]{3,9})|([a-z]{3,9})[ .]+([0-9]{1,2}))[ .,-]+([0-9]{4})" + _TIME,
    re.IGNORECASE,
)
_IN_WORDS = """
    january february march april may june july august september october november december
"""
_MONTHS = _IN_WORDS.split()
_BY_NAME = {
    **{name: number for number, name in enumerate(_MONTHS, 1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, 1)},
    "sept": 9,
}
_TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "DD": "%d",
    "D": "%d",
}  # fmt: skip

_NO_DAY = Unfit("is not a date like 2026-01-31")
_TWO_DAYS = Unfit(
    "could be two days: say how days are written with --date-format DD/MM/YYYY or MM/DD/YYYY"
)


def directives(written: str) -> str | Unfit:
    """A format for strptime of one like ``DD/MM/YYYY``, or of strptime's own."""
    made = written if "%" in written else re.sub(
        r"Y{4}|YY|M{1,4}|D{1,2}", lambda found: _TOKENS.get(found[0], found[0]), written.upper()
    )  # fmt: skip
    try:
        shown = datetime(2003, 11, 27).strftime(made)  # noqa: DTZ001
        fits = datetime.strptime(shown, made).date() == date(2003, 11, 27)  # noqa: DTZ007
    except ValueError:
        fits = False
    return made if fits else Unfit("takes day, month and year, like DD/MM/YYYY or %d.%m.%y")


def evidence(text: str) -> tuple[bool, bool] | None:
    """Whether day or month may stand first here; None where the year does not stand last."""
    match = _YEAR_LAST.fullmatch(text)
    if match is None:
        return None
    return int(match[3]) <= 12, int(match[1]) <= 12


def of_serial(serial: float, counted_from: CountedFrom) -> datetime | None:
    """The time that a spreadsheet means by a number of days; None where it is no day of its own."""
    if not 1 <= serial < _AFTER_9999 - 1462 * (counted_from == 1904):
        return None
    missing = counted_from == 1900 and serial < _FIRST_MARCH_1900
    return _DAY_0[counted_from] + timedelta(days=missing, seconds=round(serial * 86400))


def parse(text: str, order: Order | None = None, form: str | None = None) -> date | Unfit:
    """The day that a trimmed text means, of a time the day as it is written there.

    order: what stands first where that is known. form: a format for strptime; besides, only days
    that begin with the year are taken then.
    """
    if len(text) > _LONGEST:
        return _NO_DAY
    if match := _YEAR_FIRST.fullmatch(text):
        return _day(match[1], match[3], match[4])
    if form is not None:
        return _by_form(text, form)
    if match := _YEAR_LAST.fullmatch(text):
        return _year_last(match[1], match[3], match[4], order)
    if match := _NAMED.fullmatch(text):
        month = _BY_NAME.get((match[2] or match[3]).lower())
        return _day(match[5], month, match[1] or match[4]) if month else _NO_DAY
    return _NO_DAY


def _by_form(text: str, form: str) -> date | Unfit:
    for candidate in (text, text.split()[0]):
        try:
            return datetime.strptime(candidate, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    return Unfit("is not a date as --date-format has it")


def _year_last(first: str, second: str, year: str, order: Order | None) -> date | Unfit:
    by_day, by_month = _day(year, second, first), _day(year, first, second)
    if order is not None:
        return by_day if order == "day" else by_month
    if isinstance(by_month, Unfit) or by_day == by_month:
        return by_day
    return by_month if isinstance(by_day, Unfit) else _TWO_DAYS


def _day(year: str, month: str | int, day: str) -> date | Unfit:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return _NO_DAY
