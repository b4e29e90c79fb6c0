"""Whom somebody serves or looks after is not who he is, though the title begins with that rank."""

import pytest

from bg_assets.domain.titles.verdict import classify

# title, function, level
SERVED = [
    ("Chief Executive Support", "administration", None),
    ("Managing Director Support", "administration", None),
    ("CEO Support Coordinator", "administration", "staff"),
    ("Partner Intelligence Officer", "data", "staff"),
    ("Partner Ecosystem Analyst", None, "staff"),
    ("Partner Solutions Architect", "sales", "staff"),
    ("Director Support Officer", "administration", "staff"),
    ("Commissioner Support Officer", "administration", "staff"),
    ("Director Liaison Officer", None, "staff"),
    ("Chief Executive Correspondence Officer", "administration", "staff"),
    ("CEO Office Assistant", "administration", "assistant"),
    ("Chair Support Officer", "administration", "staff"),
    ("Founder Support Specialist", "administration", "staff"),
    ("Governor Services Officer", "operations", "staff"),
    ("Partner Account Manager", "sales", "manager"),
    ("Partner Marketing Manager", "marketing", "manager"),
    ("Partner Enablement Lead", "revenue_operations", "senior"),
    ("President's Club Coordinator", None, "staff"),
    ("Owner's Representative", None, "staff"),
    ("Owner's Engineer", "engineering", "staff"),
    ("President Club Manager", "executive", "manager"),
    ("Chair Yoga Instructor", None, "staff"),
    ("Chair Massage Therapist", None, "staff"),
    ("Head Office Accountant", "finance", "staff"),
    ("Head Office Receptionist", "administration", "assistant"),
    ("CFO Support Analyst", "finance", "staff"),
    ("Executive Support Officer", "administration", "staff"),
]
# What follows the rank is what the person is or leads.
OWN = [
    ("Chief Executive, Support Services", "executive", "c_level"),
    ("Director Support", "support", "director"),
    ("VP Customer Support", "support", "vp"),
    ("Head Support", "support", "head"),
    ("Director Office Services", "administration", "director"),
    ("Partner, Tax", "finance", "director"),
    ("Partner Audit", "finance", "director"),
    ("Partner Patent Attorney", "legal", "director"),
    ("Partner Consultant", None, "director"),
    ("Head of Partner Success", None, "head"),
    ("Head of Partner Marketing", "marketing", "head"),
    ("Managing Partner", "executive", "owner"),
    ("Head, Office of Tax", "finance", "head"),
    ("Chair, Audit Committee", "executive", "owner"),
    ("CEO Office Manager", "administration", "manager"),
    ("Founder & CEO Support Services Ltd", "executive", "owner"),
    ("VP, CEO Office", "executive", "vp"),
]


@pytest.mark.parametrize(("title", "function", "level"), [*SERVED, *OWN])
def test_whom_somebody_serves_is_not_who_he_is(
    title: str, function: str | None, level: str | None
) -> None:
    said = classify(title)
    assert (said.function, said.level) == (function, level), said.reasons


@pytest.mark.parametrize("title", ["Partner Technology Strategist", "Partner Support Officer"])
def test_who_works_with_partners_is_none_and_could_be_none(title: str) -> None:
    said = classify(title)
    assert said.level == "staff"
    assert "owner" not in said.level_alternatives
