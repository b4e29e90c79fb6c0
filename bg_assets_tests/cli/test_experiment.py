"""`experiment`: started, compared and stopped as a user types it, with real refreshes between."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bg_assets import sensors
from bg_assets.assets import template_experiments
from bg_assets.domain.products.template import parse_template
from bg_assets.products.files import SHIPPED
from bg_assets_tests import refreshing
from bg_assets_tests.cli.command import Command
from bg_assets_tests.refreshing import World

instance = refreshing.instance
world = refreshing.world

FINANCE = (SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
SAME = FINANCE.replace("version: 1", "version: 2")
# A deal so small asks for fewer people, and for no blocker.
SMALLER = SAME.replace("deal_size: 120000", "deal_size: 40000").replace(
    "    required: 1\n    priority: 3", "    required: 0\n    priority: 3"
)
# Nobody but a treasurer champions it.
OTHER_TITLES = re.sub(
    r"(?s)(  champion:.*?any:\n).*?(    never:)",
    r"\1      - {titles: [treasurer], functions: [finance], fit: 1}\n\2",
    SAME,
)


def digest(text: str) -> str:
    return parse_template(text, "a test").hash


@pytest.fixture
def small(bg: Command) -> Path:
    return bg.file("small.yaml", SMALLER)


def follow(world: World) -> None:
    """Ticks and their runs until nothing is due."""
    while True:
        sensors.follow_templates(world.engine)
        requests = world.claim()
        if not requests:
            return
        for request in requests:
            world.instance.add_dynamic_partitions("companies", list(request.companies))
            world.run(request)


def as_always(bg: Command) -> None:
    """Divide the companies the same way each time: by the same id."""
    bg.execute("update bg.experiments set id = '00000000-0000-4000-8000-000000000001'")


def verdicts(bg: Command) -> dict[str, str]:
    (one,) = bg.json("experiment", "show")
    return {each["name"]: each["verdict"] for each in one["report"]["comparisons"]}


def test_one_is_started_shown_and_stopped(bg: Command, world: World, small: Path) -> None:
    assert bg("experiment", "show").out.startswith("no experiment was ever started")
    world.build(*(f"co-{number}" for number in range(4)))
    done = bg("experiment", "start", "finance_system", "--against", small, "--share", 20)
    assert (done.code, done.err) == (0, "")
    assert f"a is version 1 ({digest(FINANCE)}), which is in force" in done.out
    assert f"b is version 2 ({digest(SMALLER)})" in done.out
    assert "20 of a hundred companies are to be shown b" in done.out
    follow(world)
    for company in ("co-0", "co-1"):
        world.execute(company)

    (one,) = bg.json("experiment", "show", "finance_system")
    assert set(one) == {
        "id", "product", "share", "a", "b", "started_at", "started_by", "arranged_at",
        "stopped_at", "stopped_by", "kept", "in_force", "report", "tracked",
    }  # fmt: skip
    assert (one["a"], one["b"], one["share"]) == (digest(FINANCE), digest(SMALLER), 20)
    said = one["report"]
    assert said["both"] >= 2
    assert said["a"]["companies"] + said["b"]["companies"] == 4
    assert (said["accepts"], said["rejects"], said["feedback"]) == (
        None, None, "no feedback recorded",
    )  # fmt: skip
    assert set(verdicts(bg).values()) == {"too_few"}
    lines = bg("experiment", "show").out
    assert "too early to tell" in lines
    assert "the data can't tell: only" in lines
    assert "accepts" in lines
    assert "no feedback recorded" in lines

    over = bg.json("experiment", "stop", "--keep", "b")
    assert (over["kept"], over["in_force"], over["report"]["both"]) == ("b", True, said["both"])
    assert "version b stays in force until its file changes" in bg("experiment", "show").out
    assert bg("experiment", "show", "finance_system", "--template", "b").out == SMALLER
    told = bg.rows("select actor <> '', action from bg.audit_log order by id")
    assert told == [(True, "experiment.started"), (True, "experiment.stopped")]
    follow(world)
    assert bg.rows("select distinct template_hash from bg.buyer_groups") == [(digest(SMALLER),)]
    (known,) = bg.json("status")["templates"]["in_force"]
    assert (known["hash"], known["old_groups"]) == (digest(SMALLER), 0)


def test_status_tells_of_it_and_counts_no_group_of_the_other_version_as_old(
    bg: Command, world: World, small: Path
) -> None:
    world.build(*(f"co-{number}" for number in range(6)))
    follow(world)
    assert bg("experiment", "start", "finance_system", "--against", small, "--share", 99).code == 0
    follow(world)
    assert (digest(SMALLER),) in bg.rows("select distinct template_hash from bg.buyer_groups")
    document = bg.json("status")["templates"]
    assert [one["old_groups"] for one in document["in_force"]] == [0]
    assert [one["product"] for one in document["experiments"]] == ["finance_system"]
    assert "finance_system: an experiment runs since" in bg("status").out
    done = bg.json("resync", "--all")
    assert (done["compared"], done["differing"], done["of_old_templates"]) == (6, [], 0)


def test_why_explains_by_the_version_that_the_company_is_shown(
    bg: Command, world: World, small: Path
) -> None:
    world.build("co-6", "co-7")
    assert bg("experiment", "start", "finance_system", "--against", small).code == 0
    as_always(bg)
    follow(world)
    shown = dict(bg.rows("select company_id, template_hash from bg.buyer_groups"))
    assert set(shown.values()) == {digest(FINANCE), digest(SMALLER)}
    answers: dict[str, list[bool]] = {}
    for company in shown:
        for who in ("fc", "pm", "cio"):
            (group,) = bg.json("why", company, f"{company}-{who}")["groups"]
            assert group["member"] is group["in_group"]
            answers.setdefault(shown[company], []).append(group["member"])
    assert all(answers[digest(FINANCE)])
    assert not all(answers[digest(SMALLER)])


BAD = {
    "a mistake": ("deal_size: 120000", "deal_size: -1", 2, "line 7"),
    "another product": ("name: finance_system", "name: other", 2, "a template of 'other'"),
    "other countries": ("deal_size: 120000", "deal_size: 120000\nregions: [DE]", 2,
                        "a is sold in all countries, b in DE"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_can_not_be_compared_is_refused_before_anything_is_changed(
    bg: Command, what: str
) -> None:
    old, new, code, said = BAD[what]
    done = bg("experiment", "start", "finance_system", "--against",
              bg.file("b.yaml", FINANCE.replace(old, new)))  # fmt: skip
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    for table in ("experiments", "template_versions", "audit_log", "changes"):
        assert bg.value(f"select count(*) from bg.{table}") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("start", "finance_sistem", "--against", "x"), "did you mean finance_system?"),
        (("start", "hr_system", "--against", "x"), "hr_system is not in BG_PRODUCTS"),
        (("start", "finance_system", "--against", "nowhere.yaml"), "no such file"),
        (("start", "finance_system", "--against", "0123abcd"), "no template of finance_system"),
        (("start", "finance_system", "--against", "x", "--share", "100"), "1<=x<=99"),
        (("show", "finance_system"), "there never was an experiment on 'finance_system'"),
        (("stop",), "no experiment runs"),
        (("show", "--template", "a"), "say of which product"),
    ],
)
def test_what_is_typed_wrong_is_2_and_says_what_to_do(
    bg: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = bg("experiment", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_second_one_for_the_product_is_refused(bg: Command, small: Path) -> None:
    start = "experiment", "start", "finance_system", "--against", small
    assert bg(*start).code == 0
    done = bg(*start)
    assert done.code == 2
    assert "end it first: bg-assets experiment stop finance_system" in done.err
    assert bg("experiment", "stop", "finance_system").code == 0
    done = bg("experiment", "stop", "finance_system")
    assert (done.code, "no experiment on finance_system runs" in done.err) == (2, True)


def test_a_hash_names_a_template_that_was_in_force_or_was_tried_once(
    bg: Command, small: Path
) -> None:
    assert bg("experiment", "start", "finance_system", "--against", small).code == 0
    assert bg("experiment", "stop").code == 0
    done = bg.json("experiment", "start", "finance_system", "--against", digest(SMALLER)[:6])
    assert done["b"] == digest(SMALLER)


def test_a_template_against_itself_is_an_experiment_that_says_so(bg: Command, world: World) -> None:
    world.build("acme", "bolt")
    done = bg("experiment", "start", "finance_system", "--against", digest(FINANCE))
    assert (done.code, "whatever differs is a false alarm" in done.err) == (0, True)
    follow(world)
    assert bg.value("select count(*) from bg.changes where source = 'template'") == 0
    assert bg.json("experiment", "stop")["report"]["a"]["companies"] >= 0


def people(bg: Command, world: World, tmp_path: Path, companies: int) -> None:
    """Sample companies, imported as a user does, with their first groups."""
    assert bg("sample", tmp_path / "sample", "--companies", companies).code == 0
    for what in ("companies", "people"):
        assert bg("import", what, tmp_path / "sample" / f"{what}.csv").code == 0
    follow(world)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "differing"),
    [(SAME, set()), (SMALLER, {"size"}), (OTHER_TITLES, {"size", "completeness"})],
    ids=["nothing", "fewer members", "other titles"],
)
def test_what_differs_on_the_sample_is_found_and_nothing_where_nothing_does(
    bg: Command, world: World, tmp_path: Path, text: str, differing: set[str]
) -> None:
    people(bg, world, tmp_path, 40)
    against = bg.file("b.yaml", text)
    start = "experiment", "start", "finance_system", "--against", against, "--share", 99
    assert bg(*start).code == 0
    as_always(bg)
    follow(world)
    (one,) = bg.json("experiment", "show")
    assert one["report"]["both"] >= 30
    found = {name for name, verdict in verdicts(bg).items() if verdict == "differs"}
    overlap = one["report"]["overlaps"][0]["value"]
    if differing:
        assert differing <= found
        assert "overrides" not in found
        assert overlap < 1
    else:
        assert found == set()
        assert overlap == 1
        assert (
            "no difference: the same members, confidence, completeness at"
            in one["report"]["conclusion"]
        )


@pytest.mark.slow
def test_what_humans_say_is_compared_between_those_that_see_a_and_those_that_see_b(
    bg: Command, world: World, small: Path
) -> None:
    """Every third company that is shown b has somebody pinned, and none that is shown a."""
    bg.execute(
        "insert into bg.companies (id, name, employee_min, employee_max) "
        "select 'co-' || g, 'Company ' || g, 200, 200 from generate_series(1, 120) as g"
    )
    bg.execute(
        "insert into bg.people (id, company_id, title) "
        "select 'p-' || g, 'co-' || g, 'CFO' from generate_series(1, 120) as g"
    )
    follow(world)
    assert bg("experiment", "start", "finance_system", "--against", small).code == 0
    as_always(bg)
    follow(world)
    shown_b = [row[0] for row in bg.rows(
        "select company_id from bg.buyer_groups where template_hash = :b order by 1",
        b=digest(SMALLER))]  # fmt: skip
    for company in shown_b[::3]:
        who = f"p-{company.removeprefix('co-')}"
        assert bg("pin", company, who, "--reason", "the group lacks them").code == 0
    (one,) = bg.json("experiment", "show")
    said = one["report"]
    assert (said["a"]["overridden"], said["b"]["overridden"]) == (0, len(shown_b[::3]))
    assert verdicts(bg)["overrides"] == "differs"
    follow(world)
    result = world_materialized(world)
    assert "pins" in result["finance_system"]
    assert result["finance_system: companies with both groups"] == len(shown_b)


def world_materialized(world: World) -> dict[str, Any]:
    """The metadata of the asset, materialized by its own job."""
    from bg_assets.definitions import defs

    job = defs.resolve_job_def("compare_experiments")
    done = job.execute_in_process(instance=world.instance)
    assert done.success
    (event,) = done.get_asset_materialization_events()
    found = event.step_materialization_data.materialization.metadata
    return {name: value.value for name, value in found.items()}


def test_the_asset_says_that_no_experiment_runs(world: World) -> None:
    assert world_materialized(world) == {
        "because": template_experiments.NOTHING_RUNS, "experiments": 0,
    }  # fmt: skip


def test_the_asset_has_a_table_in_words_and_numbers_and_nobodys_name(
    bg: Command, world: World, small: Path
) -> None:
    world.build(*(f"co-{number}" for number in range(4)))
    assert bg("experiment", "start", "finance_system", "--against", small, "--share", 99).code == 0
    follow(world)
    found = world_materialized(world)
    assert found["finance_system: conclusion"].startswith("too early to tell")
    table = found["finance_system"]
    assert "| figure | a | b | b - a | 95 % interval | companies | what it says |" in table
    assert "| accepts |  |  |  |  |  | no feedback recorded |" in table
    assert "decide before how long to wait" in table
    assert found["finance_system: members, b - a"] < 0
    assert found["finance_system: figures that differ"] == 0
    assert "Zebulon" not in json.dumps(found)
    assert bg("experiment", "stop", "finance_system", "--keep", "b").code == 0
    last = world_materialized(world)
    assert (last["experiments"], last["because"]) == (0, template_experiments.NOTHING_RUNS)
    assert last["finance_system: members, b - a"] == found["finance_system: members, b - a"]
    assert "**Stopped** 20" in last["finance_system"]
    assert ": version b is kept. From 20" in last["finance_system"]
    assert "Zebulon" not in json.dumps(last)
