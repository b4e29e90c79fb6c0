"""What is asked of People Data Labs, and what its answers are taken to mean."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.asking import (
    Answer,
    CompanyAsked,
    FoundPerson,
    Kind,
    NotChecked,
    PermanentFailure,
    PersonAsked,
    Provider,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.likeness import Verdict, company_likeness, person_likeness
from bg_assets.providers import calling
from bg_assets.providers.pdl import BadPdl, PeopleDataLabs
from bg_assets_tests.providers.fake_pdl import KEY, FakePdl
from bg_assets_tests.providers.plays import Play
from bg_assets_tests.providers.questions import (
    ABOUT_ADA,
    ABOUT_CY,
    ABOUT_VANE,
    VANE,
    WHO_IS_THERE,
    client,
)

PERSON, COMPANY = Decimal("0.28"), Decimal("0.10")


def _person(fake: FakePdl, question: Question) -> FoundPerson:
    (found,) = client(fake).ask(question, 5).people
    return found


def test_a_person_is_found_with_what_matters_and_nothing_private(fake: FakePdl) -> None:
    found = _person(fake, ABOUT_ADA)
    assert found == FoundPerson(
        key="inv-0001",
        name="Ada Quill",
        title="Chief Financial Officer",
        email="ada.quill@harbourvane.com",
        location="Lisbon, Lisboa, Portugal",
        company_name="Harbour Vane",
        company_domain="harbourvane.com",
        start_date=date(2024, 3, 1),
        employed_there=True,
        observed_at=datetime(2026, 11, 3, tzinfo=UTC),
        likelihood=0.9,
        career=found.career,
    )
    assert [(one.title, one.start_date, one.end_date) for one in found.career] == [
        ("Chief Financial Officer", date(2024, 3, 1), None),
        ("Finance Director", date(2019, 1, 15), date(2024, 2, 29)),
    ]
    assert person_likeness(ABOUT_ADA, found).verdict is Verdict.SAME
    (call,) = fake.calls
    assert "personal" not in call.asked["data_include"]
    assert "phone" not in call.asked["data_include"]


def test_who_left_is_found_as_the_same_person_who_is_not_there(fake: FakePdl) -> None:
    found = _person(fake, ABOUT_CY)
    assert found.employed_there is False
    assert found.company_name == "Tern & Loom"
    assert found.career[1].end_date == date(2026, 8, 31)
    assert person_likeness(ABOUT_CY, found).verdict is Verdict.SAME


def test_a_company_is_found_with_its_size(fake: FakePdl) -> None:
    answer = client(fake).ask(ABOUT_VANE, 5)
    assert answer.cost == COMPANY
    found = answer.company
    assert found is not None
    assert (found.employee_min, found.employee_max) == (201, 500)
    assert (found.name, found.domain, found.country) == ("Harbour Vane", VANE.domain, "Portugal")
    assert company_likeness(VANE, found).verdict is Verdict.SAME


def test_a_search_brings_people_of_the_company_alone_and_as_many_as_were_asked_for(
    fake: FakePdl,
) -> None:
    answer = client(fake).ask(WHO_IS_THERE, 5)
    assert [one.key for one in answer.people] == ["inv-0001", "inv-0002"]
    assert all(one.employed_there for one in answer.people)
    assert answer.cost == 2 * PERSON == fake.billed * PERSON
    (call,) = fake.calls
    assert call.asked["size"] == 2


def test_a_company_without_a_domain_is_searched_by_its_name(fake: FakePdl) -> None:
    question = replace(WHO_IS_THERE, company=CompanyAsked("c", "Harbour VANE"), most=100)
    assert len(client(fake).ask(question, 5).people) == 3


@pytest.mark.parametrize("question", [ABOUT_ADA, ABOUT_VANE, WHO_IS_THERE])
def test_nobody_found_is_an_answer_that_costs_nothing(fake: FakePdl, question: Question) -> None:
    fake.play(Play.NOBODY)
    assert client(fake).ask(question, 5) == Answer()
    assert fake.billed == 0


def test_what_the_plan_does_not_show_is_unknown(fake: FakePdl) -> None:
    fake.play(Play.PLAN_HIDES)
    found = _person(fake, ABOUT_ADA)
    assert (found.email, found.location) == (None, None)
    assert found.title == "Chief Financial Officer"


def test_another_person_is_told_as_another(fake: FakePdl) -> None:
    fake.play(Play.ANOTHER)
    found = _person(fake, ABOUT_ADA)
    likeness = person_likeness(ABOUT_ADA, found)
    assert likeness.verdict is Verdict.ANOTHER
    assert "the name is another" in likeness.reasons


def test_the_cost_is_what_the_provider_says_it_billed(fake: FakePdl) -> None:
    assert client(fake).ask(ABOUT_ADA, 5).cost == PERSON
    dear = PeopleDataLabs(KEY, fake.url, Decimal("0.2"), Decimal("0.05"))
    assert dear.ask(ABOUT_ADA, 5).cost == Decimal("0.2")
    assert dear.ask(ABOUT_VANE, 5).cost == Decimal("0.05")


@pytest.mark.parametrize(
    ("question", "price"),
    [
        (ABOUT_ADA, PERSON),
        (ABOUT_VANE, COMPANY),
        (WHO_IS_THERE, 2 * PERSON),
        (replace(WHO_IS_THERE, most=1000), 100 * PERSON),
        (replace(WHO_IS_THERE, most=0), None),
        (replace(ABOUT_ADA, person=None), None),
        (replace(ABOUT_ADA, person=PersonAsked("p")), None),
        (replace(ABOUT_ADA, person=PersonAsked("p", title="CFO")), None),
        (replace(ABOUT_ADA, person=PersonAsked("p", email="a@b.c")), PERSON),
    ],
)
def test_the_price_is_the_most_that_the_answer_may_cost(
    question: Question, price: Decimal | None
) -> None:
    assert PeopleDataLabs(KEY).price(question) == price


def test_what_has_no_price_is_not_asked(fake: FakePdl) -> None:
    with pytest.raises(NotChecked):
        client(fake).ask(replace(ABOUT_ADA, person=PersonAsked("p")), 5)
    assert fake.calls == []


def test_the_key_travels_in_a_header_and_is_in_no_text(fake: FakePdl) -> None:
    provider = client(fake)
    assert isinstance(provider, Provider)
    provider.ask(ABOUT_ADA, 5)
    (call,) = fake.calls
    assert call.key == KEY
    assert KEY not in f"{call.path} {call.asked} {provider} {provider!r}"


def test_a_wrong_key_is_told_by_its_variable(fake: FakePdl) -> None:
    with pytest.raises(PermanentFailure, match="BG_PDL_KEY") as failed:
        client(fake, "another-key-of-somebody").ask(ABOUT_ADA, 5)
    assert failed.value.whole_provider
    assert "another-key" not in str(failed.value)


@pytest.mark.parametrize("key", ["", "short", "with a space in it", "with\r\nanother: header"])
def test_what_is_no_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(BadPdl, match="BG_PDL_KEY") as refused:
        PeopleDataLabs(key)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "ftp://api.example.com",
        "api.example.com",
        "https://",
        "https://me:secret@api.example.com",
        "https://api.example.com?key=secret",
        "https://[::1",
        "http://127.0.0.1.example.com",
        "https://api.example.com:port",
    ],
)
def test_an_address_to_which_the_key_must_not_go_is_refused(url: str) -> None:
    with pytest.raises(BadPdl, match="BG_PDL_URL") as refused:
        PeopleDataLabs(KEY, url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://proxy.example.com/pdl/", "http://[::1]:8000"])
def test_a_proxy_of_ones_own_is_taken(url: str) -> None:
    assert PeopleDataLabs(KEY, url).url == url


def test_a_question_that_names_its_kind_alone_finds_no_price() -> None:
    assert PeopleDataLabs(KEY).price(Question(Kind.PERSON, VANE)) is None


def test_other_processes_can_ask_the_server_what_came_and_say_what_is_to_come(
    fake: FakePdl,
) -> None:
    said = calling.call(
        "POST", f"{fake.url}/plays", 5, headers={}, document={"next": ["404"], "always": "503"}
    )
    assert said.code == 200
    assert client(fake).ask(ABOUT_ADA, 5) == Answer()
    with pytest.raises(TemporaryFailure):
        client(fake).ask(ABOUT_ADA, 5)
    counts = json.loads(calling.call("GET", f"{fake.url}/counts", 5, headers={}).body)
    assert counts == {"calls": 2, "billed": 0, "plays": {"404": 1, "503": 1}}
