"""The templates in force: from files, as long as they are good, and what is told when not."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.domain.enrichment.asking import Level
from bg_assets.domain.products.places import BadTemplate
from bg_assets.local import up
from bg_assets.products import in_force
from bg_assets.storage import templates
from bg_assets_tests.domain.products.texts import GOOD
from bg_assets_tests.storage.rows import insert, rows, run

NAMES = ("finance_system", "small")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def stored(engine: sa.Engine) -> dict[str, templates.Stored]:
    with engine.begin() as conn:
        return templates.read(conn)


def mistakes(engine: sa.Engine) -> list[str]:
    with engine.begin() as conn:
        return list(templates.read_mistakes(conn))


def test_what_loads_is_kept_with_its_hash_and_text(engine: sa.Engine, folder: Path) -> None:
    force = in_force.keep(engine, folder, NAMES)
    assert list(force.templates) == list(NAMES)
    assert (force.mistakes, force.last_good, force.warning) == ((), (), None)
    kept = stored(engine)
    assert sorted(kept) == sorted(NAMES)
    assert kept["small"].text == GOOD
    assert kept["small"].hash == force.templates["small"].hash


def test_what_a_template_says_of_providers_is_kept_though_no_group_hangs_on_it(
    engine: sa.Engine, folder: Path
) -> None:
    in_force.keep(engine, folder, NAMES)
    since = stored(engine)["small"].loaded_at
    (folder / "small.yaml").write_text(GOOD + "enrichment: enrich\n", encoding="utf-8")
    in_force.keep(engine, folder, NAMES)
    (folder / "small.yaml").write_text("broken", encoding="utf-8")
    last_good = in_force.in_force(engine, folder, NAMES).templates["small"]
    assert last_good.enrichment is Level.ENRICH
    assert stored(engine)["small"].loaded_at == since


@pytest.mark.parametrize("how", ["broken", "gone", "twice", "no folder"])
def test_a_file_that_goes_bad_leaves_the_last_good_one_in_force(
    engine: sa.Engine, folder: Path, how: str
) -> None:
    before = in_force.keep(engine, folder, NAMES)
    if how == "broken":
        (folder / "small.yaml").write_text(GOOD.replace("it: 0.5", "it: -5"), encoding="utf-8")
    elif how == "gone":
        (folder / "small.yaml").unlink()
    elif how == "twice":
        (folder / "again.yaml").write_text(GOOD, encoding="utf-8")
    else:
        folder = folder / "nowhere"
    after = in_force.keep(engine, folder, NAMES)
    assert after.templates == before.templates
    assert after.last_good == ("small",)
    assert "the last good one is used for small" in (after.warning or "")
    assert mistakes(engine) == sorted(after.mistakes)
    if how == "broken":
        assert f"{folder / 'small.yaml'}, line 8: -5 is outside of 0 to 1" in after.mistakes


def test_a_file_that_is_mended_is_in_force_and_nothing_is_told_any_more(
    engine: sa.Engine, folder: Path
) -> None:
    in_force.keep(engine, folder, NAMES)
    (folder / "small.yaml").write_text("", encoding="utf-8")
    in_force.keep(engine, folder, NAMES)
    (folder / "small.yaml").write_text(GOOD.replace("60000", "70000"), encoding="utf-8")
    force = in_force.keep(engine, folder, NAMES)
    assert force.templates["small"].deal_size == 70_000
    assert stored(engine)["small"].hash == force.templates["small"].hash
    assert mistakes(engine) == []


def test_a_bad_file_of_a_product_that_nobody_uses_is_told_and_changes_nothing(
    engine: sa.Engine, folder: Path
) -> None:
    (folder / "other.yaml").write_text("name: [", encoding="utf-8")
    force = in_force.keep(engine, folder, NAMES)
    assert force.last_good == ()
    assert "other.yaml, line 1" in (force.warning or "")


def test_without_any_good_one_it_is_a_clear_failure_that_is_told_too(
    engine: sa.Engine, folder: Path
) -> None:
    with pytest.raises(BadTemplate, match="no template is named 'smal'; did you mean small"):
        in_force.keep(engine, folder, ["smal"])
    assert len(mistakes(engine)) == 1


def test_up_does_not_start_without_a_template_and_tells_of_a_last_good_one(
    database_url: str, engine: sa.Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_TEMPLATES", str(folder))
    monkeypatch.setenv("BG_PRODUCTS", "small")
    (folder / "small.yaml").write_text("", encoding="utf-8")
    with pytest.raises(BadTemplate, match="the file is empty"):
        up.check_templates(settings.read())
    (folder / "small.yaml").write_text(GOOD, encoding="utf-8")
    assert up.check_templates(settings.read()) == []
    in_force.keep(engine, folder, ["small"])
    (folder / "small.yaml").write_text("", encoding="utf-8")
    (told,) = up.check_templates(settings.read())
    assert "the last good one is used for small" in told


def test_who_only_asks_is_answered_and_nothing_is_kept(engine: sa.Engine, folder: Path) -> None:
    (folder / "other.yaml").write_text("name: [", encoding="utf-8")
    in_force.keep(engine, folder, NAMES)
    before = stored(engine), mistakes(engine)
    (folder / "small.yaml").write_text(GOOD.replace("60000", "70000"), encoding="utf-8")
    (folder / "other.yaml").unlink()
    force = in_force.in_force(engine, folder, ["small"])
    assert force.templates["small"].deal_size == 70_000
    with pytest.raises(BadTemplate):
        in_force.in_force(engine, folder, ["nobody"])
    assert (stored(engine), mistakes(engine)) == before


def test_a_new_product_asks_for_no_company_where_it_is_not_sold_however_that_is_spelled(
    engine: sa.Engine, folder: Path
) -> None:
    (folder / "small.yaml").write_text(f"{GOOD}\nregions: [GB]\n", encoding="utf-8")
    countries = {"a": "U.K.", "b": "Allemagne", "c": None, "d": " FRA ", "e": "Narnia", "f": "IRL"}
    for company_id, country in countries.items():
        insert(engine, "bg.companies", id=company_id, name="Some", country=country)
    run(engine, "delete from bg.changes")
    force = in_force.keep(engine, folder, ["small"])
    assert in_force.raise_changes(engine, force) == 3
    asked = rows(engine, "select company_id from bg.changes order by company_id")
    assert [row["company_id"] for row in asked] == ["a", "c", "e"]


def test_a_mistake_beside_the_products_is_told_and_no_product_is_said_to_be_older(
    engine: sa.Engine, folder: Path
) -> None:
    (folder / "other.yaml").write_text("name: [", encoding="utf-8")
    force = in_force.keep(engine, folder, NAMES)
    assert force.last_good == ()
    assert "other.yaml, line 1" in (force.warning or "")
    assert "last good" not in (force.warning or "")


def test_a_product_that_nobody_knows_is_told_beside_a_file_that_is_bad(
    engine: sa.Engine, folder: Path
) -> None:
    (folder / "other.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(BadTemplate) as bad:
        in_force.keep(engine, folder, [*NAMES, "nowhere"])
    assert "other.yaml, line 1" in str(bad.value)
    assert "no template is named 'nowhere'" in str(bad.value)
