"""A refresh from claim to group, through the job, in this process."""

from typing import Any

import pytest

from bg_assets.storage import claims, refreshes
from bg_assets.storage.reports import shown
from bg_assets_tests.refreshing import World, metadata


def test_a_due_company_gets_its_group_and_its_changes_are_handled(world: World) -> None:
    world.build("acme")
    assert world.members("acme")["acme-cfo"] == "decision_maker"
    assert world.status("acme") == ["completed"]
    assert world.pending() == 0


def test_a_partition_shows_what_the_contract_lists(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    shown = metadata(world, world.run(request))["acme"]
    assert set(shown) >= {
        "members", "confidence", "completeness", "cohesion_reason", "gaps", "diff", "because",
        "lag_seconds", "refresh_id", "as_of", "template_hash", "group",
    }  # fmt: skip
    assert shown["refresh_id"] == request.refresh_id
    assert "acme-cfo" in str(shown["group"])
    assert shown["because"] == "direct write: 6 people joined and the company's profile"
    assert shown["company"] == "Company acme"
    assert "acme-cfo (Chief Financial Officer) as decision maker" in shown["diff"]["joined"]


def test_no_name_and_no_address_reaches_dagster(world: World) -> None:
    world.add("acme", "bolt")
    for request in world.claim():
        result = world.run(request)
        for entry in world.instance.all_logs(result.run_id):
            assert "Zebulon" not in str(entry)
            assert "zq@example.com" not in str(entry)
        run = world.instance.get_run_by_id(result.run_id)
        assert run is not None
        assert "Zebulon" not in str(run)


def test_a_batch_gives_each_company_its_own_event_and_no_other(world: World) -> None:
    companies = [f"c{number}" for number in (1, 3, 4, 7, 9)]
    world.add(*companies, "untouched")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    world.sql("delete from bg.changes where company_id = 'untouched'")
    (request,) = world.claim(policy)
    shown = metadata(world, world.run(request))
    assert sorted(shown) == companies
    assert len({str(one["refresh_id"]) for one in shown.values()}) == 5
    assert all(one["members"] == 6 for one in shown.values())


def test_a_poisoned_company_hurts_itself_alone(world: World) -> None:
    world.add("acme", "bad", "corp")
    _poison(world, "bad")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    (request,) = world.claim(policy)
    shown = metadata(world, world.run(request))
    assert world.status("acme") == world.status("corp") == ["completed"]
    assert world.status("bad") == ["requested"]
    assert sorted(shown) == ["acme", "corp"]
    (alone,) = world.claim(policy)
    assert (alone.companies, alone.batch_id, alone.attempt) == (("bad",), None, 2)


def test_what_went_wrong_is_told_without_values(world: World) -> None:
    world.add("acme", "bad")
    _poison(world, "bad")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    (request,) = world.claim(policy)
    result = world.run(request)
    logs = " ".join(str(entry) for entry in world.instance.all_logs(result.run_id))
    assert "bad failed and is tried again" in logs
    assert "nothing written" not in logs
    assert "raise_exception P0001" in logs
    assert "secret" not in logs
    assert "secret" not in str(world.sql("select error from bg.buyer_group_refresh_log"))


def test_a_run_by_hand_adopts_a_requested_refresh_and_the_queued_run_ends_at_once(
    world: World,
) -> None:
    world.add("acme")
    (request,) = world.claim()
    world.execute("acme")
    assert world.status("acme") == ["completed"]
    late = world.run(request)
    assert world.status("acme") == ["completed"]
    assert "left alone" in str(metadata(world, late)["acme"]["because"])
    assert metadata(world, late)["acme"]["members"] == 6


def test_a_run_by_hand_leaves_alone_what_another_run_is_refreshing(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set title = 'CFO' where id = 'acme-fd'")
    (request,) = world.claim()
    with world.engine.begin() as conn:
        refreshes.take(
            conn, "another", claims.database_now(conn), refresh=(request.refresh_id or "", 1)
        )
    result = world.execute("acme")
    assert world.status("acme") == ["completed", "running"]
    assert "left alone" in str(metadata(world, result)["acme"]["because"])


def test_a_run_by_hand_without_any_change_changes_nothing(world: World) -> None:
    world.build("acme")
    before = world.sql("select * from bg.buyer_group_members order by person_id")
    world.execute("acme")
    assert world.sql("select * from bg.buyer_group_members order by person_id") == before
    assert world.sql("select count(*) from bg.buyer_group_history where event <> 'joined'") == [
        (0,)
    ]
    assert world.status("acme") == ["completed", "completed"]


def test_buyer_groups_alone_takes_the_people_as_they_are(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set status = 'left' where id = 'acme-cfo'")
    world.execute("acme", only="buyer_groups")
    assert "acme-cfo" not in world.members("acme")
    assert world.pending() == 0


def test_company_people_alone_takes_no_refresh(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set status = 'left' where id = 'acme-cfo'")
    world.execute("acme", only="company_people")
    assert world.sql("select count(*) from bg.company_people") == [(5,)]
    assert "acme-cfo" in world.members("acme")
    assert world.pending() == 1


def test_an_empty_company_gets_an_empty_group_with_the_gap_named(world: World) -> None:
    world.add("hollow", staff=False)
    (request,) = world.claim()
    shown = metadata(world, world.run(request))["hollow"]
    assert world.members("hollow") == {}
    assert shown["members"] == 0
    assert "'role': 'decision_maker'" in str(shown["gaps"])


def test_a_company_deleted_while_its_run_is_queued_ends_cleanly(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set title = 'CFO' where id = 'acme-fd'")
    (request,) = world.claim()
    world.sql("delete from bg.people where company_id = 'acme'")
    world.sql("delete from bg.companies where id = 'acme'")
    world.run(request)
    assert world.pending() == 0
    assert world.sql("select count(*) from bg.buyer_groups") == [(0,)]
    left = "select count(*) from bg.buyer_group_history where event = 'left'"
    assert world.sql(left) == [(6,)]
    (diff,) = world.sql("select diff from bg.buyer_group_refresh_log order by finished_at desc")[0]
    assert diff == {"gone": "the company is no longer tracked"}


def test_leavers_are_out_and_the_history_names_them(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set status = 'left' where id = 'acme-cfo'")
    (request,) = world.claim()
    world.run(request)
    assert "acme-cfo" not in world.members("acme")
    rows = world.sql("select person_id, because from bg.buyer_group_history where event = 'left'")
    assert rows == [("acme-cfo", "no longer at the company")]


@pytest.mark.parametrize(("action", "expected"), [("exclude", None), ("pin", "introducer")])
def test_an_override_beats_the_rules(world: World, action: str, expected: str | None) -> None:
    world.add("acme")
    world.sql(
        "insert into bg.member_overrides (company_id, product, person_id, action, role, by, reason)"
        " values ('acme', 'finance_system', 'acme-cfo', :action, :role, 'me', 'I know')",
        action=action, role=expected,
    )  # fmt: skip
    for request in world.claim():
        world.run(request)
    assert world.members("acme").get("acme-cfo") == expected


def test_who_was_seen_long_ago_is_less_certain(world: World) -> None:
    world.build("acme")
    before = _confidence(world)
    world.sql("update bg.people set observed_at = now() - interval '2 years' where id = 'acme-cfo'")
    world.execute("acme")
    assert _confidence(world) < before


def test_a_range_of_partitions_gives_each_company_its_own_metadata(world: World) -> None:
    world.build("c1", "c2", "c3")
    tags = {
        "dagster/asset_partition_range_start": "c1",
        "dagster/asset_partition_range_end": "c3",
    }
    shown = metadata(world, world.execute(None, tags))
    assert sorted(shown) == ["c1", "c2", "c3"]
    assert len({str(one["refresh_id"]) for one in shown.values()}) == 3


def test_alone_or_in_a_batch_a_company_gets_the_same_group(world: World) -> None:
    world.add("alone")
    (request,) = world.claim()
    world.run(request)
    world.add("batch-1", "batch-2")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    (request,) = world.claim(policy)
    world.run(request)
    found = {
        company: {
            person.removeprefix(f"{company}-"): role
            for person, role in world.members(company).items()
        }
        for company in ("alone", "batch-1", "batch-2")
    }
    assert found["alone"] == found["batch-1"] == found["batch-2"] != {}


def _confidence(world: World) -> float:
    (row,) = world.sql("select confidence from bg.buyer_group_members where person_id = 'acme-cfo'")
    return float(row[0])


def _poison(world: World, company: str) -> None:
    world.sql(
        f"""create function bg.poison() returns trigger language plpgsql as $$ begin
        if new.company_id = '{company}' then raise exception 'secret of %', new.company_id; end if;
        return new; end $$"""
    )
    world.sql(
        "create trigger poison before insert or update on bg.buyer_groups "
        "for each row execute function bg.poison()"
    )


def test_a_run_does_not_even_read_the_names_of_members_to_tell_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = shown.read_shown

    def noted(*arguments: Any, **options: Any) -> Any:
        found = real(*arguments, **options)
        read.append(str(found))
        return found

    monkeypatch.setattr(shown, "read_shown", noted)
    world.build("acme")
    (groups,) = read
    assert "acme-cfo" in groups
    assert "Zebulon" not in groups
