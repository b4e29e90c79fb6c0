"""The checks on buyer_groups: about all groups, told by whatever kind of run, with who fails."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import dagster as dg
import pytest

from bg_assets.assets import group_checks, judging
from bg_assets.assets.group_checks import RULES, judge
from bg_assets.definitions import defs
from bg_assets.domain.products import sizes
from bg_assets.products.files import load_templates
from bg_assets.storage import claims
from bg_assets.storage.reports.checks import Checked
from bg_assets.storage.verdicts import Tally
from bg_assets_tests.refreshing import World, a_minute_later, failing, metadata

BATCHES = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
TEMPLATES = load_templates()
GOOD = Checked("acme", "finance_system", "r", 1.0, 0.9, 8.0, 200, 200, 6, 6, 1, 0, 0, False)


def evaluations(world: World, run_id: str) -> dict[str, dg.AssetCheckEvaluation]:
    found = {}
    logs = world.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    for entry in logs:
        assert entry.dagster_event is not None
        one = entry.dagster_event.asset_check_evaluation_data
        assert one.check_name not in found
        found[one.check_name] = one
    return found


def evaluate(groups: Sequence[Checked]) -> dict[str, dg.AssetCheckEvaluation]:
    """How the checks turn out over these groups, without a database."""
    judged = judge(groups, TEMPLATES)
    who = {rule: sorted({one.company_id for one in judged if rule in one.fails}) for rule in RULES}
    means: dict[str, tuple[float | None, int]] = {}
    for figure in ("completeness", "confidence", "cohesion"):
        values = [value for one in judged if (value := getattr(one, figure)) is not None]
        means[figure] = (fmean(values) if values else None, len(values))
    failing = {rule: len(ids) for rule, ids in who.items() if ids}
    tally = Tally(len(judged), 0, failing, who, means)
    return {one.check_name: one for one in group_checks.evaluate(tally)}


def test_a_run_of_one_company_tells_each_check_once_and_about_all_groups(world: World) -> None:
    world.add("hollow", "empty", staff=False)
    (first, second) = world.claim()
    world.run(first)
    world.add("acme")
    (request,) = world.claim()
    a_minute_later(world)
    found = evaluations(world, world.run(request).run_id)
    assert set(found) == set(RULES)
    assert {one.metadata["groups"].value for one in found.values()} == {2}
    assert failing(found["size_within_target"]) == [first.companies[0]]
    assert not found["size_within_target"].passed
    assert found["size_within_target"].severity == dg.AssetCheckSeverity.WARN
    # An empty group names its gap.
    assert found["decision_maker_or_gap"].passed
    a_minute_later(world)
    found = evaluations(world, world.run(second).run_id)
    assert failing(found["size_within_target"]) == ["empty", "hollow"]


def test_what_a_run_wrote_stands_in_its_own_metadata(world: World) -> None:
    world.add("acme")
    world.add("hollow", staff=False)
    (request,) = world.claim(BATCHES)
    shown = metadata(world, world.run(request))
    assert shown["acme"]["fails"] == []
    assert shown["hollow"]["fails"] == ["size_within_target", "completeness"]


def test_all_groups_are_added_up_once_a_minute_and_not_by_each_run(world: World) -> None:
    world.add("a", "b", "c")
    told = [evaluations(world, world.run(request).run_id) for request in world.claim()]
    assert [one["no_leavers"].metadata["groups"].value for one in told] == [1, 1, 1]
    assert world.sql("select count(*) from bg.group_verdicts") == [(3,)]


def test_a_run_that_writes_nothing_tells_of_no_check(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    world.execute("acme")
    assert evaluations(world, world.run(request).run_id) == {}


def test_a_batch_tells_them_once(world: World) -> None:
    world.add("acme", "bolt")
    (request,) = world.claim(BATCHES)
    found = evaluations(world, world.run(request).run_id)
    assert {one.metadata["groups"].value for one in found.values()} == {2}


def test_a_range_of_partitions_tells_them_too(world: World) -> None:
    world.build("c1", "c2", "c3")
    tags = {
        "dagster/asset_partition_range_start": "c1",
        "dagster/asset_partition_range_end": "c3",
    }
    assert set(evaluations(world, world.execute(None, tags).run_id)) == set(RULES)


def test_what_dagster_stores_of_a_batch_is_the_evaluation_and_nothing_stays_planned(
    world: World,
) -> None:
    world.add("acme", "bolt")
    (request,) = world.claim(BATCHES)
    run_id = world.run(request).run_id
    for name in RULES:
        key = dg.AssetCheckKey(group_checks.ASSET, name)
        (record,) = world.instance.event_log_storage.get_asset_check_execution_history(key, 10)
        assert record.run_id == run_id
        assert record.status.value in {"SUCCEEDED", "FAILED"}


@pytest.mark.parametrize("partition", [None, "bolt"])
def test_the_checks_run_by_hand_are_about_all_groups_whatever_the_run_is_for(
    world: World, partition: str | None
) -> None:
    world.build("acme", "bolt")
    world.sql("delete from bg.company_people where person_id = 'acme-cfo'")
    world.sql("delete from bg.group_verdicts")
    a_minute_later(world)
    job = defs.resolve_implicit_global_asset_job_def()
    keys = {dg.AssetCheckKey(group_checks.ASSET, name) for name in RULES}
    done = job.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process(
        instance=world.instance,
        tags={"dagster/partition": partition} if partition else None,
    )
    found = evaluations(world, done.run_id)
    assert found["no_leavers"].metadata["groups"].value == 2
    assert failing(found["no_leavers"]) == ["acme"]
    told = group_checks.evaluate(judging.last_tally(world.engine))
    assert {one.check_name: (one.passed, one.severity, one.description) for one in told} == {
        name: (one.passed, one.severity, one.description) for name, one in found.items()
    }


def test_no_name_is_in_an_evaluation(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    assert "Zebulon" not in str(evaluations(world, world.run(request).run_id))


@pytest.mark.parametrize(("waiting", "said"), [(0, "(1)"), (3, "(1, 3 to be judged)")])
def test_an_evaluation_says_of_how_many_groups_it_is_and_how_many_it_leaves_out(
    waiting: int, said: str
) -> None:
    tally = Tally(
        1, waiting, {}, {}, dict.fromkeys(("completeness", "confidence", "cohesion"), (1.0, 1))
    )
    described = {one.description for one in group_checks.evaluate(tally)}
    assert {(one or "").partition(":")[0] for one in described} == {f"all groups {said}"}


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("one_role_per_person", {"people": 5}),
        ("no_leavers", {"leavers": 1}),
        ("decision_maker_or_gap", {"decision_makers": 0}),
        ("size_within_target", {"members": 20, "people": 20}),
        ("size_within_target", {"members": 1, "people": 1}),
        ("mean_confidence", {"confidence": 0.5}),
        ("mean_cohesion", {"cohesion": 2.0}),
        ("completeness", {"completeness": 0.25}),
    ],
)
def test_each_check_fails_for_what_it_is_there_for_and_no_other_does(
    name: str, bad: dict[str, Any]
) -> None:
    wrong = Checked(**{**_values(GOOD), **bad, "company_id": "wrong"})
    good, found = evaluate([GOOD]), evaluate([wrong, GOOD, wrong])
    assert all(one.passed for one in good.values())
    assert [check for check, one in found.items() if not one.passed] == [name]
    assert failing(found[name]) == ["wrong"]


@pytest.mark.parametrize(
    ("members", "pinned", "fits"),
    [(4, 0, True), (3, 0, False), (8, 0, True), (9, 0, False), (9, 1, True), (10, 1, False)],
)
def test_pinned_people_come_on_top_of_the_size(members: int, pinned: int, fits: bool) -> None:
    figures = {"members": members, "people": members, "pinned": pinned}
    found = evaluate([Checked(**{**_values(GOOD), **figures})])
    assert found["size_within_target"].passed is fits


@pytest.mark.parametrize(
    ("name", "figure", "least"),
    [
        ("mean_confidence", "confidence", group_checks.CONFIDENCE),
        ("mean_cohesion", "cohesion", group_checks.COHESION),
        ("completeness", "completeness", group_checks.COMPLETENESS),
    ],
)
def test_what_just_reaches_its_aim_passes(name: str, figure: str, least: float) -> None:
    found = evaluate([Checked(**{**_values(GOOD), figure: least})])
    assert found[name].passed
    assert failing(found[name]) == []


def test_a_small_company_need_not_have_all_that_the_template_requires_of_larger_ones() -> None:
    template = TEMPLATES[GOOD.product]
    target = sizes.target(3, template.deal_size)
    required = sum(rule.required for rule in template.roles)
    least = sum(min(rule.required, target.of(rule.role)) for rule in template.roles)
    assert 0 < least < required
    for members, passes in ((least - 1, False), (least, True), (target.total + 1, False)):
        small = {"employee_min": 3, "employee_max": 3, "members": members, "people": members}
        found = evaluate([Checked(**{**_values(GOOD), **small})])
        assert found["size_within_target"].passed is passes


def test_without_anything_to_measure_nothing_fails() -> None:
    empty = Checked(**{**_values(GOOD), "confidence": None, "cohesion": None})
    found = evaluate([empty])
    assert found["mean_confidence"].passed
    assert found["mean_cohesion"].passed


def _values(checked: Checked) -> dict[str, Any]:
    return {name: getattr(checked, name) for name in Checked.__dataclass_fields__}
