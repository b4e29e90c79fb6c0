"""Who is meant by an event: by the source's id, by ours, by an e-mail or a domain, or nobody."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import (
    CROWD,
    Company,
    Known,
    Person,
    find_company,
    find_person,
    put_company,
    put_person,
)

ACME = Company("acme", "default", "Acme", "acme.example")
EAST = Company("east", "east", "East", "east.example")
ADA = Person("ada", "acme", "Ada", email="Ada@acme.example")
SEVERAL = "several people have the e-mail: who is meant can't be told"
COMPANIES = "several companies have the domain: which is meant can't be told"


def world(*people: Person, **more: Any) -> Known:
    known = Known(companies={"acme": ACME, "east": EAST}, people={one.id: one for one in people})
    for person in people:
        for workspace in ("default", "east"):
            if person.email is not None:
                place = (workspace, person.email.lower())
                known.by_email[place] = (*known.by_email.get(place, ()), person.id)
    return replace(known, **more)


def found(known: Known, person: Party | None, old: str | None = None, at: str = "default") -> Any:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    event = Event("e", "crm", "person.left", moment, Party("acme"), person, old_email=old)
    return find_person(known, "crm", event, at)


def test_the_id_of_the_source_comes_before_ours_and_ours_before_an_email() -> None:
    bo, cy = Person("bo", "acme"), Person("cy", "acme", email="cy@acme.example")
    known = world(ADA, bo, cy, identities={("person", "crm", "ada"): "bo"})
    called = Party("ada", email="cy@acme.example")
    assert found(known, called) == bo
    assert found(replace(known, identities={("person", "hr", "ada"): "bo"}), called) == ADA
    assert found(replace(known, identities={("company", "crm", "ada"): "bo"}), called) == ADA
    # Of somebody who is gone since, the next best is asked.
    assert found(replace(known, identities={("person", "crm", "ada"): "zoe"}), called) == ADA
    assert found(known, Party("x", email="CY@acme.example")) == cy


def test_nobody_is_meant_without_an_id_or_by_a_name() -> None:
    known = world(ADA)
    for called in (None, Party(None, "Ada", "ada@acme.example"), Party("x", "Ada")):
        assert found(known, called) is None


def test_an_email_now_or_before_tells_who_is_meant() -> None:
    known = world(ADA)
    assert found(known, Party("x", email="ada@ACME.example")) == ADA
    assert found(known, Party("x", email="new@acme.example"), "ada@acme.example") == ADA
    assert found(known, Party("x"), "ADA@acme.example") == ADA
    assert found(known, Party("x"), "other@acme.example") is None


def test_an_email_that_several_have_tells_nobody() -> None:
    bo = replace(ADA, id="bo")
    assert found(world(ADA, bo), Party("x", email="ada@acme.example")) == SEVERAL
    gone = replace(bo, deleted=True)
    assert found(world(ADA, gone), Party("x", email="ada@acme.example")) == ADA
    # Who had it when it was read and has it no more is no candidate.
    for email in ("bo@acme.example", None):
        known = world(ADA, bo)
        known.people["bo"] = replace(bo, email=email)
        assert found(known, Party("x", email="ada@acme.example")) == ADA


@pytest.mark.parametrize(("number", "tells"), [(CROWD - 1, True), (CROWD, False)])
def test_a_crowd_is_not_told_apart(number: int, *, tells: bool) -> None:
    """Though one only of those that were read has it still."""
    ids = ("ada", *(f"p{one}" for one in range(number - 1)))
    known = world(ADA, by_email={("default", "ada@acme.example"): ids})
    assert found(known, Party("x", email="ada@acme.example")) == (ADA if tells else SEVERAL)


@pytest.mark.parametrize(
    "name",
    [
        "Jill Reed",
        "REED, Jill",
        "Jill Stone",
        "J. R.",
        "Gillian Reed",
        "Jill Reid",
        "Джилл Рид",
        "?",
    ],
)
def test_an_email_tells_who_is_meant_where_the_names_have_something_in_common(name: str) -> None:
    jill = Person("jill", "acme", "Jill Reed", email="jill@birch.example")
    assert found(world(jill), Party("zz-77", name, "jill@birch.example")) == jill
    nameless = replace(jill, name=None)
    assert found(world(nameless), Party("zz-77", name, "jill@birch.example")) == nameless


@pytest.mark.parametrize("name", ["Ivo Stone", "Reception Desk", "Ivo"])
def test_an_email_does_not_tell_who_is_meant_by_quite_another_name(name: str) -> None:
    jill = Person("jill", "acme", "Jill Reed", email="jill@birch.example")
    for event in ((Party("zz-77", name, "jill@birch.example"), None),
                  (Party("zz-77", name, "new@birch.example"), "jill@birch.example")):  # fmt: skip
        reason = found(world(jill), *event)
        assert reason.startswith("somebody of quite another name has the e-mail here")
        assert not any(word in reason for word in ("Jill", "jill", name))
    # So it is where the name is a property, as CRMs tell it.
    party, moment = Party("zz-77", email="jill@birch.example"), datetime(2026, 3, 2, tzinfo=UTC)
    told = Event("e", "crm", "person.changed", moment, Party(None), party, {"name": name})
    assert "another name" in str(find_person(world(jill), "crm", told, "default"))
    # By an id she is meant whatever she is called there.
    assert found(world(jill), Party("jill", name)) == jill


def test_an_email_counts_in_the_workspace_of_the_company_only() -> None:
    known = world(ADA)
    assert found(known, Party("x", email="ada@acme.example"), at="east") is None
    nowhere = world(replace(ADA, company_id=None), replace(ADA, id="bo", company_id="none"))
    assert found(nowhere, Party("x", email="ada@acme.example")) is None


def test_who_is_deleted_is_told_where_the_id_means_them() -> None:
    known = world(replace(ADA, deleted=True))
    assert found(known, Party("ada")) == "the person is deleted here"
    assert found(known, Party("x", email="ada@acme.example")) is None


# Companies.


def firms(*more: Company, **named: Any) -> Known:
    companies = {one.id: one for one in (ACME, *more)}
    domains: dict[tuple[str, str], tuple[str, ...]] = {}
    for one in companies.values():
        place = (one.workspace, one.domain or "")
        domains[place] = (*domains.get(place, ()), one.id)
    return replace(Known(companies=companies, by_domain=domains), **named)


def firm(known: Known, party: Party, at: str = "default") -> Any:
    return find_company(known, "crm", party, at)


def test_a_company_is_meant_by_the_source_s_id_then_ours_then_its_domain() -> None:
    globex = Company("globex", "default", "Globex", "globex.example")
    known = firms(globex, identities={("company", "crm", "acme"): "globex"})
    called = Party("acme", domain="acme.example")
    assert firm(known, called) == globex
    assert firm(firms(globex), called) == ACME
    assert firm(firms(globex, identities={("company", "hr", "acme"): "globex"}), called) == ACME
    assert firm(firms(globex, identities={("person", "crm", "acme"): "globex"}), called) == ACME
    assert firm(known, Party("x", domain="GLOBEX.example")) == globex
    assert firm(known, Party("x", "Globex")) is None
    assert firm(known, Party(None, "Acme", domain="acme.example")) == ACME
    assert firm(known, Party("x", domain="acme.example"), "east") is None


def test_of_companies_with_one_domain_the_only_one_that_is_tracked_is_meant() -> None:
    other = replace(ACME, id="other")
    gone = replace(other, deleted=True)
    called = Party("x", domain="acme.example")
    assert firm(firms(other), called) == COMPANIES
    assert firm(firms(gone), called) == ACME
    assert (
        firm(firms(gone, companies={"other": gone}), called) == "the company is no longer tracked"
    )
    assert firm(firms(companies={"acme": replace(ACME, deleted=True)}), Party("acme")) == (
        "the company is no longer tracked"
    )


@pytest.mark.parametrize(("number", "tells"), [(CROWD - 1, True), (CROWD, False)])
def test_a_crowd_of_companies_is_not_told_apart(number: int, *, tells: bool) -> None:
    ids = ("acme", *(f"c{one}" for one in range(number - 1)))
    known = firms(by_domain={("default", "acme.example"): ids})
    assert firm(known, Party("x", domain="acme.example")) == (ACME if tells else COMPANIES)


# What is noted.


def test_a_new_company_is_noted_with_its_domain_and_one_that_is_known_is_not() -> None:
    known = firms()
    new = Company("new", "default", "New", "New.example")
    for _ in range(2):
        put_company(known, "crm", Party("n"), new)
        put_company(known, "crm", Party("a"), ACME)
    assert (known.new_companies, known.companies["new"]) == (["new"], new)
    assert known.by_domain["default", "new.example"] == ("new",)
    assert known.by_domain["default", "acme.example"] == ("acme",)
    assert known.identities == {("company", "crm", "n"): "new", ("company", "crm", "a"): "acme"}
    put_company(known, "crm", Party("z"), Company("bare", "default", "Bare"))
    assert len(known.by_domain) == 2


def test_a_person_is_noted_as_new_or_changed_and_found_by_the_email_they_have_now() -> None:
    known = world(ADA)
    bo = Person("bo", "acme", email="Bo@acme.example")
    for person in (replace(ADA, email="a@acme.example"), bo, replace(bo, title="CIO")):
        put_person(known, person)
    assert (list(known.new_people), list(known.changed_people)) == (["bo"], ["ada"])
    assert found(known, Party("x", email="a@acme.example")) == known.people["ada"]
    assert found(known, Party("x", email="ada@acme.example")) is None
    assert found(known, Party("x", email="bo@acme.example")) == replace(bo, title="CIO")
    assert known.by_email["default", "bo@acme.example"] == ("bo",)
    for person in (Person("cy", "none", email="cy@acme.example"), Person("dee", "acme")):
        put_person(known, person)
    assert set(known.by_email) == {
        ("default", "ada@acme.example"), ("east", "ada@acme.example"),
        ("default", "a@acme.example"), ("default", "bo@acme.example"),
    }  # fmt: skip


def test_of_a_place_no_more_are_noted_than_are_told_apart() -> None:
    known = world()
    for number in range(CROWD + 3):
        put_person(known, Person(f"p{number}", "acme", email="info@acme.example"))
    assert known.by_email["default", "info@acme.example"] == tuple(f"p{n}" for n in range(CROWD))
    assert found(known, Party("x", email="info@acme.example")) == SEVERAL
