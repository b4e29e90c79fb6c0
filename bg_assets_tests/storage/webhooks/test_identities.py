"""Who is meant by an event: recognised, found, created, or nobody."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run, value
from bg_assets_tests.storage.told import APPLIED, changes, one, person

NOBODY = (
    "the person is not known, and the source may not create it; needed is an import in which the "
    "person has the id that the source uses, or an e-mail in the event that is known here"
)
NO_COMPANY = (
    "the company is not known, and the source may not create it; needed is an import in which the "
    "company has the id that the source uses, or a domain in the event that is known here"
)


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """Two companies; Ada works at acme. Source crm may create nothing, open may."""
    told.source(engine, "crm")
    told.source(engine, "open", may_create=True)
    company(engine, "acme")
    company(engine, "globex")
    insert(engine, "bg.people", id="ada", company_id="acme", title="CFO", email="ada@acme.example")
    forget_changes(engine)


def title(engine: sa.Engine, person_id: str) -> object:
    found = person(engine, person_id)
    return found and found["title"]


def test_a_person_is_known_by_our_id_and_then_by_what_the_source_calls_them(
    engine: sa.Engine,
) -> None:
    one(engine, "person.role_change", "ada")
    told.known(engine, "update bg.people set id = 'ada-2' where id = 'ada'")
    run(engine, "update bg.webhook_identities set our_id = 'ada-2' where kind = 'person'")
    insert(engine, "bg.people", id="ada", company_id="globex", title="CTO")
    one(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"}, seconds=1)
    assert title(engine, "ada-2") == "CEO"


def test_identities_are_of_the_source_that_told_them(engine: sa.Engine) -> None:
    insert(engine, "bg.people", id="bo", company_id="acme", email="bo@acme.example")
    forget_changes(engine)
    assert one(engine, "person.role_change", {"id": "1", "email": "bo@acme.example"}) == APPLIED
    told.source(engine, "other")
    assert one(engine, "person.role_change", "1", by="other")[0] == "dead"
    assert one(engine, "person.role_change", {"id": "1", "newTitle": "CIO"}, seconds=1) == APPLIED
    assert title(engine, "bo") == "CIO"


@pytest.mark.parametrize("mail", ["ada@acme.example", "ADA@Acme.Example"])
def test_a_person_is_known_by_an_email_that_is_theirs_alone(engine: sa.Engine, mail: str) -> None:
    called = {"id": "sf-1", "email": mail, "newTitle": "CEO"}
    assert one(engine, "person.role_change", called) == APPLIED
    assert title(engine, "ada") == "CEO"
    found = rows(engine, "select external_id, our_id from bg.webhook_identities "
        "where kind = 'person' and source = 'crm'")  # fmt: skip
    assert found == [{"external_id": "sf-1", "our_id": "ada"}]


def test_a_person_is_known_by_the_email_that_they_had(engine: sa.Engine) -> None:
    said = {"email": {"old": "ada@acme.example", "new": "vance@acme.example"}}
    called = {"id": "sf-1", "email": "vance@acme.example"}
    assert one(engine, "person.contact_update", called, changes=said) == APPLIED
    assert value(engine, "select email from bg.people") == "vance@acme.example"


@pytest.mark.parametrize("by", ["crm", "open"])
@pytest.mark.parametrize("kind", ["person.role_change", "person.changed", "person.deleted"])
def test_an_event_of_quite_another_name_does_not_change_who_has_the_email_and_doubles_nobody(
    engine: sa.Engine, kind: str, by: str
) -> None:
    told.known(engine, "update bg.people set name = 'Jill Reed', email = 'jill@birch.example'")
    forget_changes(engine)
    called = {"id": "zz-77", "name": "Ivo Stone", "email": "jill@birch.example", "newTitle": "CEO"}
    status, reason = one(engine, kind, called, by=by, changes={"title": {"new": "CEO"}})
    assert (status, "another name" in (reason or "")) == ("dead", True)
    assert title(engine, "ada") == "CFO"
    assert (value(engine, "select count(*) from bg.people"), changes(engine)) == (1, [])
    assert value(engine, "select count(*) from bg.webhook_identities where kind = 'person'") == 0


def test_an_email_that_several_people_have_tells_nobody(engine: sa.Engine) -> None:
    insert(engine, "bg.people", id="bo", company_id="globex", email="Ada@acme.example")
    called = {"id": "sf-1", "email": "ada@acme.example"}
    status, reason = one(engine, "person.role_change", called, by="open")
    assert (status, reason) == (
        "dead", "several people have the e-mail: who is meant can't be told",
    )  # fmt: skip
    assert person(engine, "sf-1") is None


def test_a_mailbox_of_a_crowd_tells_nobody(engine: sa.Engine) -> None:
    for number in range(20):
        insert(engine, "bg.people", id=f"p{number}", company_id="acme", email="info@acme.example")
    called = {"id": "sf-1", "email": "info@acme.example"}
    assert one(engine, "person.role_change", called)[0] == "dead"


def test_an_email_counts_in_the_workspace_of_the_source_only(engine: sa.Engine) -> None:
    told.source(engine, "east", workspace="east")
    called = {"id": "sf-1", "email": "ada@acme.example"}
    assert one(engine, "person.role_change", called, by="east")[0] == "dead"
    insert(engine, "bg.companies", id="far", name="Far", workspace="east")
    insert(engine, "bg.people", id="bo", company_id="far", email="ada@acme.example")
    assert one(engine, "person.role_change", called, "far", by="east") == APPLIED
    assert value(engine, "select observed_at from bg.people where id = 'ada'") is None


def test_the_email_of_somebody_deleted_tells_nobody(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set deleted_at = now()")
    called = {"id": "sf-1", "email": "ada@acme.example"}
    assert one(engine, "person.role_change", called)[0] == "dead"


def test_nobody_is_known_by_their_name_alone(engine: sa.Engine) -> None:
    called = {"id": "sf-1", "name": "Ada Vance", "newTitle": "CEO"}
    assert one(engine, "person.role_change", called) == (
        "dead", NOBODY,
    )  # fmt: skip
    assert one(engine, "company.refresh_requested", None, {"id": "x", "name": "Company acme"}) == (
        "dead", NO_COMPANY,
    )  # fmt: skip
    assert title(engine, "ada") == "CFO"
    assert changes(engine) == []


def test_a_company_is_known_by_a_domain_that_is_its_alone(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set domain = 'globex.example' where id = 'globex'")
    forget_changes(engine)
    called = {"id": "001", "name": "Globex Inc", "domain": "https://www.Globex.example/"}
    assert one(engine, "person.company_change", "ada", called) == APPLIED
    assert one(engine, "company.refresh_requested", None, {"id": "001"}) == APPLIED
    assert [row[0] for row in changes(engine)] == ["acme", "globex", "globex"]
    run(engine, "update bg.companies set domain = 'globex.example'")
    assert one(engine, "company.refresh_requested", None, called | {"id": "002"}, by="open") == (
        "dead", "several companies have the domain: which is meant can't be told",
    )  # fmt: skip


def test_a_domain_counts_in_the_workspace_of_the_source_only(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set domain = 'globex.example' where id = 'globex'")
    told.source(engine, "east", workspace="east")
    called = {"id": "001", "domain": "globex.example"}
    assert one(engine, "company.refresh_requested", None, called, by="east")[0] == "dead"
    assert one(engine, "company.refresh_requested", None, "globex", by="east") == APPLIED


def test_a_source_that_may_creates_person_and_company_with_their_own_ids(
    engine: sa.Engine,
) -> None:
    called = {"id": "p 1/ä", "name": "Bo", "email": "bo@init.example", "new_title": "CIO"}
    firm = {"id": "init:1", "name": "Initech", "domain": "init.example"}
    said = {"location": {"new": "Rome"}}
    assert one(engine, "person.role_change", called, firm, by="open", changes=said) == APPLIED
    found = person(engine, "p 1/ä")
    assert found is not None
    wanted = {
        "company_id": "init:1", "name": "Bo", "email": "bo@init.example", "title": "CIO",
        "location": "Rome", "status": "active", "observed_at": at(0), "department": None,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert rows(engine, "select workspace, name, domain from bg.companies where id = 'init:1'") == [
        {"workspace": "default", "name": "Initech", "domain": "init.example"}
    ]
    assert changes(engine) == [
        ("init:1", "p 1/ä", "person_joined"), ("init:1", None, "company_profile_change"),
    ]  # fmt: skip


def test_what_a_source_creates_is_in_its_workspace(engine: sa.Engine) -> None:
    told.source(engine, "east", workspace="east", may_create=True)
    one(engine, "company.refresh_requested", None, {"id": "n", "name": "New"}, by="east")
    assert value(engine, "select workspace from bg.companies where id = 'n'") == "east"


@pytest.mark.parametrize(
    ("firm", "reason"),
    [
        ({"id": "no spaces", "name": "Initech"}, "the company can't be created: its id takes"),
        ({"id": "a..b", "name": "Initech"}, "the company can't be created: its id takes"),
        ({"id": "x" * 129, "name": "Initech"}, "the company can't be created: its id takes"),
        ({"id": "i", "name": "x" * 201}, "the company can't be created: its name takes"),
        ({"id": "i", "name": "?"}, "the company can't be created: its name takes"),
        ({"id": "i"}, "the company can't be created: its name takes"),
    ],
)
def test_a_company_that_can_not_be_created_makes_the_event_dead(
    engine: sa.Engine, firm: dict[str, str], reason: str
) -> None:
    kind = "person.joined" if "name" in firm else "company.refresh_requested"
    called = "bo" if "name" in firm else None
    status, told_why = one(engine, kind, called, firm, by="open")
    assert status == "dead"
    assert (told_why or "").startswith(reason)
    assert person(engine, "bo") is None


def test_who_left_and_is_not_known_is_not_created(engine: sa.Engine) -> None:
    assert one(engine, "person.left", "bo", by="open")[0] == "ignored"
    assert one(engine, "person.left", "bo")[0] == "dead"
    assert one(engine, "person.left", "ada", "new-one", by="open")[0] == "ignored"
    assert one(engine, "person.left", "ada", "new-one")[0] == "dead"
    assert person(engine, "bo") is None
    assert value(engine, "select count(*) from bg.companies") == 2


def test_an_event_about_a_company_that_is_deleted_is_dead(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set deleted_at = now(), domain = 'g.example' "
        "where id = 'globex'")  # fmt: skip
    gone = ("dead", "the company is no longer tracked")
    assert one(engine, "person.company_change", "ada", "globex", by="open") == gone
    called = {"id": "x", "name": "Globex", "domain": "g.example"}
    assert one(engine, "company.refresh_requested", None, called, by="open") == gone
    assert value(engine, "select company_id from bg.people") == "acme"


def test_of_a_deleted_and_a_tracked_company_with_one_domain_the_tracked_one_is_meant(
    engine: sa.Engine,
) -> None:
    run(engine, "update bg.companies set domain = 'g.example'")
    run(engine, "update bg.companies set deleted_at = now() where id = 'acme'")
    forget_changes(engine)
    called = {"id": "x", "domain": "g.example"}
    assert one(engine, "company.refresh_requested", None, called) == APPLIED
    assert changes(engine) == [("globex", None, "resync")]


def test_an_event_about_a_person_who_is_deleted_is_dead(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set deleted_at = now()")
    assert one(engine, "person.role_change", "ada", by="open") == (
        "dead", "the person is deleted here",
    )  # fmt: skip


def test_an_identity_of_somebody_who_is_gone_is_found_anew(engine: sa.Engine) -> None:
    one(engine, "person.role_change", {"id": "sf-1", "email": "ada@acme.example"})
    run(engine, "delete from bg.people where id = 'ada'")
    called = {"id": "sf-1", "newTitle": "CEO"}
    assert one(engine, "person.role_change", called, seconds=1)[0] == "dead"
    assert one(engine, "person.role_change", called, seconds=1, by="open") == APPLIED
    assert person(engine, "sf-1") is not None
