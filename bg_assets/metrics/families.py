"""Families of metrics from plain values, one call each: no name is made anywhere else but there.

Names follow Prometheus' conventions: base units, ``_total`` for what only grows. Values of labels
are few words, ids of products, providers, webhook sources and hosts: never of companies or people.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

_Key = TypeVar("_Key", bound=str | tuple[str, ...])


def gauge(name: str, text: str, value: float | None) -> Metric:
    """One value that goes up and down; no sample where it is unknown."""
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], value)
    return family


def gauges(name: str, text: str, labels: Sequence[str], values: Mapping[_Key, float]) -> Metric:
    """Values that go up and down, by the values of their labels."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(_key(key), value)
    return family


def counter(name: str, text: str, value: float) -> Metric:
    """One value that only grows; the name without its ``_total``."""
    return CounterMetricFamily(name, text, value=value)


def counters(name: str, text: str, labels: Sequence[str], values: Mapping[_Key, float]) -> Metric:
    """Values that only grow, by the values of their labels; the name without its ``_total``."""
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(_key(key), value)
    return family


def histogram(
    name: str,
    text: str,
    bounds: Sequence[float],
    values: Mapping[tuple[str, ...], tuple[Sequence[int], float]],
    labels: Sequence[str] = (),
) -> Metric:
    """Times by bucket, of which the last is beyond all bounds; not cumulative, with their sum."""
    family = HistogramMetricFamily(name, text, labels=labels)
    uppers = [*(f"{bound:.15g}" for bound in bounds), "+Inf"]
    for key, (numbers, seconds) in values.items():
        buckets = list(zip(uppers, accumulate(numbers), strict=True))
        family.add_metric(list(key), buckets=buckets, sum_value=seconds)
    return family


def _key(key: str | tuple[str, ...]) -> list[str]:
    return [key] if isinstance(key, str) else list(key)
