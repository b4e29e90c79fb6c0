"""A human's word on who is in a group: what it replaces, what it leaves, and what it asks for."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import overrides
from bg_assets.storage.overrides import Word
from bg_assets_tests.storage.rows import forget_changes, rows

WORD = Word("acme", "ann", ("q", "p"), "jo", "met them")
OTHERS = (
    Word("acme", "bob", ("p",), "jo", "x"), Word("bolt", "ann", ("p",), "jo", "x"),
    Word("acme", "ann", ("r",), "jo", "x"),
)  # fmt: skip


@pytest.fixture
def told(engine: sa.Engine) -> sa.Engine:
    """Pins of another person, at another company and for another product, which all stay."""
    with engine.begin() as conn:
        for word in OTHERS:
            overrides.give(conn, word, "pin")
    forget_changes(engine)
    return engine


def standing(engine: sa.Engine) -> list[tuple[object, ...]]:
    found = rows(engine, "select company_id, person_id, product, action, role, by, reason "
                 "from bg.member_overrides where removed_at is null "
                 "order by company_id, person_id, product")  # fmt: skip
    return [tuple(row.values()) for row in found]


OF_OTHERS = [
    ("acme", "ann", "r", "pin", None, "jo", "x"), ("acme", "bob", "p", "pin", None, "jo", "x"),
    ("bolt", "ann", "p", "pin", None, "jo", "x"),
]  # fmt: skip


def test_a_word_takes_the_place_of_the_one_before_for_its_products_only(told: sa.Engine) -> None:
    with told.begin() as conn:
        overrides.give(conn, WORD, "exclude")
        overrides.give(conn, Word("acme", "ann", ("p",), "kim", "no"), "pin", "champion")

    assert standing(told) == sorted(
        [
            *OF_OTHERS,
            ("acme", "ann", "p", "pin", "champion", "kim", "no"),
            ("acme", "ann", "q", "exclude", None, "jo", "met them"),
        ],
        key=str,
    )
    kept = rows(
        told, "select product, action from bg.member_overrides where removed_at is not null"
    )
    assert kept == [{"product": "p", "action": "exclude"}]


def test_a_word_asks_for_the_group_anew_and_stands_in_the_audit_log(told: sa.Engine) -> None:
    with told.begin() as conn:
        overrides.give(conn, WORD, "pin", "champion")

    assert rows(told, "select company_id, kind, source, priority from bg.changes") == [
        {"company_id": "acme", "kind": "resync", "source": "manual", "priority": 100}
    ]
    (row, *_) = rows(told, "select actor, action, subject, count, detail from bg.audit_log "
                     "order by id desc")  # fmt: skip
    assert row == {
        "actor": "jo", "action": "pin", "subject": "ann", "count": 2,
        "detail": {"company_id": "acme", "products": ["p", "q"], "role": "champion",
                   "reason": "met them"},
    }  # fmt: skip


def test_taking_back_ends_what_stands_for_its_products_and_says_which(told: sa.Engine) -> None:
    with told.begin() as conn:
        overrides.give(conn, WORD, "pin")
    forget_changes(told)
    asked = Word("acme", "ann", ("p", "q", "zzz"), "kim", "moved")
    with told.begin() as conn:
        first, again = overrides.take_back(conn, asked), overrides.take_back(conn, asked)

    assert (first, again) == (["p", "q"], [])
    assert standing(told) == OF_OTHERS
    assert len(rows(told, "select 1 from bg.changes")) == 1
    (row, *_) = rows(told, "select actor, action, count from bg.audit_log order by id desc")
    assert row == {"actor": "kim", "action": "unpin", "count": 2}


def test_what_is_in_force_is_told_by_product(told: sa.Engine) -> None:
    with told.begin() as conn:
        overrides.give(conn, WORD, "exclude")
        overrides.take_back(conn, Word("acme", "ann", ("q",), "kim", "x"))
        assert overrides.products_of(conn, "acme", "ann") == ["p", "r"]
        found = overrides.in_force(conn, "acme", "ann")

    assert {product: (one["action"], one["by"]) for product, one in found.items()} == {
        "p": ("exclude", "jo"), "r": ("pin", "jo"),
    }  # fmt: skip


def test_two_words_on_one_company_at_once_wait_for_each_other(told: sa.Engine) -> None:
    with told.connect() as first, told.connect() as second, told.connect() as third:
        overrides.give(first, WORD, "pin")
        second.exec_driver_sql("set lock_timeout = '100ms'")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            overrides.take_back(second, WORD)
        third.exec_driver_sql("set lock_timeout = '100ms'")
        overrides.give(third, Word("bolt", "ann", ("q",), "jo", "x"), "pin")
