"""An office that somebody is to hold, wants to hold, or that the family holds, is no office."""

import pytest

from bg_assets.domain.titles.verdict import classify

NONE = [
    *("Future CEO", "Future VP of Sales", "Aspiring CFO", "Aspiring Sales Director"),
    *("CFO-in-waiting", "CFO to be", "Incoming CFO", "Incoming Managing Director"),
    *("Designated CEO", "CEO designate", "Managing Director designate", "Designierter CEO"),
    *("Angehender Vertriebsleiter", "Zukünftiger Geschäftsführer", "Futur DAF"),
    *("Wife of CEO", "Wife of the CEO & Founder", "Husband of the founder"),
]
# title, level
HELD = [
    ("Student / Future CEO", "intern"),
    ("Future CFO, currently Controller", "manager"),
    ("Aspiring CFO | Financial Controller", "manager"),
    ("Daughter of the founder, CFO", "c_level"),
    ("Husband, CEO of X", "c_level"),
    ("Future Mobility Manager", "manager"),
    ("Future Leaders Programme Manager", "manager"),
    ("Director, Future Products", "director"),
    ("Incoming Goods Inspector", "staff"),
    ("Incoming Mail Clerk", "staff"),
    ("Designated Safeguarding Lead", "senior"),
    ("Designated Partner", "director"),
    ("Finance Director to be confirmed", "director"),
]


@pytest.mark.parametrize("title", NONE)
def test_an_office_not_held_tells_no_level(title: str) -> None:
    said = classify(title)
    assert (said.level, said.left) == (None, False), said.reasons


@pytest.mark.parametrize(("title", "level"), HELD)
def test_what_is_held_beside_and_things_called_so_count(title: str, level: str) -> None:
    assert classify(title).level == level, classify(title).reasons
