"""Who is shown which version: the same for ever, by the share, and anew for each experiment."""

import uuid
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.experiments.assignment import Split, Trial, unshown
from bg_assets.domain.groups.group import Company, Override, StaffMember, decide
from bg_assets.domain.products.template import parse_template
from bg_assets.domain.titles.verdict import classify
from bg_assets.products.files import SHIPPED

FINANCE = (SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
TRIAL = Trial(
    Split("00000000-0000-4000-8000-000000000001", 50),
    parse_template(FINANCE, "a"),
    parse_template(FINANCE.replace("deal_size: 120000", "deal_size: 40000"), "b"),
)
TODAY = date(2026, 3, 2)
TITLES = {
    "cfo": "Chief Financial Officer",
    "fd": "Finance Director",
    "fc": "Financial Controller",
    "cio": "Chief Information Officer",
    "pm": "Procurement Manager",
}
STAFF = [
    StaffMember(who, title, None, None, None, classify(title, None))
    for who, title in TITLES.items()
]
companies = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,30}", fullmatch=True)


def test_a_company_stays_where_it_is_for_ever() -> None:
    """These were read off once: another hash would move companies under running experiments."""
    split = Split("00000000-0000-4000-8000-000000000001", 50)
    assert (
        "".join(split.variant(f"co-{number:06}") for number in range(1, 25))
        == "ababaababbbabaabbbbbabba"
    )


@given(companies, st.integers(1, 98))
def test_a_larger_share_takes_companies_along_and_moves_none_back(company: str, share: int) -> None:
    if Split("e", share).variant(company) == "b":
        assert Split("e", share + 1).variant(company) == "b"


@pytest.mark.parametrize("share", [5, 20, 50, 80])
def test_the_share_of_companies_is_shown_b(share: int) -> None:
    split = Split(str(uuid.UUID(int=share)), share)
    shown = sum(split.variant(f"co-{number:06}") == "b" for number in range(10_000))
    assert shown == pytest.approx(100 * share, abs=4 * (share * (100 - share)) ** 0.5)


def test_another_experiment_divides_anew() -> None:
    one, other = Split("one", 50), Split("other", 50)
    same = sum(one.variant(f"c{n}") == other.variant(f"c{n}") for n in range(10_000))
    assert same == pytest.approx(5000, abs=200)


def test_the_one_shown_and_the_other_are_both_versions() -> None:
    for number in range(20):
        company = f"c{number}"
        assert {TRIAL.shown(company).hash, TRIAL.other(company).hash} == {
            TRIAL.a.hash, TRIAL.b.hash,
        }  # fmt: skip
        shows_b = TRIAL.split.variant(company) == "b"
        assert (TRIAL.shown(company) is TRIAL.b) is shows_b


@pytest.mark.parametrize("company_id", ["co-000001", "co-000002", "co-000003", "co-000004"])
def test_a_humans_word_counts_in_the_version_that_is_not_shown_too(company_id: str) -> None:
    company = Company(company_id, 200, 200)
    word = [Override("fd", "exclude"), Override("cio", "pin", "blocker")]
    group = unshown(company, STAFF, TODAY, word, TRIAL)
    assert group == decide(company, STAFF, TRIAL.other(company_id), TODAY, word)
    roles = {member.person_id: member.role for member in group.members}
    assert ("fd" in roles, roles["cio"]) == (False, "blocker")


def test_there_is_none_of_a_company_that_is_gone_or_where_it_is_not_sold() -> None:
    assert unshown(None, STAFF, TODAY, [], TRIAL) is None
    there = "deal_size: 120000\nregions: [DE]"
    sold = parse_template(FINANCE.replace("deal_size: 120000", there), "elsewhere")
    trial = Trial(TRIAL.split, sold, sold)
    assert unshown(Company("acme", 200, 200, "US"), STAFF, TODAY, [], trial) is None
