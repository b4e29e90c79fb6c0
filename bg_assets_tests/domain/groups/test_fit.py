"""How well somebody fits a role: what takes from a score, by how much, and in which words."""

from dataclasses import replace

import pytest

from bg_assets.domain.groups.fit import IN_NAME, Candidate, Fit, fits
from bg_assets.domain.products.template import Condition
from bg_assets_tests.domain.groups.people import FINANCE

MANAGER = Candidate("Manager", "Finance", ("finance",), ("manager",), 5.0, frozenset(), False)
ASKS = Condition(functions=("finance",), levels=("manager",))


@pytest.mark.parametrize("role", ["champion", "blocker", "stakeholder"])
def test_a_manager_by_title_fits_less_than_one_with_a_budget_and_is_told_so(role: str) -> None:
    rules = tuple(replace(one, conditions=(ASKS,)) for one in FINANCE.roles)
    template = replace(FINANCE, roles=rules)

    def fit(candidate: Candidate) -> Fit:
        (found,) = (one for one in fits(candidate, template, 300) if one.role == role)
        assert isinstance(found, Fit)
        return found

    in_name = fit(replace(MANAGER, standing=frozenset({"in_name"})))
    assert IN_NAME < 1
    assert in_name.score == pytest.approx(IN_NAME * fit(MANAGER).score)
    assert in_name.reason.endswith("; a manager by title, without authority over a budget")
