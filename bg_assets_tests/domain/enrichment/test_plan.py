"""The plan of what to ask: what is missing or doubtful, within people and dollars."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.asking import CompanyAsked, Kind, Level, PersonAsked, Question
from bg_assets.domain.enrichment.plan import (
    MOST_PEOPLE,
    Known,
    Membership,
    Offer,
    Plan,
    Situation,
    plan,
)

ACME = CompanyAsked("acme", "Acme", "acme.com")
PRICES = {Kind.COMPANY: Decimal("0.10"), Kind.PERSON: Decimal("0.28")}
SEEN = date(2024, 1, 1)


def offers(question: Question) -> Sequence[Offer]:
    """One provider, which bills each person that it finds."""
    if question.kind is Kind.DISCOVERY:
        return [Offer("pdl", question.most * Decimal("0.28"))]
    return [Offer("pdl", PRICES[question.kind])]


def person(
    person_id: str, role: str = "champion", *, influence: float = 0.5, confidence: float = 0.9,
    email: str | None = "a@acme.com", there: float = 1.0, name: str | None = "Ada Byron",
    read: bool = True, member: bool = True, title: str | None = "CFO",
) -> Known:  # fmt: skip
    places = (Membership("erp", role, influence, confidence),) if member else ()
    asked = PersonAsked(person_id, name, title, email)
    return Known(asked, read, SEEN, there, places)


def situation(*people: Known, level: Level = Level.ENRICH, **values: object) -> Situation:
    known: dict[str, object] = {"size_known": True, "people": people, **values}
    return Situation(ACME, level, **known)  # type: ignore[arg-type]


def made(one: Situation, budget: str = "5") -> Plan:
    return plan(one, offers, Decimal(budget))


def ids(one: Plan) -> list[str]:
    return [item.person_id for item in one.items]


def reasons(one: Plan) -> list[tuple[str, ...]]:
    return [item.reasons for item in one.items]


def left_out(one: Plan) -> dict[str, str]:
    return {left.item.person_id: left.because for left in one.left_out}


def test_of_whom_all_is_known_nothing_is_asked() -> None:
    assert made(situation(person("a"), person("b", there=0.96))).items == ()


def test_a_template_that_only_identifies_asks_nothing_whatever_is_missing() -> None:
    poor = situation(person("a", email=None), level=Level.IDENTIFY, size_known=False)
    because = "none of the products whose templates ask is sold there"
    assert made(poor) == Plan("acme", Decimal(5), because=because)


def test_before_its_groups_are_built_nothing_is_asked_since_nobody_knows_who_matters() -> None:
    early = situation(size_known=False, built=False, staffed=False)
    assert made(early) == Plan("acme", Decimal(5), because="its groups are not built yet")


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (person("a", email=None), "no e-mail is known"),
        (person("a", there=0.7), "last seen there on 2024-01-01: 70% likely to be there still"),
        (person("a", confidence=0.4), "the membership is sure with 40% only"),
        (person("a", read=False), "the title does not tell function and level"),
        (person("a", read=False, member=False), "the title does not tell function and level"),
        (person("a", read=False, member=False, title=None), "no title"),
    ],
)
def test_what_is_missing_or_doubtful_is_asked_and_says_why(known: Known, reason: str) -> None:
    assert reasons(made(situation(known))) == [(reason,)]


def test_who_is_in_no_group_and_can_be_judged_is_not_asked_about() -> None:
    assert made(situation(person("a", member=False, email=None, there=0.5))).items == ()


def test_the_three_who_are_most_in_doubt_and_matter_most_come_first() -> None:
    people = [
        person("a", "introducer", there=0.5),
        person("b", "decision_maker", there=0.5),
        person("c", "champion", there=0.5),
        person("d", "champion", there=0.8),
        person("e", "champion", there=0.4),
    ]
    found = made(situation(*people))
    assert ids(found) == ["b", "e", "c"]
    assert len(found.items) == MOST_PEOPLE
    assert left_out(found) == {"a": "3 people at a time", "d": "3 people at a time"}


def test_influence_decides_between_two_of_one_role() -> None:
    low, high = person("a", influence=0.1, email=None), person("b", influence=0.9, email=None)
    assert ids(made(situation(low, high))) == ["b", "a"]


def test_ties_are_broken_by_id_whatever_the_order() -> None:
    people = [person(one, email=None) for one in ("b", "d", "a", "c")]
    assert ids(made(situation(*people))) == ids(made(situation(*people[::-1]))) == ["a", "b", "c"]


def test_what_does_not_fit_into_the_budget_is_left_out_and_what_is_cheaper_is_not() -> None:
    poor = situation(person("a", email=None), person("b", email=None), size_known=False)
    found = made(poor, "0.40")
    assert [item.question.kind for item in found.items] == [Kind.COMPANY, Kind.PERSON]
    assert found.price == Decimal("0.38")
    assert left_out(found) == {"b": "over the budget of 0.40 US dollars a company"}


def test_a_budget_of_nothing_asks_what_is_free() -> None:
    def free(question: Question) -> Sequence[Offer]:
        return [Offer("pdl", Decimal("0.1")), Offer("csv", Decimal(0))]

    (item,) = plan(situation(person("a", email=None)), free, Decimal(0)).items
    assert item.offers == (Offer("csv", Decimal(0)),)


def test_what_was_answered_lately_is_not_asked_of_the_same_provider_again() -> None:
    known = situation(person("a", email=None), lately=frozenset({(Kind.PERSON, "a", "pdl")}))
    assert left_out(made(known)) == {"a": "pdl answered lately"}

    def two(question: Question) -> Sequence[Offer]:
        return [Offer("pdl", Decimal(0)), Offer("csv", Decimal(0))]

    (item,) = plan(known, two, Decimal(1)).items
    assert [one.provider for one in item.offers] == ["csv"]


def test_what_it_costs_at_most_is_what_all_cost_within_the_budget() -> None:
    def two(question: Question) -> Sequence[Offer]:
        return [Offer("csv", Decimal(0)), Offer("pdl", Decimal("0.28"))]

    people = situation(person("a", email=None), person("b", email=None))
    found = plan(people, two, Decimal(1))
<<<<<<< HEAD
    assert (found.price, found.most) == (Decimal(0), Decimal("0.56"))
=======
    assert (found.price, found.most) == (Decimal(0), Decimal("0.56"))
>>>>>>> 94291ea48084cc3b756d04900ec04b4f7674f74a
    assert plan(people, two, Decimal("0.4")).most == Decimal("0.4")


def test_who_has_neither_name_nor_address_can_t_be_asked_about() -> None:
    found = made(situation(person("a", name=None, email=None)))
    assert found.items == ()
    assert "neither a name nor an e-mail" in left_out(found)["a"]


def test_what_no_provider_answers_is_left_out() -> None:
    found = plan(situation(person("a", email=None)), lambda _: [], Decimal(1))
    assert left_out(found) == {"a": "no provider answers such a question"}


def test_a_company_of_which_nobody_is_known_is_looked_through() -> None:
    found = made(situation(staffed=False, open_roles=("decision_maker", "champion")))
    (item,) = found.items
    assert (item.question.kind, item.question.most) == (Kind.DISCOVERY, 2)
    assert item.reasons == ("nobody is known there",)


def test_empty_places_are_looked_for_by_deep_research_alone() -> None:
    lacking = situation(person("a"), open_roles=("decision_maker", "champion", "champion"))
    assert made(lacking).items == ()
    (item,) = made(replace(lacking, level=Level.DEEP_RESEARCH)).items
    assert item.reasons == ("the groups lack decision maker, champion (2)",)
    assert item.question.most == 3


def test_as_many_are_looked_for_as_the_budget_allows() -> None:
    lacking = situation(person("a"), open_roles=("champion",) * 4, level=Level.DEEP_RESEARCH)
    (item,) = made(lacking, "0.60").items
    assert (item.question.most, item.price) == (2, Decimal("0.56"))
    assert made(lacking, "0.20").items == ()


def test_a_question_carries_the_level_of_its_company() -> None:
    (item,) = made(situation(person("a", email=None), level=Level.DEEP_RESEARCH)).items
    assert item.question.level is Level.DEEP_RESEARCH
