"""What is said of failures: each once, in the number that it has."""

import pytest

from bg_assets.health import checks_of_service
from bg_assets.storage.reports.failures import Failures


@pytest.mark.parametrize(
    ("found", "others", "said"),
    [
        (Failures(0, 0, None, []), 3, "3 runs"),
        (Failures(3, 1, "co-7", ["a"]), 0, "3 attempts at refreshes of 1 company (co-7)"),
        (
            Failures(1, 1, "co-7", ["a"]), 2,
            "1 attempt at refreshes of 1 company (co-7) and 2 more runs",
        ),
        (
            Failures(5, 4, "co-1", ["a"]), 1,
            "5 attempts at refreshes of 4 companies (co-1 first) and 1 more run",
        ),
    ],
)  # fmt: skip
def test_failures_are_said(found: Failures, others: int, said: str) -> None:
    assert checks_of_service._failed(found, others) == said
