"""The asset of the KPIs: its table, figures, pictures and checks, and bad targets."""

import base64
import io
import math
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from bg_assets.assets import kpi_plots, kpi_report
from bg_assets.definitions import defs
from bg_assets.domain.kpis.catalogue import KPIS
from bg_assets.storage.measures.kpis import Point
from bg_assets_tests.refreshing import World

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
GROUP_KPIS = ("members", "members_in_band", "confidence", "completeness", "gaps_blocker")


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where matplotlib keeps what it knows of fonts, which it takes a while to find out."""
    return str(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(autouse=True)
def folder(fonts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", fonts)


def measure(world: World, *, ok: bool = True) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("measure_kpis")
    result = job.execute_in_process(instance=world.instance, raise_on_error=False)
    assert result.success is ok
    return result


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = result.get_asset_materialization_events()
    found = event.step_materialization_data.materialization.metadata
    return {name: one.value for name, one in found.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def test_a_measurement_shows_each_kpi_with_value_target_state_and_meaning(world: World) -> None:
    world.build("acme", "bolt")
    found = shown(measure(world))

    lines = found["kpis"].splitlines()
    assert lines[0] == "| KPI | value | target | state | what it means |"
    assert "| queue depth | 0 companies | < 100 | met |" in found["kpis"]
    assert "| refresh success | 100 % | > 95 | met |" in found["kpis"]
    assert "| members (finance_system) | 6 people | 8 to 12 | **missed** |" in found["kpis"]
    assert "| webhook time (95 %) | unknown | < 500 | nothing to measure |" in found["kpis"]
    assert all(kpi.meaning in found["kpis"] for kpi in KPIS.values())
    assert found["members finance_system"] == 6
    assert found["refresh_success"] == 100
    assert {f"{name} finance_system" for name in GROUP_KPIS} <= set(found)
    assert "members (finance_system)" in found["missed"]
    kept = world.sql("select name, product, state, target from bg.kpi_values where name = any("
                     "array['members', 'refresh_success']) order by 1")  # fmt: skip
    assert kept == [
        ("members", "finance_system", "missed", "8 to 12"),
        ("refresh_success", None, "met", "> 95"),
    ]


def test_a_missed_target_fails_its_check_with_the_severity_of_the_kpi(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build("acme")
    monkeypatch.setenv(
        "BG_KPI_TARGETS", "mean_refresh=0,confidence=99.5,members=none,gaps_blocker=0"
    )
    found = checks(measure(world))

    assert set(found) == {spec.name for spec in kpi_report.SPECS}
    failed = {name: one.severity.value for name, one in found.items() if not one.passed}
    assert failed == {
        "mean_refresh": "ERROR",
        "confidence": "WARN",
        kpi_report.OTHERS: "WARN",
    }
    assert found["members"].description == "members (finance_system): 6 people, no target"
    assert found["cohesion"].description in (
        "cohesion (finance_system): unknown, nothing to measure (> 7)",
    )
    assert str(found["mean_refresh"].description).endswith(", missed (< 0)")


def test_a_target_that_can_not_be_meant_fails_the_run_and_says_which(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_KPI_TARGETS", "queue=100")
    result = measure(world, ok=False)
    (event,) = [one for one in result.all_events if one.is_step_failure]
    assert "BG_KPI_TARGETS: there is no KPI 'queue'" in str(event.step_failure_data.error)
    assert world.sql("select count(*) from bg.kpi_values") == [(0,)]


def test_the_course_of_the_last_day_is_in_three_pictures(world: World) -> None:
    pictures = re.findall(r"!\[(.+?)\]\(data:image/png;base64,([\w+/=]+)\)",
                          shown(measure(world))["last_day"])  # fmt: skip
    assert [heading for heading, _ in pictures] == [plot.heading for plot in kpi_plots.PLOTS]
    for _, encoded in pictures:
        content = base64.b64decode(encoded)
        with Image.open(io.BytesIO(content)) as image:
            assert (image.format, image.size) == ("PNG", (504, 126))
        assert len(content) < 5000


def test_without_matplotlib_the_table_stands_and_says_what_to_install(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = shown(measure(world))
    assert "pip install matplotlib" in found["last_day"]
    assert "queue depth" in found["kpis"]


def test_the_line_of_a_course_breaks_where_nothing_was_measured() -> None:
    def point(minutes: float, value: float | None) -> Point:
        return Point(NOW - timedelta(minutes=minutes), value)

    hours, values = kpi_plots.line(
        [point(120, 1.0), point(115, None), point(110, 2.0), point(60, 3.0)], NOW
    )
    assert [round(one, 2) for one in hours] == [-2.0, -1.92, -1.83, -1.0, -1.0]
    assert [str(one) for one in values] == ["1.0", "nan", "2.0", "nan", "3.0"]
    assert kpi_plots.lone(values) == [0, 2, 4]
    assert kpi_plots.lone([1.0, 2.0, math.nan, 3.0, math.nan]) == [3]


def test_what_was_measured_once_is_seen_and_on_an_axis_of_two_hours(tmp_path: Path) -> None:
    def coloured(points: list[Point]) -> list[set[int]]:
        """Of each picture the columns in which there is colour; targets are grey dashes."""
        text = kpi_plots.markdown(
            dict.fromkeys(kpi_plots.NAMES, points), dict.fromkeys(kpi_plots.NAMES), NOW, tmp_path
        )
        found = []
        for encoded in re.findall(r"base64,([\w+/=]+)", text):
            with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
                colour = image.convert("HSV").getchannel("S").tobytes()
                found.append({place % 504 for place, one in enumerate(colour) if one > 100})
        return found

    assert coloured([]) == [set(), set(), set()]
    once = coloured([Point(NOW - timedelta(minutes=30), 40.0)])
    assert all(found and 360 < min(found) <= max(found) < 420 for found in once[:2])
