"""What a refresh leads to, before it is written: who left and why, in which order it is told."""

from datetime import date

from bg_assets.assets.buyer_groups import outcome
from bg_assets.domain.groups.group import Company, Override, StaffMember
from bg_assets.products.files import load_templates
from bg_assets.storage.groups import StoredGroup
from bg_assets.storage.refreshes import Held
from bg_assets_tests.domain.groups.people import person

PRODUCT = "finance_system"
TEMPLATES = list(load_templates(products=[PRODUCT]).values())
HELD = Held("r", "c", 1, date(2026, 1, 15))
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
    found = outcome(HELD, company, people, TEMPLATES, out, {product: StoredGroup(before, ())})
    return [(event.person_id, event.because) for _, event in found.events if event.event == "left"]


def test_who_is_excluded_and_gone_is_told_as_gone() -> None:
    people = [person(0, "CFO"), person(1, "Controller")]
    before = {"p00000": "decision_maker", "p00001": "champion", "p00009": "stakeholder"}
    assert left(people, before, "p00001", "p00009") == [
        ("p00001", "excluded by hand"),
        ("p00009", "no longer at the company"),
    ]


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
