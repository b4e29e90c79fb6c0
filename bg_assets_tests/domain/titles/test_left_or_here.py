"""Who has left by the title's own words, and whose title only has such a word in it."""

import pytest

from bg_assets.domain.titles.verdict import classify

HERE = [
    "Past Due Collections Manager",
    "Past Performance Manager",
    "Late Payments Manager",
    "Late Shift Supervisor",
    "Outgoing Mail Clerk",
    "Vacant Property Manager",
    "Vacant Land Specialist",
    "Retired Members Officer",
    "Retired Staff Coordinator",
    "Former Members Officer",
    "Alumni Relations Director",
    "CFO, Harvard Alumnus",
    "CFO | Retired Navy",
    "Sales Manager, Retired Police Officer",
    "Veteran | CFO",
    "Navy Veteran, Plant Manager",
    "CFO | Colonel (Ret.)",
    "Leiter Vertrieb | Reserveoffizier a.D.",
    "Retraité de la Marine | Directeur des ventes",
    "Former CFO, Board Member",
    "Ex-CEO, Chairman",
    "Former Finance Director, Non-Executive Director",
    "Former Partner - Trustee",
    "Cable Former",
    "IR Manager",
    "Group FD",
]

GONE = [
    "Geschäftsführer i.R.",
    "Geschäftsführer i. R.",
    "Oberst a.D.",
    "Vorstand a.D.",
    "Directeur financier (ancien)",
    "Ancien directeur",
    "CFO (Outgoing)",
    "CFO (former)",
    "CFO - former",
    "Former CFO and Board Member",
    "Former VP, Finance",
    "Former Chair, Board of Directors",
    "Former President, Advisory Board",
    "Outgoing CFO",
    "Past President",
    "Past National President",
    "Retired CFO",
    "CFO, retired",
    "CFO | Retired",
    "Retired Navy",
    "Colonel (Ret.)",
    "Directeur (retraité)",
    "Vacant Finance Manager",
    "f.d. VD",
    "fd ekonomichef",
    "F.d. styrelseordförande",
]


@pytest.mark.parametrize("title", HERE)
def test_a_word_for_what_is_over_need_not_speak_of_the_person(title: str) -> None:
    assert not classify(title).left


@pytest.mark.parametrize("title", GONE)
def test_who_is_gone_by_the_title_has_left(title: str) -> None:
    assert classify(title).left


@pytest.mark.parametrize(
    "title", ["Former CFO, Board Member", "Ex-CEO, Chairman", "Former Partner - Trustee"]
)
def test_who_keeps_a_seat_after_an_office_holds_only_the_seat(title: str) -> None:
    said = classify(title)
    assert (said.function, said.level) == ("executive", "owner"), said.reasons


def test_a_veteran_is_not_senior_by_that() -> None:
    assert classify("Veteran | CFO").level == "c_level"
    assert classify("Veteran").level is None


def test_what_somebody_is_retired_from_tells_nothing_of_the_work_now() -> None:
    verdict = classify("Retired Police Chief, Security Manager")
    assert (verdict.function, verdict.level, verdict.left) == ("security", "manager", False)
