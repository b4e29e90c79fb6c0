"""Days as a spreadsheet counts them."""

from datetime import datetime

import pytest

from bg_assets.domain.values.days import CountedFrom, of_serial


@pytest.mark.parametrize(
    ("serial", "counted_from", "day"),
    [
        (1, 1900, "1900-01-01T00:00:00"), (59, 1900, "1900-02-28T00:00:00"),
        # 60 is the 29 February that 1900 did not have.
        (61, 1900, "1900-03-01T00:00:00"), (45356, 1900, "2024-03-05T00:00:00"),
        (45356.5, 1900, "2024-03-05T12:00:00"), (2_958_465, 1900, "9999-12-31T00:00:00"),
        (43894, 1904, "2024-03-05T00:00:00"), (2_957_003, 1904, "9999-12-31T00:00:00"),
    ],
)  # fmt: skip
def test_a_number_of_days_is_the_day_that_a_spreadsheet_shows(
    serial: float, counted_from: CountedFrom, day: str
) -> None:
    assert of_serial(serial, counted_from) == datetime.fromisoformat(day)


@pytest.mark.parametrize(
    ("serial", "counted_from"),
    [(0, 1900), (0.5, 1900), (-1, 1900), (2_958_466, 1900), (2_957_004, 1904), (1e300, 1900)],
)
def test_what_is_before_or_behind_the_calendar_is_no_day(
    serial: float, counted_from: CountedFrom
) -> None:
    assert of_serial(serial, counted_from) is None
