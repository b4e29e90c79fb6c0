"""Ids of 15 characters and the same of 18."""

import pytest

from bg_assets.domain.webhooks.vendors import short_ids


@pytest.mark.parametrize(
    "whole",
    [
        "0015g00000AbCdHAAV", "0035g00000ABCdEAAX", "0015g00000XYZaBAAX", "001000000000000AAA",
        "003abcdefghijklAAA", "003ABCDEFGHIJKLY55",
    ],
)  # fmt: skip
def test_a_short_id_is_written_whole_as_salesforce_writes_it(whole: str) -> None:
    assert short_ids.whole(whole[:15]) == whole
    assert short_ids.whole(whole) == whole


@pytest.mark.parametrize("text", ["", "900", "0015g00000AbCd", "0015g00000AbC-H", "äöü" * 5])
def test_what_is_no_short_id_stays_as_it_is(text: str) -> None:
    assert short_ids.whole(text) == text


def test_only_ids_of_salesforce_are_short() -> None:
    found = [short_ids.length(one) for one in ("salesforce", "hubspot", "crm", None)]
    assert found == [15, 0, 0, 0]
