"""`pin`, `exclude` and `unpin`: who may be meant, what is kept, and that they outlast refreshes."""

from typing import Any

import pytest

from bg_assets.cli import lookups
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due

PEOPLE = """id,company_id,name,title,department
acme-1,acme,Wilma Quartz,Chief Financial Officer,Finance
acme-2,acme,Otto Basalt,Finance Director,Finance
acme-3,acme,Rosa Gneiss,Head of Procurement,Procurement
acme-4,acme,Karl Slate,Forklift Driver,Warehouse
bolt-1,bolt,Ines Marble,Chief Financial Officer,Finance
"""


@pytest.fixture
def acme(bg: Command) -> Command:
    """Two companies with their groups."""
    companies = "id,name,employee_count\nacme,Acme,200\nbolt,Bolt,200\n"
    bg("import", "companies", bg.file("c.csv", companies))
    bg("import", "people", bg.file("p.csv", PEOPLE))
    refresh(bg, "acme", "bolt")
    return bg


def members(bg: Command) -> dict[str, Any]:
    (group,) = bg.json("show", "acme")["groups"]
    return {one["person_id"]: one for one in group["members"]}


def test_a_pin_brings_somebody_in_at_once_and_outlasts_every_refresh(acme: Command) -> None:
    assert "acme-4" not in members(acme)
    done = acme("pin", "acme", "acme-4", "--role", "champion", "--reason", "met him", "--by", "jo")
    assert done.code == 0, done.err
    assert acme.rows("select kind, source from bg.changes where handled_at is null") == [
        ("resync", "manual")
    ]
    assert refresh_what_is_due(acme) == 1
    for _ in range(2):
        pinned = members(acme)["acme-4"]
        assert (pinned["role"], pinned["pinned"]) == ("champion", True)
        assert "pinned by hand" in pinned["reasons"][0]
        refresh(acme, "acme")


@pytest.mark.parametrize("word", ["gatekeeper", "GateKeeper", "Blocker"])
def test_a_gatekeeper_is_pinned_and_told_as_a_blocker(acme: Command, word: str) -> None:
    done = acme("pin", "acme", "acme-4", "--role", word, "--reason", "met him")
    assert (done.code, done.err) == (0, "")
    assert "acme-4 is pinned as blocker in acme" in done.out
    assert acme.rows("select role from bg.member_overrides") == [("blocker",)]
    refresh_what_is_due(acme)
    pinned = members(acme)["acme-4"]
    assert (pinned["role"], pinned["reasons"][0]) == ("blocker", "blocker: pinned by hand")
    for read in (("show", "acme"), ("why", "acme", "acme-4"), ("export",)):
        told = acme(*read).out
        assert "blocker" in told
        assert "gatekeeper" not in told.lower()


def test_a_role_may_be_typed_as_it_is_shown(acme: Command) -> None:
    for word in ("potential champion", "Potential_Champion", "champion"):
        done = acme("pin", "acme", "acme-4", "--role", word, "--reason", "met him")
        assert "acme-4 is pinned as potential champion in acme" in done.out


def test_what_is_said_for_a_product_that_nobody_builds_promises_no_group(acme: Command) -> None:
    said = ("acme", "acme-4", "--product", "hr_system", "--reason", "met him")
    for command in ("pin", "exclude"):
        done = acme(command, *said)
        assert done.code == 0
        assert done.out.endswith("acme: hr_system; no group before hr_system is in BG_PRODUCTS\n")


def test_an_exclusion_keeps_somebody_out_until_it_is_taken_back(acme: Command) -> None:
    assert "acme-1" in members(acme)
    assert acme("exclude", "acme", "acme-1", "--reason", "retires").code == 0
    assert refresh_what_is_due(acme) == 1
    refresh(acme, "acme")
    assert "acme-1" not in members(acme)
    assert acme.rows(
        "select person_id, because from bg.buyer_group_history where event = 'left'"
    ) == [("acme-1", "excluded by hand")]
    assert acme("unpin", "acme", "acme-1").code == 0
    assert refresh_what_is_due(acme) == 1
    assert members(acme)["acme-1"]["pinned"] is False


