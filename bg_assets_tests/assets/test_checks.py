"""The checks on buyer_groups: one evaluation a run, whatever kind of run, with who fails."""

from typing import Any

import dagster as dg
import pytest

from bg_assets.assets import group_checks
from bg_assets.assets.group_checks import MOST_LISTED, RULES, evaluate
from bg_assets.definitions import defs
from bg_assets.domain.template import load_templates
from bg_assets.storage import claims
from bg_assets.storage.checking import Checked
from bg_assets_tests.assets.conftest import World

BATCHES = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
TEMPLATES = load_templates()
GOOD = Checked("acme", "finance_system", 1.0, 0.9, 8.0, 200, 200, 6, 6, 1, 0, 0, False)


def evaluations(world: World, run_id: str) -> dict[str, dg.AssetCheckEvaluation]:
    found = {}
    logs = world.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    for entry in logs:
        assert entry.dagster_event is not None
        one = entry.dagster_event.asset_check_evaluation_data
        assert one.check_name not in found
        found[one.check_name] = one
    return found


def failing(evaluation: dg.AssetCheckEvaluation) -> Any:
    return evaluation.metadata["failing_companies"].value


def test_a_run_of_one_company_evaluates_each_check_once(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    found = evaluations(world, world.run(request).run_id)
    assert set(found) == set(RULES)
    for name in ("one_role_per_person", "no_leavers", "decision_maker_or_gap"):
        assert found[name].passed
        assert found[name].metadata["groups"].value == 1


def test_a_batch_evaluates_them_once_for_all_its_companies_and_names_who_fails(
    world: World,
) -> None:
    world.add("acme", "bolt")
    world.add("hollow", staff=False)
    (request,) = world.claim(BATCHES)
    found = evaluations(world, world.run(request).run_id)
    assert set(found) == set(RULES)
    assert found["size_within_target"].metadata["groups"].value == 3
    assert failing(found["size_within_target"]) == ["hollow"]
    assert found["size_within_target"].severity == dg.AssetCheckSeverity.WARN
    assert failing(found["completeness"]) == ["hollow"]
    # An empty group names its gap.
    assert found["decision_maker_or_gap"].passed


def test_a_range_of_partitions_evaluates_them_too(world: World) -> None:
    world.build("c1", "c2", "c3")
    tags = {
        "dagster/asset_partition_range_start": "c1",
        "dagster/asset_partition_range_end": "c3",
    }
    found = evaluations(world, world.execute(None, tags).run_id)
    assert {one.metadata["groups"].value for one in found.values()} == {3}


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


def test_the_checks_run_by_hand_for_the_companies_of_the_run_or_for_all(world: World) -> None:
    world.build("acme", "bolt")
    world.sql("delete from bg.company_people where person_id = 'acme-cfo'")
    job = defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetCheckKey(group_checks.ASSET, name) for name in RULES]
    for partition, groups in ((None, 2), ("acme", 1), ("bolt", 1)):
        result = job.get_subset(asset_selection=set(), asset_check_selection=set(keys))
        done = result.execute_in_process(
            instance=world.instance,
            tags={"dagster/partition": partition} if partition else None,
        )
        found = evaluations(world, done.run_id)
        assert found["no_leavers"].metadata["groups"].value == groups
        assert failing(found["no_leavers"]) == ([] if partition == "bolt" else ["acme"])


def test_no_name_is_in_an_evaluation(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    assert "Zebulon" not in str(evaluations(world, world.run(request).run_id))


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
    good = {one.check_name: one for one in evaluate([GOOD], TEMPLATES)}
    found = {one.check_name: one for one in evaluate([wrong, GOOD, wrong], TEMPLATES)}
    assert all(one.passed for one in good.values())
    assert [check for check, one in found.items() if not one.passed] == [name]
    assert failing(found[name]) == ["wrong"]


def test_the_list_of_those_who_fail_is_bounded_and_their_number_is_not() -> None:
    many = [Checked(**{**_values(GOOD), "company_id": f"c{at}", "leavers": 1}) for at in range(99)]
    (found,) = (one for one in evaluate(many, TEMPLATES) if one.check_name == "no_leavers")
    assert len(failing(found)) == MOST_LISTED
    assert found.metadata["failing"].value == 99


def test_without_anything_to_measure_nothing_fails() -> None:
    empty = Checked(**{**_values(GOOD), "confidence": None, "cohesion": None})
    found = {one.check_name: one.passed for one in evaluate([empty], TEMPLATES)}
    assert found["mean_confidence"]
    assert found["mean_cohesion"]


def _values(checked: Checked) -> dict[str, Any]:
    return {name: getattr(checked, name) for name in Checked.__dataclass_fields__}
