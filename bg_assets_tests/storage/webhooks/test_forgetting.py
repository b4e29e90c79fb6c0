"""What stays in the tables of people who were erased, deleted or turned out to be one."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run, value
from bg_assets_tests.storage.told import APPLIED, apply, became, changes, event, one, person

NAMES = ("Ada Vance", "ada@acme.example", "Oslo")


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """Ada and Bo, who reports to her, at acme; the source calls them 17 and 18."""
    told.source(engine, "crm")
    told.source(engine, "other")
    company(engine, "acme")
    insert(
        engine, "bg.people", id="ada", company_id="acme", title="CFO", name=NAMES[0],
        email=NAMES[1], location=NAMES[2],
    )  # fmt: skip
    insert(engine, "bg.people", id="bo", company_id="acme", title="Controller", manager_id="ada")
    for number, who in (("17", "ada"), ("18", "bo")):
        insert(engine, "bg.webhook_identities", source="crm", kind="person", external_id=number,
               our_id=who)  # fmt: skip
    forget_changes(engine)


def identities(engine: sa.Engine) -> dict[tuple[str, str], str]:
    found = rows(engine, "select source, external_id, our_id from bg.webhook_identities")
    return {(row["source"], row["external_id"]): row["our_id"] for row in found}


def test_of_the_erased_nothing_is_kept_that_names_them(engine: sa.Engine) -> None:
    called = {"id": "17", "name": NAMES[0], "newTitle": "CEO", "email": NAMES[1]}
    told_of = {"location": {"new": "Bergen"}, "email": {"new": "av@acme.example"}}
    assert one(engine, "person.contact_update", called, changes=told_of) == APPLIED
    run(engine, "update bg.people set name = 'Ada Lund' where id = 'ada'")
    colleague = {"id": "18", "name": "Bo Lind", "newTitle": "Treasurer"}
    others = event(engine, "person.role_change", colleague)
    waiting = event(engine, "person.changed", called, seconds=5)
    asking = event(engine, "person.erased", {"id": "17"}, seconds=1)
    # As the door stores them.
    run(
        engine,
        "update bg.webhook_events set person_ref = "
        "convert_from(payload, 'UTF8')::json -> 'person' ->> 'id'",
    )
    apply(engine)
    assert person(engine, "ada") is None
    assert became(engine, asking) == APPLIED
    left = rows(engine, "select event_id from bg.webhook_events order by event_id")
    assert {row["event_id"] for row in left} == {others, asking}
    assert waiting not in {row["event_id"] for row in left}
    kept = "".join(
        str(value(engine, f"select json_agg(t)::text from bg.{table} as t"))
        for table in ("people", "changes", "webhook_identities", "webhook_seen", "audit_log")
    )
    for name in (*NAMES, "Ada Lund", "av@acme.example", "Bergen"):
        assert name not in kept
    told_of_ada = "select kind from bg.changes where person_id = 'ada' order by id desc limit 1"
    assert value(engine, told_of_ada) == "person_left"
    assert identities(engine)["crm", "17"] == ""


def test_the_erased_come_back_by_no_late_event_and_by_no_other_round(engine: sa.Engine) -> None:
    told.source(engine, "open", may_create=True)
    insert(engine, "bg.webhook_identities", source="open", kind="person", external_id="x",
           our_id="ada")  # fmt: skip
    assert one(engine, "person.erased", {"id": "x"}, by="open") == APPLIED
    late = {"id": "x", "name": NAMES[0], "newTitle": "CEO"}
    assert one(engine, "person.joined", late, seconds=9, by="open") == (
        "dead", "the person was erased here",
    )  # fmt: skip
    assert person(engine, "x") is None


def test_one_of_two_who_are_one_goes_and_all_that_led_there_leads_to_the_other(
    engine: sa.Engine,
) -> None:
    insert(engine, "bg.webhook_identities", source="other", kind="person", external_id="a",
           our_id="ada")  # fmt: skip
    insert(engine, "bg.people", id="ada2", company_id="acme", title="CFO")
    assert one(engine, "person.merged", {"id": "17"}, into="ada2") == APPLIED
    assert person(engine, "ada") is None
    assert identities(engine) == {
        ("crm", "17"): "ada2", ("crm", "18"): "bo", ("crm", "ada2"): "ada2", ("other", "a"): "ada2",
    }  # fmt: skip
    assert value(engine, "select manager_id from bg.people where id = 'bo'") == "ada2"


def test_a_deleted_record_is_gone_from_the_staff_and_back_when_restored(engine: sa.Engine) -> None:
    assert one(engine, "person.deleted", {"id": "17"}) == APPLIED
    assert value(engine, "select deleted_at is not null from bg.people where id = 'ada'")
    assert one(engine, "person.restored", {"id": "17"}, seconds=2) == APPLIED
    assert value(engine, "select deleted_at is null from bg.people where id = 'ada'")
    assert [kind for _, _, kind in changes(engine)] == ["person_left", "person_joined"]


def test_properties_keep_their_times_from_round_to_round_until_somebody_else_writes(
    engine: sa.Engine,
) -> None:
    def say(seconds: float, **changed: str) -> str:
        news = {name: {"new": text} for name, text in changed.items()}
        return one(engine, "person.changed", {"id": "17"}, seconds=seconds, changes=news)[0]

    told.known(engine, "update bg.people set observed_at = :at", at=at(-60))
    assert say(10, title="CEO") == "applied"
    assert say(5, department="Board") == "applied"
    assert say(4, title="Clerk") == "ignored"
    assert value(engine, "select title from bg.people where id = 'ada'") == "CEO"
    assert value(engine, "select observed_at from bg.people where id = 'ada'") == at(10)
    told.known(engine, "update bg.people set title = 'COO', observed_at = :at", at=at(60))
    assert say(59, department="Treasury") == "ignored"
    assert say(61, department="Treasury") == "applied"
