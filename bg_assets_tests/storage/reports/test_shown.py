"""Groups as people and other systems get them: which, in which order, and with what."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.renewal import Pending
from bg_assets.storage.reports import export, shown
from bg_assets_tests.storage.rows import at, change, company, group, insert, refresh, rows, run

MEMBERS = {"e": "introducer", "d": "blocker", "c": "stakeholder", "b": "champion",
           "a2": "decision_maker", "a1": "decision_maker", "a3": "decision_maker"}  # fmt: skip
ORDER = ["a3", "a1", "a2", "b", "c", "d", "e"]


@pytest.fixture
def world(engine: sa.Engine) -> sa.Engine:
    """Groups of three companies in two workspaces, one of which is no longer tracked."""
    for name in ("acme", "bolt", "corp"):
        company(engine, name, list(MEMBERS) if name == "acme" else [f"{name}-1"])
        members = MEMBERS if name == "acme" else {f"{name}-1": "champion"}
        done = refresh(engine, name, "completed",
                       diff=json.dumps({"finance_system": {"joined": [name]}}))  # fmt: skip
        group(engine, name, members, done)
    run(engine, "update bg.buyer_group_members set influence = 0.9 where person_id = 'a3'")
    run(engine, "update bg.people set name = 'N ' || id, email = id || '@x'")
    run(engine, "insert into bg.company_people (company_id, person_id, title, department, "
        "function, level, confidence) select company_id, id, 'T ' || id, 'D', 'f', 'l', 1 "
        "from bg.people")  # fmt: skip
    run(engine, "update bg.companies set workspace = 'w', domain = 'bolt.x' where id = 'bolt'")
    run(engine, "update bg.companies set deleted_at = now() where id = 'corp'")
    run(engine, "insert into bg.buyer_groups select company_id, 'a_system', refresh_id, "
        "'h', as_of, 0.25, 0.5, 7, null, 0.75, '[{\"role\": \"champion\"}]' "
        "from bg.buyer_groups where company_id = 'acme'")  # fmt: skip
    run(engine, "insert into bg.buyer_group_members select company_id, 'a_system', person_id, "
        "'blocker', 0.3, 0.2, true, '[\"why\"]' from bg.buyer_group_members "
        "where person_id = 'a1'")  # fmt: skip
    return engine


def exported(engine: sa.Engine, **asked: Any) -> list[dict[str, Any]]:
    with engine.connect() as conn:
        return list(export.groups(conn, **asked))


def keys(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["company_id"], one["product"]) for one in found]


def test_groups_are_shown_by_product_and_members_by_role_influence_and_id(
    world: sa.Engine,
) -> None:
    with world.connect() as conn:
        found = shown.read_shown(conn, ["acme", "bolt"], names=True)

    other, main = found["acme"]
    assert [one.product for one in found["acme"]] == ["a_system", "finance_system"]
    assert [one.person_id for one in main.members] == ORDER
    assert [one.person_id for one in other.members] == ["a1"]
    assert [one.person_id for one in found["bolt"][0].members] == ["bolt-1"]
    (a1,) = other.members
    assert a1 == shown.ShownMember(
        "a1", "N a1", "T a1", "D", "f", "l", "blocker", 0.3, 0.2, True, ["why"]
    )
    assert main.diff == {"joined": ["acme"]}
    assert other.diff == {"joined": [], "left": [], "role_changed": []}
    assert (other.template_hash, other.completeness, other.confidence, other.cohesion) == (
        "h", 0.25, 0.5, 7.0,
    )  # fmt: skip
    assert (other.coverage, other.gaps) == (0.75, [{"role": "champion"}])


def test_a_member_who_is_no_longer_kept_is_shown_with_what_is_known(world: sa.Engine) -> None:
    run(world, "delete from bg.company_people where person_id = 'bolt-1'")
    run(world, "delete from bg.people where id = 'bolt-1'")
    with world.connect() as conn:
        (found,) = shown.read_shown(conn, ["bolt"], names=True)["bolt"]
    (member,) = exported(world, companies=["bolt"])[0]["members"]

    assert [(one.person_id, one.name, one.title) for one in found.members] == [
        ("bolt-1", None, None)
    ]
    assert (member["person_id"], member["name"], member["title"]) == ("bolt-1", None, None)


def test_the_last_refresh_is_the_one_asked_for_last_and_what_defers_the_last_that_counts(
    engine: sa.Engine,
) -> None:
    company(engine, "acme")
    counted = {"starts_interval": True}
    refresh(engine, "acme", "completed", requested_at=at(0), finished_at=at(5), **counted)
    refresh(engine, "acme", "completed", requested_at=at(1), finished_at=at(9), **counted)
    refresh(engine, "acme", "completed", requested_at=at(2), finished_at=at(20))
    refresh(engine, "acme", "dead", requested_at=at(3), finished_at=at(30), error="why", **counted)
    refresh(engine, "bolt", "completed", requested_at=at(9), finished_at=at(99), **counted)
    with engine.connect() as conn:
        last = shown.read_last_refresh(conn, "acme")
        assert shown.last_deferring(conn, "acme") == at(9)
        assert shown.last_deferring(conn, "corp") is None
        assert shown.read_last_refresh(conn, "corp") is None

    assert last is not None
    assert (last["status"], last["finished_at"], last["error"]) == ("dead", at(30), "why")


@pytest.mark.parametrize(
    ("status", "counted"),
    [("requested", 1), ("running", 1), ("dead", 1), ("completed", 0), ("failed", 0),
     ("cancelled", 1)],
)  # fmt: skip
def test_pending_are_changes_that_no_group_reflects(
    engine: sa.Engine, status: str, counted: int
) -> None:
    company(engine, "acme")
    taken = refresh(engine, "acme", status)
    other = refresh(engine, "bolt", "running")
    for refresh_id in (taken, other):
        run(engine, "insert into bg.changes (company_id, kind, source, refresh_id) "
            "values ('acme', 'role_change', 'people_table', cast(:id as uuid))",
            id=refresh_id)  # fmt: skip
    run(engine, "insert into bg.changes (company_id, kind, source, refresh_id, handled_at) "
        "values ('acme', 'role_change', 'people_table', cast(:id as uuid), now())",
        id=taken)  # fmt: skip
    change(engine, "acme")
    change(engine, "bolt")
    with engine.connect() as conn:
        assert shown.count_pending(conn, "acme") == 1 + counted


def test_all_groups_of_tracked_companies_are_exported_in_order_with_names(
    world: sa.Engine,
) -> None:
    found = exported(world)

    assert keys(found) == [
        ("acme", "a_system"), ("acme", "finance_system"), ("bolt", "finance_system"),
    ]  # fmt: skip
    assert [one["person_id"] for one in found[1]["members"]] == ORDER
    assert [one["person_id"] for one in found[0]["members"]] == ["a1"]
    assert (found[2]["workspace"], found[2]["company_domain"]) == ("w", "bolt.x")
    (member,) = found[0]["members"]
    assert member == {
        "person_id": "a1", "name": "N a1", "email": "a1@x", "title": "T a1", "department": "D",
        "function": "f", "level": "l", "role": "blocker", "confidence": 0.3, "influence": 0.2,
        "pinned": True, "reasons": ["why"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"product": "a_system"}, [("acme", "a_system")]),
        ({"workspace": "w"}, [("bolt", "finance_system")]),
        ({"companies": ["bolt", "corp"]}, [("bolt", "finance_system")]),
        ({"companies": []}, []),
        ({"companies": ["acme"], "workspace": "w"}, []),
        ({"companies": ["acme"], "product": "finance_system"}, [("acme", "finance_system")]),
    ],
    ids=str,
)
def test_a_part_is_exported(
    world: sa.Engine, asked: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = exported(world, **asked)

    assert keys(found) == expected
    if asked == {"product": "a_system"}:
        assert [one["person_id"] for one in found[0]["members"]] == ["a1"]


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_companies_are_exported_once_whatever_the_portion(
    world: sa.Engine, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exported(world)
    monkeypatch.setattr(export, "_CHUNK", chunk)

    assert exported(world) == whole


def test_the_workspaces_are_those_of_tracked_companies_once_each(world: sa.Engine) -> None:
    insert(world, "bg.companies", id="dorn", name="Dorn", workspace="gone", deleted_at=at(0))
    insert(world, "bg.companies", id="erle", name="Erle")
    with world.connect() as conn:
        assert export.workspaces(conn) == ["default", "w"]
    assert len(rows(world, "select 1 from bg.companies")) == 5


def pending(engine: sa.Engine, company_id: str = "acme") -> Pending | None:
    with engine.connect() as conn:
        return shown.read_pending(conn, company_id, 2)


def test_what_waits_settles_after_its_last_change_and_half_a_minute_after_its_first_at_most(
    engine: sa.Engine,
) -> None:
    change(engine, "acme", 0)
    change(engine, "acme", 5)
    change(engine, "bolt", 9)
    assert pending(engine) == Pending(at(7), by_hand=False, waits=True)
    change(engine, "acme", 29)
    assert pending(engine) == Pending(at(30), by_hand=False, waits=True)
    assert pending(engine, "corp") is None


@pytest.mark.parametrize(("source", "by_hand"), [("manual", True), ("template", False)])
def test_what_somebody_or_a_template_asks_for_waits_for_no_interval(
    engine: sa.Engine, source: str, *, by_hand: bool
) -> None:
    change(engine, "acme", 0)
    change(engine, "acme", 1, kind="resync", source=source)
    assert pending(engine) == Pending(at(3), by_hand=by_hand, waits=False)


@pytest.mark.parametrize(("person_id", "waits"), [("ann", False), ("bob", True)])
def test_the_departure_of_a_member_waits_for_no_interval(
    engine: sa.Engine, person_id: str, *, waits: bool
) -> None:
    company(engine, "acme", ["ann", "bob"])
    group(engine, "acme", {"ann": "champion"})
    change(engine, "acme", 0, departure_of=person_id)
    assert pending(engine) == Pending(at(2), by_hand=False, waits=waits)
