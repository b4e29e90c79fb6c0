"""What tests of spans share: a process whose variables ask for spans, as if it had just started."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bg_assets.tracing import exporting, spans
from bg_assets_tests.tracing import collector as collectors
from bg_assets_tests.tracing.collector import Collector


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: nobody has looked at the variables yet."""
    monkeypatch.setattr(spans, "_on", None)


@contextmanager
def to_collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector, to which this process sends its spans; ``spans.close`` sends them at once."""
    with collectors.listening() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
        # On a busy machine the bound of a process that ends is no bound for a test.
        monkeypatch.setattr(exporting, "CLOSE_SECONDS", 60)
        forget(monkeypatch)
        try:
            yield made
        finally:
            spans.close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """The same as a fixture."""
    with to_collector(monkeypatch) as made:
        yield made
