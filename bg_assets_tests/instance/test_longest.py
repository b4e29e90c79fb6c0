"""The longest time of a run, by its size; and which run has passed it."""

import pytest

from bg_assets import sensors
from bg_assets.instance import longest
from bg_assets.instance.private import names
from bg_assets.storage import claims


@pytest.mark.parametrize(("companies", "seconds"), [(1, 900), (500, 900), (501, 902), (2000, 3600)])
def test_a_run_has_a_longest_time_and_a_batch_beyond_500_has_more_in_proportion(
    companies: int, seconds: float
) -> None:
    batch = tuple(f"c{number}" for number in range(companies))
    asked = sensors.run_request(claims.Request("b", batch, 1, {}, batch_id="b"))
    assert round(float(asked.tags["dagster/max_runtime"])) == seconds


@pytest.mark.parametrize(
    ("tags", "began", "ended", "passed"),
    [
        ({names.LONGEST_TAG: "10"}, 100.0, 110.1, True),
        ({names.LONGEST_TAG: "10"}, 100.0, 110.0, False),
        ({names.LONGEST_TAG: "10"}, None, 110.1, False),
        ({names.LONGEST_TAG: "10"}, 100.0, None, False),
        ({names.LONGEST_TAG: "long"}, 100.0, 999.0, False),
        ({}, 100.0, 999.0, False),
    ],
)
def test_a_run_that_took_longer_than_its_tag_allows_has_passed_it(
    tags: dict[str, str], began: float | None, ended: float | None, *, passed: bool
) -> None:
    assert longest.passed(tags, began, ended) is passed
