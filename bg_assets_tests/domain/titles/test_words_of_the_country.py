"""Infrastructure, networks, systems and technologies are IT's but where a country's are meant."""

import pytest

from bg_assets.domain.titles.verdict import classify


@pytest.mark.parametrize(
    "title",
    [
        "Director of Transport Infrastructure",
        "Head of Waste Infrastructure Delivery",
        "Deputy Director, Major Infrastructure Planning",
        "Director of Infrastructure & Utilities",
        "Head of Water Networks",
        "Manager, Electricity Network",
        "Director, Overseas Network",
        "Head of Combat Systems",
        "Propulsion Systems Manager",
        "Head of Energy Technologies",
        "Head of Information Access",
        "Information Commissioner",
    ],
)
def test_what_is_built_or_governed_is_no_it(title: str) -> None:
    verdict = classify(title)
    assert verdict.function != "it"
    assert "it" not in verdict.function_alternatives


@pytest.mark.parametrize(
    "title",
    [
        "Head of Infrastructure",
        "Cloud Infrastructure Manager",
        "IT Infrastructure Director",
        "Head of Networks and Telephony",
        "Network Manager",
        "Head of Systems and Technology",
        "Director of Information & Systems",
        "Director of Information Systems",
    ],
)
def test_what_runs_the_computers_stays_it(title: str) -> None:
    assert classify(title).function == "it"
