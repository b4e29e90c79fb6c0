"""Targets: what meets them, how they are written, and what can't be meant."""

import pytest

from bg_assets.domain.kpis import catalogue, targets
from bg_assets.domain.kpis.catalogue import KPIS, Judged, Measured
from bg_assets.domain.kpis.targets import (
    MET,
    MISSED,
    UNKNOWN,
    UNTARGETED,
    BadTarget,
    Target,
    above,
    below,
)


@pytest.mark.parametrize(
    ("value", "target", "state"),
    [
        (99.9, below(100), MET),
        (100.0, below(100), MISSED),
        (95.1, above(95), MET),
        (95.0, above(95), MISSED),
        (8.0, Target(8, 12), MET),
        (12.0, Target(8, 12), MET),
        (12.1, Target(8, 12), MISSED),
        (7.9, Target(8, 12), MISSED),
        (5.0, None, UNTARGETED),
        (None, below(100), UNKNOWN),
        (None, None, UNKNOWN),
    ],
)
def test_a_value_meets_its_target_or_misses_it(
    value: float | None, target: Target | None, state: str
) -> None:
    assert targets.state(value, target) == state


def test_the_targets_of_the_catalogue_are_those_that_were_asked_for() -> None:
    found = {name: kpi.target.in_words for name, kpi in KPIS.items() if kpi.target}
    assert found == found | {
        "queue_depth": "< 100",
        "failed": "< 5",
        "mean_refresh": "< 60",
        "webhook_time": "< 500",
        "members": "8 to 12",
        "confidence": "> 80",
        "cohesion": "> 7",
        "refresh_success": "> 95",
    }


def test_targets_of_ones_own_replace_the_others_and_none_takes_one_away() -> None:
    by = catalogue.targets_by("queue_depth=50, confidence = 82.5,members=6..10,cohesion=none,")
    assert by["queue_depth"] == below(50)
    assert by["confidence"] == above(82.5)
    assert by["members"] == Target(6, 10)
    assert by["cohesion"] is None
    assert by["failed"] == KPIS["failed"].target
    assert list(by) == list(KPIS)
    assert catalogue.targets_by("provider_cost=5")["provider_cost"] == below(5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queue=50", "there is no KPI 'queue'; there are queue_depth, "),
        ("queue_depth", "queue_depth takes a figure like 100, two like 8..12, or none, not ''"),
        ("queue_depth=many", "queue_depth takes a figure"),
        ("queue_depth=-1", "queue_depth takes a figure"),
        ("queue_depth=1e9", "queue_depth takes a figure"),
        ("members=12..8", "members takes the lower figure first, not '12..8'"),
        ("failed=1,failed=2", "failed is there twice"),
        ("=5", "there is no KPI ''"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_the_name_of_the_kpi(text: str, said: str) -> None:
    with pytest.raises(BadTarget) as refused:
        catalogue.targets_by(text)
    assert str(refused.value).startswith(said)


def test_values_are_judged_in_the_order_of_the_kpis_and_products() -> None:
    by = catalogue.targets_by("")
    found = catalogue.judge(
        [
            Measured("confidence", 79.0, "sales_tool", 3),
            Measured("confidence", 81.0, "finance_system", 3),
            Measured("provider_cost", 1.5),
            Measured("queue_depth", 3.0),
        ],
        by,
    )
    assert [(one.key, one.state) for one in found] == [
        ("queue_depth", MET),
        ("confidence finance_system", MET),
        ("confidence sales_tool", MISSED),
        ("provider_cost", UNTARGETED),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        (0.0, "0 s"),
        (0.4149, "0.41 s"),
        (12.34, "12.3 s"),
        (1234.5, "1234 s"),
        (100.0, "100 s"),
        (10.0, "10 s"),
    ],
)
def test_a_value_is_shown_with_as_many_digits_as_say_something(
    value: float | None, shown: str
) -> None:
    kpi = KPIS["latency_p50"]
    assert Judged(kpi, None, value, None, kpi.target, MET).shown == shown
