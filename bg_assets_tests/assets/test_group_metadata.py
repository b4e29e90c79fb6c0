"""A partition's metadata in words: what led to a refresh, and titles that stay in their cell."""

import pytest

from bg_assets.assets import group_metadata
from bg_assets.domain import causes
from bg_assets.storage.groups import Cause


def test_a_run_that_no_change_led_to_was_asked_for_by_hand() -> None:
    cause = Cause((causes.Cause("resync", "import", "people.csv", people=12),), 1.0)
    assert group_metadata._because(cause) == "import people.csv: 12 people"
    assert group_metadata._because(None) == "asked for by hand"


@pytest.mark.parametrize(
    ("title", "cell"),
    [
        ("CFO | <b>*now*</b>", r"CFO \| \<b\>\*now\*\</b\>"),
        ("Head\nof\tFinance", "Head of Finance"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 300 + " …"),
    ],
)
def test_a_title_stays_in_its_cell(title: str, cell: str) -> None:
    assert group_metadata._cell(title) == cell
