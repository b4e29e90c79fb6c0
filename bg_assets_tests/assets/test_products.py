"""Several products in one refresh, products that come and go, and templates that change."""

from pathlib import Path

import dagster as dg
import pytest

from bg_assets import sensors
from bg_assets.assets import versions
from bg_assets.domain.values import countries
from bg_assets.products.files import SHIPPED, load_templates
from bg_assets_tests.refreshing import World, metadata

FINANCE = (SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")


@pytest.fixture
def both(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("BG_PRODUCTS", "finance_system,hr_system")
    return world


@pytest.fixture
def own(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the only product, in a folder of its own."""
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", "books")
    path = tmp_path / "books.yaml"
    path.write_text(FINANCE.replace("name: finance_system", "name: books"), encoding="utf-8")
    return path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def follow(world: World) -> dict[str, list[str]]:
    """A tick and its runs; the causes that each company was refreshed for."""
    sensors.follow_templates(world.engine)
    found: dict[str, list[str]] = {}
    for request in world.claim():
        world.run(request)
        found |= {company: list(request.reasons) for company in request.companies}
    return found


def hashes(world: World, company: str) -> dict[str, str]:
    rows = world.sql(
        "select product, template_hash from bg.buyer_groups where company_id = :c", c=company
    )
    return {row[0]: row[1] for row in rows}


def test_one_refresh_gives_a_group_for_each_product(both: World) -> None:
    both.add("acme")
    (request,) = both.claim()
    shown = metadata(both, both.run(request))["acme"]
    known = load_templates()
    assert hashes(both, "acme") == {
        name: known[name].hash for name in ("finance_system", "hr_system")
    }
    names = ("finance_system", "hr_system")
    assert shown["members"] == sum(shown[f"{name}: members"] for name in names)
    for figure in ("completeness", "confidence"):
        each = [shown[f"{name}: {figure}"] for name in names]
        assert shown[figure] == pytest.approx(sum(each) / 2, abs=1e-4)
    head, _, *lines = shown["products"].splitlines()
    assert head == "| product | members | completeness | confidence | cohesion | gaps |"
    assert [line.split(" | ")[:2] for line in lines] == [
        [f"| {name}", str(shown[f"{name}: members"])] for name in names
    ]
    assert sum(int(line.split(" | ")[-1].strip(" |")) for line in lines) == len(shown["gaps"])
    assert "**finance_system**" in shown["group"]
    assert "**hr_system**" in shown["group"]
    assert set(shown["template_hash"].split(", ")) == set(hashes(both, "acme").values())
    assert {gap["product"] for gap in shown["gaps"]} <= {"finance_system", "hr_system"}
    assert both.status("acme") == ["completed"]


def test_a_new_product_comes_to_the_companies_that_lack_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(world)
    world.build("acme", "bolt")
    monkeypatch.setenv("BG_PRODUCTS", "finance_system,hr_system")
    assert follow(world) == {
        "acme": ["a new product: hr_system"],
        "bolt": ["a new product: hr_system"],
    }
    assert set(hashes(world, "acme")) == {"finance_system", "hr_system"}
    assert follow(world) == {}


def test_a_removed_product_goes_with_the_next_refresh_and_its_members_leave_in_the_history(
    both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.build("acme")
    monkeypatch.setenv("BG_PRODUCTS", "hr_system")
    assert follow(both) == {}
    assert set(hashes(both, "acme")) == {"finance_system", "hr_system"}
    both.execute("acme")
    assert set(hashes(both, "acme")) == {"hr_system"}
    ((because, product),) = set(
        both.sql("select because, product from bg.buyer_group_history where event = 'left'")
    )
    assert (because, product) == ("the product is no longer tracked", "finance_system")


def test_a_changed_template_refreshes_exactly_the_groups_it_built(world: World, own: Path) -> None:
    world.build("acme", "bolt")
    assert follow(world) == {}
    before = hashes(world, "acme")
    edit(own, "deal_size: 120000", "deal_size: 40000")
    world.sql("update bg.buyer_groups set template_hash = :h where company_id = 'bolt'",
              h=load_templates(own.parent)["books"].hash)  # fmt: skip
    assert follow(world) == {"acme": ["a template changed: books"]}
    assert hashes(world, "acme") != before
    assert follow(world) == {}
    ((source, kind),) = set(
        world.sql("select source, kind from bg.changes where source = 'template'")
    )
    assert (source, kind) == ("template", "resync")


def test_a_note_or_another_layout_changes_no_group(world: World, own: Path) -> None:
    world.build("acme")
    own.write_text("# a note\n" + own.read_text(encoding="utf-8"), encoding="utf-8")
    assert follow(world) == {}


def test_a_refresh_for_a_template_starts_no_interval(world: World, own: Path) -> None:
    world.build("acme")
    edit(own, "deal_size: 120000", "deal_size: 40000")
    assert follow(world) == {"acme": ["a template changed: books"]}
    ((starts,),) = set(world.sql("select starts_interval from bg.buyer_group_refresh_log"))
    assert starts is False


def test_a_run_with_a_bad_template_takes_the_last_good_one_and_says_so(
    world: World, own: Path
) -> None:
    follow(world)
    world.build("acme")
    before = hashes(world, "acme")
    edit(own, "  it: 0.8", "  it: -0.8")
    shown = metadata(world, world.execute("acme"))["acme"]
    assert "line 12: -0.8 is outside of 0 to 1" in shown["template_error"]
    assert "the last good one is used for books" in shown["template_error"]
    assert hashes(world, "acme") == before
    edit(own, "  it: -0.8", "  it: 0.8")
    assert "template_error" not in metadata(world, world.execute("acme"))["acme"]


@pytest.mark.slow
def test_a_run_without_any_good_template_fails_and_loses_no_change(world: World, own: Path) -> None:
    own.write_text("", encoding="utf-8")
    world.add("acme")
    (request,) = world.claim()
    result = world.run(request, ok=False)
    failure = str(result.all_events)
    assert "the file is empty; start from a shipped template" in failure
    assert world.pending() == 7


def test_where_a_product_is_not_sold_there_is_no_group(world: World, own: Path) -> None:
    world.build("acme", "bolt")
    world.sql("update bg.companies set country = 'U.K.' where id = 'acme'")
    world.sql("delete from bg.changes where refresh_id is null")
    edit(own, "deal_size: 120000", "deal_size: 120000\nregions: [FR, DE]")
    assert set(follow(world)) == {"acme", "bolt"}
    assert hashes(world, "acme") == {}
    assert list(hashes(world, "bolt")) == ["books"]
    assert follow(world) == {}
    ((because,),) = set(
        world.sql("select because from bg.buyer_group_history where event = 'left'")
    )
    assert because == "not sold in GB, only in DE, FR"
    shown = metadata(world, world.execute("acme"))["acme"]
    assert (shown["members"], shown["not_sold"]) == (0, {"books": because})
    assert "not_sold" not in metadata(world, world.execute("bolt"))["bolt"]


def test_the_code_version_follows_the_templates_of_the_products(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = versions.of_groups()
    edit(own, "deal_size: 120000", "deal_size: 130000")
    second = versions.of_groups()
    monkeypatch.setenv("BG_PRODUCTS", "books,hr_system")
    third = versions.of_groups()
    own.write_text("", encoding="utf-8")
    fourth = versions.of_groups()
    assert len({first, second, third, fourth}) == 4
    monkeypatch.setattr(countries, "table", dict)
    assert versions.of_groups() != fourth
    monkeypatch.setenv("BG_PRODUCTS", "")
    assert versions.of_groups() == "4"


def test_a_partition_carries_the_code_version_by_which_it_was_built(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    world.run(request)
    event = world.instance.get_latest_materialization_event(dg.AssetKey("buyer_groups"))
    assert event is not None
    assert event.asset_materialization is not None
    tags = event.asset_materialization.tags or {}
    assert tags["dagster/code_version"] == versions.of_groups()
    kept = world.sql("select distinct lexicon_version from bg.company_people")
    assert kept == [(versions.of_people(),)]
