"""A partition's metadata in words: what led to a refresh, and titles that stay in their cell."""

import pytest

from bg_assets.assets import group_metadata
from bg_assets.storage.groups import Cause


def test_what_led_to_a_refresh_is_told_by_kind_with_its_number_where_there_are_several() -> None:
    cause = Cause({"role_change": 2, "company_profile_change": 1}, 1.0)
    assert group_metadata._because(cause) == "company_profile_change, 2 x role_change"
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
