"""How the values of a company in an event are read."""

from decimal import Decimal
from typing import Any

import pytest

from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks.events import read_event
from bg_assets_tests.domain.webhooks.bodies import NOW, body, sound


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({"name": {"old": "Acme", "new": " Acme AG "}}, {"name": "Acme AG"}),
        ({"employee_count": {"new": 250}}, {"employee_min": 250, "employee_max": 250}),
        ({"employee_count": {"new": 250.0}}, {"employee_min": 250, "employee_max": 250}),
        ({"employee_count": {"new": "10001+"}}, {"employee_min": 10001, "employee_max": None}),
        ({"employee_count": {"new": ""}}, {"employee_min": None, "employee_max": None}),
        ({"revenue": {"new": "1.2m"}}, {"revenue": Decimal(1_200_000)}),
        ({"revenue": {"new": 1.5e9}}, {"revenue": Decimal(1_500_000_000)}),
        ({"domain": {"new": "https://www.Acme.example/x"}}, {"domain": "acme.example"}),
        ({"country": {"new": "de"}, "mood": {"new": 4}}, {"country": "DE"}),
        ({"industry": None, "website": {"old": "https://a.example"}}, {}),
        ({}, {}),
    ],
)
def test_what_changes_of_a_company_say(changes: dict[str, Any], values: dict[str, Any]) -> None:
    assert sound(body("company.changed", changes=changes)).values == values


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("name", None), ("name", "x"), ("employee_count", "many"), ("employee_count", -1),
        ("employee_count", True), ("employee_count", 10**400), ("revenue", 1e300),
        ("revenue", [1]), ("domain", "acme"), ("website", "ftp://acme.example"), ("country", "7"),
    ],
)  # fmt: skip
def test_what_can_be_no_value_of_a_company_is_refused_by_its_field(name: str, new: object) -> None:
    told = body("company.changed", changes={name: {"new": new}})
    found = read_event(told, NOW)
    assert isinstance(found, Unfit)
    assert found.field == f"changes.{name}.new"
