"""What events about companies do to the tables: profiles, deletions, mergers, and what follows."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run, value
from bg_assets_tests.storage.told import APPLIED, apply, became, changes, event, one


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """Two companies of long ago, Ada and Bo at acme; the source calls acme 3 and globex 4."""
    told.source(engine, "crm")
    told.source(engine, "open", may_create=True)
    for name, number in (("acme", "3"), ("globex", "4")):
        company(engine, name)
        insert(engine, "bg.webhook_identities", source="crm", kind="company", external_id=number,
               our_id=name)  # fmt: skip
    run(engine, "update bg.companies set observed_at = :at", at=at(-3600))
    insert(engine, "bg.people", id="ada", company_id="acme", title="CFO", department="Finance")
    insert(engine, "bg.people", id="bo", company_id="acme", title="Clerk", manager_id="ada")
    forget_changes(engine)


def profile(engine: sa.Engine, company_id: str = "acme") -> dict[str, Any]:
    (found,) = rows(engine, "select * from bg.companies where id = :id", id=company_id)
    return found


def say(
    engine: sa.Engine, seconds: float = 0, by: str = "crm", of: str = "3", **new: object
) -> Any:
    news = {name: {"new": one} for name, one in new.items()}
    return one(engine, "company.changed", None, {"id": of}, seconds=seconds, by=by, changes=news)


def test_each_value_of_a_profile_is_stored_and_leads_to_a_refresh_of_that_company(
    engine: sa.Engine,
) -> None:
    told_of: dict[str, Any] = {
        "name": "Acme Holding", "domain": "https://www.acme.example/x", "country": "de",
        "website": "https://acme.example", "industry": "Mining", "employee_count": "5,001-10,000",
        "revenue": 1.2e7,
    }  # fmt: skip
    assert say(engine, **told_of) == APPLIED
    found = profile(engine)
    assert {name: found[name] for name in (*told_of, "employee_min", "employee_max")
            if name != "employee_count"} == {
        "name": "Acme Holding", "domain": "acme.example", "country": "DE",
        "website": "https://acme.example", "industry": "Mining", "employee_min": 5001,
        "employee_max": 10000, "revenue": Decimal(12_000_000),
    }  # fmt: skip
    assert found["observed_at"] == at(0)
    assert changes(engine) == [("acme", None, "company_profile_change")]


def test_properties_of_a_company_go_each_by_its_own_time(engine: sa.Engine) -> None:
    assert say(engine, 9, name="Acme Nine") == APPLIED
    assert say(engine, 5, name="Acme Five") == (
        "ignored",
        "older than what is known of the company",
    )
    assert say(engine, 5, industry="Mining", name="Acme Five") == APPLIED
    assert (profile(engine)["name"], profile(engine)["industry"]) == ("Acme Nine", "Mining")


def test_what_somebody_else_wrote_of_a_company_beats_an_older_event(engine: sa.Engine) -> None:
    assert say(engine, 9, name="Acme Nine") == APPLIED
    run(engine, "update bg.companies set name = 'By hand' where id = 'acme'")
    assert say(engine, 12, name="Acme Twelve")[0] == "ignored"
    # Nobody wrote of this one: of a company that is as it was, nothing is newer.
    assert say(engine, 12, of="4", name="Globex Twelve") == APPLIED
    assert profile(engine)["name"] == "By hand"


def test_a_value_that_is_as_it_was_refreshes_nobody(engine: sa.Engine) -> None:
    assert say(engine, name=profile(engine)["name"]) == APPLIED
    assert changes(engine) == []


def test_a_deleted_company_is_not_tracked_its_people_stay_and_it_comes_back(
    engine: sa.Engine,
) -> None:
    assert one(engine, "company.deleted", None, {"id": "3"}, seconds=1) == APPLIED
    assert profile(engine)["deleted_at"] is not None
    assert value(engine, "select count(*) from bg.people where deleted_at is null") == 2
    assert changes(engine) == [("acme", None, "company_deleted")]
    # What is told meanwhile is not lost.
    assert say(engine, 2, industry="Mining") == APPLIED
    assert one(engine, "company.deleted", None, {"id": "3"}, seconds=3)[0] == "ignored"
    assert one(engine, "company.restored", None, {"id": "3"}, seconds=4) == APPLIED
    assert (profile(engine)["deleted_at"], profile(engine)["industry"]) == (None, "Mining")
    late = one(engine, "company.deleted", None, {"id": "3"}, seconds=3)
    assert late == ("ignored", "older than what is known of the company")
    assert changes(engine)[1:] == [("acme", None, "company_profile_change")]


def test_of_two_companies_that_are_one_the_people_pins_and_ids_are_the_others(
    engine: sa.Engine,
) -> None:
    for name, product in (("ada", "finance_system"), ("bo", "finance_system")):
        insert(engine, "bg.member_overrides", company_id="acme", product=product, person_id=name,
               action="pin", role="champion", by="me", reason="known")  # fmt: skip
    insert(engine, "bg.webhook_identities", source="open", kind="company", external_id="x",
           our_id="acme")  # fmt: skip
    run(engine, "update bg.webhook_sources set revoked_at = now() where id = 'open'")
    assert one(engine, "company.merged", None, {"id": "3"}, into="4") == APPLIED
    found = rows(engine, "select id, company_id, title, department, manager_id from bg.people")
    assert sorted(tuple(row.values()) for row in found) == [
        ("ada", "globex", "CFO", "Finance", None), ("bo", "globex", "Clerk", None, "ada"),
    ]  # fmt: skip
    assert profile(engine)["deleted_at"] is not None
    led = rows(engine, "select external_id, our_id from bg.webhook_identities order by 1")
    assert {row["external_id"]: row["our_id"] for row in led} == {
        "3": "globex", "4": "globex", "x": "globex",
    }  # fmt: skip
    pinned = "select count(*) from bg.member_overrides where company_id = 'globex'"
    assert value(engine, pinned) == 2
    kinds = {(company_id, kind) for company_id, _, kind in changes(engine)}
    assert {("acme", "company_deleted"), ("globex", "company_change")} <= kinds
    logged = "select detail ->> 'into' from bg.audit_log where action = 'company.merged'"
    assert value(engine, logged) == "globex"
    # And from now on.
    assert say(engine, 5, of="3", industry="Mining") == APPLIED
    assert profile(engine, "globex")["industry"] == "Mining"


def test_events_of_one_round_behind_a_merger_are_about_the_one_that_stays(
    engine: sa.Engine,
) -> None:
    run(engine, "update bg.people set observed_at = :at", at=at(-3600))
    forget_changes(engine)
    event(engine, "company.merged", None, {"id": "3"}, into="4", seconds=1)
    moved = {"title": {"new": "CEO"}}
    event(engine, "person.role_change", "ada", {"id": "4"}, changes=moved, seconds=2)
    event(engine, "person.left", "bo", {"id": "3"}, seconds=3)
    assert apply(engine).applied == 3
    found = rows(engine, "select id, company_id, title, department, status from bg.people")
    # She is in the job she was in: the department is still hers.
    assert sorted(tuple(row.values()) for row in found) == [
        ("ada", "globex", "CEO", "Finance", "active"), ("bo", "globex", "Clerk", None, "left"),
    ]  # fmt: skip


def test_where_one_of_two_is_known_it_has_both_ids_and_one_of_several_sources_merges_only_its_own(
    engine: sa.Engine,
) -> None:
    assert one(engine, "company.merged", None, {"id": "3"}, into="99") == APPLIED
    assert say(engine, 5, of="99", industry="Mining") == APPLIED
    assert profile(engine)["industry"] == "Mining"
    assert one(engine, "company.merged", None, {"id": "no"}, into="nor")[0] == "ignored"
    status, why = one(engine, "company.merged", None, {"id": "acme"}, into="globex", by="open")
    assert status == "dead"
    assert "can't be taken apart" in (why or "")
    assert profile(engine)["deleted_at"] is None


def test_an_unknown_company_is_created_where_the_source_may_and_a_name_is_told(
    engine: sa.Engine,
) -> None:
    status, why = say(engine, of="77", name="Initech")
    assert (status, "needed is an import" in (why or "")) == ("dead", True)
    assert "its name" in say(engine, of="77", by="open", industry="Mining")[1]
    assert say(engine, 8, of="77", by="open", name="Initech", employee_count=60) == APPLIED
    found = profile(engine, "77")
    assert (found["name"], found["employee_min"], found["employee_max"]) == ("Initech", 60, 60)
    # Properties come in any order: an older one is news where none is newer.
    assert say(engine, 5, of="77", by="open", industry="Mining") == APPLIED
    assert say(engine, 5, of="77", by="open", name="Initrode")[0] == "ignored"


def test_a_company_is_found_by_a_domain_that_one_alone_has_and_its_id_is_remembered(
    engine: sa.Engine,
) -> None:
    run(engine, "update bg.companies set domain = 'acme.example' where id = 'acme'")
    run(engine, "update bg.companies set observed_at = :at", at=at(-3600))
    assert say(engine, of="500", domain="acme.example") == APPLIED
    assert say(engine, 1, of="500", name="Acme AG") == APPLIED
    assert profile(engine)["name"] == "Acme AG"
    gone = one(engine, "company.deleted", None, {"id": "501", "domain": "acme.example"})
    assert gone == ("ignored", "the company is not known here")


def test_an_event_about_a_company_that_is_being_written_waits(engine: sa.Engine) -> None:
    news = {"industry": {"new": "Mining"}}
    with engine.begin() as conn:
        run(conn, "update bg.companies set revenue = 1 where id = 'acme'")
        waiting = event(engine, "company.changed", None, {"id": "3"}, changes=news)
        other = event(engine, "company.changed", None, {"id": "4"}, changes=news)
        apply(engine)
        assert became(engine, waiting)[0] == "pending"
        assert became(engine, other) == APPLIED
        conn.rollback()
    apply(engine)
    assert became(engine, waiting) == APPLIED
