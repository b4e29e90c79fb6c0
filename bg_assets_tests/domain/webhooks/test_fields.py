"""Texts in events: what is cleaned, and how long they may be."""

from bg_assets.domain.webhooks.events import Party
from bg_assets_tests.domain.webhooks.bodies import body, person, sound


def test_control_characters_in_texts_become_spaces_as_in_an_import() -> None:
    found = sound(
        body(
            person=person(name="A\0da \x1b Lovelace\x9b", newTitle="Head\r\nof\u2028 Sales"),
            changes={"department": {"new": "Sales\t& More"}},
        )
    )
    assert found.person is not None
    assert found.person.name == "A da Lovelace"
    assert found.values == {"title": "Head of Sales", "department": "Sales & More"}


def test_texts_may_be_as_long_as_in_an_import_and_no_longer() -> None:
    found = sound(
        body(
            person=person(id="i" * 200, name="n" * 300, newTitle="t" * 1000),
            changes={"department": {"new": "d" * 300}, "location": {"new": "e\u0301" * 150}},
        )
    )
    assert found.person == Party("i" * 200, "n" * 300)
    assert found.values == {
        "title": "t" * 1000, "department": "d" * 300, "location": "\u00e9" * 150,
    }  # fmt: skip