def test_a_pinned_person_who_left_is_no_member_and_the_pin_waits(acme: Command) -> None:
    acme("pin", "acme", "acme-4", "--reason", "met him")
    acme.rows("update bg.people set status = 'left' where id = 'acme-4' returning id")
    assert refresh_what_is_due(acme) == 1
    assert "acme-4" not in members(acme)
    (group,) = acme.json("show", "acme")["groups"]
    assert any("the pin of acme-4 is suspended" in gap["reason"] for gap in group["gaps"])
    assert acme.rows("select person_id from bg.member_overrides where removed_at is null") == [
        ("acme-4",)
    ]
    again = acme("pin", "acme", "acme-4", "--reason", "he may come back")
    assert again.code == 0
    assert "has left acme: the pin waits" in again.err
    acme.rows("update bg.people set status = 'active' where id = 'acme-4' returning id")
    refresh(acme, "acme")
    assert members(acme)["acme-4"]["pinned"]


def test_who_and_why_stand_with_it_and_in_the_audit_log(acme: Command) -> None:
    acme("pin", "acme", "acme-4", "--role", "champion", "--reason", "met him", "--by", "jo")
    acme("exclude", "acme", "acme-4", "--reason", "a mistake")
    acme("unpin", "acme", "acme-4", "--reason", "no matter")
    me = lookups.who_types()
    assert acme.rows(
        "select action, role, by, reason, removed_at is not null from bg.member_overrides "
        "order by id"
    ) == [("pin", "champion", "jo", "met him", True), ("exclude", None, me, "a mistake", True)]
    assert acme.rows(
        "select actor, action, subject, detail ->> 'company_id', detail ->> 'reason' "
        "from bg.audit_log order by id"
    ) == [
        ("jo", "pin", "acme-4", "acme", "met him"),
        (me, "exclude", "acme-4", "acme", "a mistake"),
        (me, "unpin", "acme-4", "acme", "no matter"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acne", "acme-1"), "no company acne; did you mean acme?"),
        (("acme", "acme-9"), "no person acme-9 at acme; did you mean acme-"),
        (("acme", "quartz"), "no person quartz at acme; did you mean acme-1?"),
        (("acme", "bolt-1"), "bolt-1 works at bolt, not at acme"),
        (("acme", "acme-1", "--role", "boss"), "'boss' is not one of"),
        (("acme", "acme-1", "--product", "finance"), "did you mean finance_system?"),
        (("acme", "acme-1", "--by", " "), "--by is empty"),
    ],
)
def test_who_or_what_nobody_knows_is_refused_and_nothing_is_kept(
    acme: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = acme("pin", *arguments, "--reason", "so")
    assert done.code == 2
    assert said in done.err
    assert "Quartz" not in done.err
    assert acme.rows("select count(*) from bg.member_overrides") == [(0,)]
    assert acme.rows("select count(*) from bg.changes where handled_at is null") == [(0,)]


def test_a_reason_is_needed(acme: Command) -> None:
    assert acme("pin", "acme", "acme-1").code == 2
    assert acme("exclude", "acme", "acme-1", "--reason", "").code == 2


def test_to_take_back_what_is_not_there_is_refused(acme: Command) -> None:
    done = acme("unpin", "acme", "acme-1")
    assert (done.code, "no pin or exclusion of acme-1 at acme" in done.err) == (2, True)
    acme("pin", "acme", "acme-1", "--reason", "so")
    done = acme("unpin", "acme", "acme-1", "--product", "sales_tool")
    assert (done.code, "there is one for finance_system" in done.err) == (2, True)


def test_a_pin_of_somebody_deleted_since_can_be_taken_back(acme: Command) -> None:
    acme("pin", "acme", "acme-4", "--reason", "so")
    acme.rows("delete from bg.people where id = 'acme-4' returning id")
    assert acme("unpin", "acme", "acme-4").code == 0
