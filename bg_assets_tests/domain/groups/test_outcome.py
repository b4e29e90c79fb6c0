"""What a refresh leads to, before it is written: who left and why, in which order it is told."""

from dataclasses import replace

from bg_assets.domain.groups.group import Company, Override, StaffMember
from bg_assets.domain.groups.outcome import StoredGroup, outcome
from bg_assets.products.files import load_templates
from bg_assets_tests.domain.groups.people import TODAY, person

PRODUCT = "finance_system"
TEMPLATES = list(load_templates(products=[PRODUCT]).values())
COMPANY = Company("c", 200, 300, "US")


def left(
    people: list[StaffMember],
    before: dict[str, str],
    *excluded: str,
    company: Company | None = COMPANY,
    product: str = PRODUCT,
) -> list[tuple[str | None, str]]:
    """Who left a group of these roles, with the reason, in the order of the history."""
    out = {PRODUCT: [Override(who, "exclude") for who in excluded]}
    found = outcome(company, people, TEMPLATES, TODAY, out, {product: StoredGroup(before, ())})
    return [(event.person_id, event.because) for _, event in found.events if event.event == "left"]


def test_who_is_excluded_and_gone_is_told_as_gone() -> None:
    people = [person(0, "CFO"), person(1, "Controller")]
    before = {"p00000": "decision_maker", "p00001": "champion", "p00009": "stakeholder"}
    assert left(people, before, "p00001", "p00009") == [
        ("p00001", "excluded by hand"),
        ("p00009", "no longer at the company"),
    ]


def test_a_pin_that_waits_for_a_first_day_is_no_exclusion() -> None:
    later = replace(person(1, "Controller"), start_date=TODAY.replace(day=20))
    pins = {PRODUCT: [Override("p00001", "pin")]}
    before = {PRODUCT: StoredGroup({"p00001": "champion"}, ())}
    found = outcome(COMPANY, [person(0, "CFO"), later], TEMPLATES, TODAY, pins, before)
    (left,) = [event for _, event in found.events if event.event == "left"]
    assert left.because != "excluded by hand"


def test_who_stays_and_has_no_place_any_more_fits_less_well() -> None:
    people = [person(0, "CFO"), person(1, "Forklift Driver")]
    assert left(people, {"p00000": "decision_maker", "p00001": "champion"}) == [
        ("p00001", "others fit this group better now")
    ]


def test_leavers_are_told_by_role_and_those_of_a_group_that_is_over_by_id() -> None:
    before = {"c": "decision_maker", "a": "blocker", "d": "champion", "b": "champion"}
    assert [who for who, _ in left([], before)] == ["c", "b", "d", "a"]
    untracked = [(i, "the company is no longer tracked") for i in "abcd"]
    assert left([], before, company=None) == untracked
    removed = [(i, "the product is no longer tracked") for i in "abcd"]
    assert left([], before, product="hr_system") == removed


def test_where_a_product_is_not_sold_there_is_no_group_and_whoever_was_in_it_is_told_why() -> None:
    templates = [replace(TEMPLATES[0], regions=("DE", "AT")), load_templates()["hr_system"]]
    before = {PRODUCT: StoredGroup({"p00000": "decision_maker"}, ())}
    found = outcome(COMPANY, [person(0, "CFO")], templates, TODAY, {}, before)
    because = "not sold in US, only in DE, AT"
    assert [group.product for group in found.groups] == ["hr_system"]
    assert found.not_sold == {PRODUCT: because}
    (left,) = [(product, event) for product, event in found.events if event.event == "left"]
    assert (left[0], left[1].person_id, left[1].because) == (PRODUCT, "p00000", because)


def test_who_is_not_there_yet_at_the_date_is_in_no_group() -> None:
    later = replace(person(0, "CFO"), start_date=TODAY.replace(day=20))
    members = [
        outcome(COMPANY, [later], TEMPLATES, as_of, {}, {}).groups[0].members
        for as_of in (TODAY, TODAY.replace(day=20))
    ]
    assert [len(found) for found in members] == [0, 1]
