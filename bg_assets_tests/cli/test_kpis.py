"""`kpis` tells what the asset of the KPIs tells, of now."""

import pytest

from bg_assets.domain.kpis.catalogue import KPIS
from bg_assets_tests.cli.command import Command


def test_a_table_for_people_and_a_document_for_programs(bg: Command) -> None:
    done = bg("kpis")
    assert done.code == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["KPI", "value", "target", "state"]
    assert ["queue_depth", "0", "companies", "<", "100", "met"] in lines
    assert ["latency_p95", "unknown", "<", "60", "nothing", "to", "measure"] in lines

    document = bg.json("kpis", "--since", "6h")
    assert document["seconds"] == 21600
    assert [one["name"] for one in document["kpis"]] == list(KPIS)
    assert document["kpis"][0] == {
        "name": "queue_depth", "product": None, "value": 0, "unit": "companies", "of": None,
        "target": {"least": None, "most": 100}, "state": "met", "severity": "error",
    }  # fmt: skip


def test_a_missed_target_ends_with_1(bg: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BG_KPI_TARGETS", "processing_rate=5")
    done = bg("kpis")
    assert done.code == 1
    assert "missed" in done.out


def test_the_targets_are_those_of_what_runs(bg: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    bg.execute("insert into bg.instance_settings values ('BG_KPI_TARGETS', 'queue_depth=7')")
    monkeypatch.setenv("BG_KPI_TARGETS", "queue_depth=8")
    done = bg("kpis")
    assert "BG_KPI_TARGETS is queue_depth=8 here and queue_depth=7 where bg-assets runs" in done.err
    assert "< 7" in done.out


@pytest.mark.parametrize(
    ("targets", "arguments", "said"),
    [
        ("queue=1", (), "BG_KPI_TARGETS: there is no KPI 'queue'; there are queue_depth"),
        ("", ("--since", "yesterday"), "'yesterday' is no length of time like 90d, 12h or 30m"),
    ],
)
def test_what_can_not_be_meant_is_an_error_of_usage(
    bg: Command,
    monkeypatch: pytest.MonkeyPatch,
    targets: str,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("BG_KPI_TARGETS", targets)
    done = bg("kpis", *arguments)
    assert done.code == 2
    assert said in " ".join(done.err.split())
