"""What experiments do to templates and products, told where one looks."""

from pathlib import Path

import pytest

from bg_assets import sensors, settings
from bg_assets.cli.doctor import CHECKS
from bg_assets.domain.products.template import parse_template
from bg_assets.health.findings import Patient, examine
from bg_assets.products.files import SHIPPED
from bg_assets_tests.cli.command import Command

FINANCE = (SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
SMALLER = FINANCE.replace("version: 1", "version: 2").replace(
    "deal_size: 120000", "deal_size: 40000"
)
A, B = (parse_template(text, "a test").hash for text in (FINANCE, SMALLER))


@pytest.fixture
def started(bg: Command) -> Command:
    """An experiment on a product."""
    file = bg.file("small.yaml", SMALLER)
    assert bg("experiment", "start", "finance_system", "--against", file).code == 0
    return bg


def listed(bg: Command) -> str:
    """What `templates list` says of the product."""
    told = bg("templates", "list")
    assert (told.code, told.err) == (0, "")
    _, _, rest = told.out.partition("finance_system (")
    return rest.partition("hr_system (")[0]


def finding(bg: Command) -> tuple[str, str, str]:
    """What `doctor` finds of experiments."""
    patient = Patient(settings.read())
    (one,) = examine(patient, [each for each in CHECKS if each[0] == "experiments"])
    patient.close()
    return one.level, one.said, one.todo


def test_templates_list_says_that_an_experiment_runs(started: Command) -> None:
    assert f"an experiment runs: a is {A}, b {B}" in listed(started)
    (row,) = (one for one in started.json("templates", "list") if one["name"] == "finance_system")
    assert row["experiment"] == {
        "runs": True, "kept": None, "hash": A, "version": 1, "other": B,
    }  # fmt: skip


def test_templates_list_says_what_a_stop_has_kept_until_the_file_changes(started: Command) -> None:
    assert started("experiment", "stop", "--keep", "b").code == 0
    assert f"not in force: version b of its last experiment is ({B}, version 2)" in listed(started)
    started.execute("update bg.experiments set file_hash = 'of another file'")
    assert "experiment" not in listed(started)


def test_templates_list_says_nothing_of_a_stop_that_kept_nothing(started: Command) -> None:
    assert started("experiment", "stop").code == 0
    assert "experiment" not in listed(started)


def test_templates_list_goes_by_files_alone_where_no_database_answers(
    bg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", f"postgresql://x@/nothing?host={tmp_path}")
    done = bg("templates", "list")
    assert done.code == 0
    assert "whether experiments keep other versions is not known:" in " ".join(done.err.split())
    assert "finance_system (version 1" in done.out


def test_templates_list_makes_no_database(
    bg: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BG_DATABASE_URL")
    monkeypatch.setenv("BG_HOME", str(tmp_path / "nobody"))
    assert bg("templates", "list").err == ""
    assert not (tmp_path / "nobody").exists()


def test_an_experiment_whose_product_is_tracked_no_more_is_told_where_one_looks(
    started: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finding(started)[:2] == ("ok", "on finance_system")
    assert "not in BG_PRODUCTS" not in started("experiment", "show").out
    monkeypatch.setenv("BG_PRODUCTS", "hr_system")
    said = "finance_system is not in BG_PRODUCTS: its experiment has nothing to compare"
    for command in (("experiment", "show"), ("status",)):
        assert said in " ".join(started(*command).out.split()), command
    assert finding(started)[:2] == ("warn", said)
    assert "bg-assets experiment stop finance_system" in finding(started)[2]
    (one,) = started.json("experiment", "show")
    assert one["tracked"] is False
    assert started("experiment", "stop", "finance_system").code == 0
    assert finding(started)[:2] == ("ok", "none runs")
    assert sensors.follow_templates(started.engine) == []
