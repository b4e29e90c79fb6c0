"""The key of a question: the same for the same JSON in any order, another for any difference."""

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bg_assets.domain.enrichment.asking import Answer, CompanyAsked, Kind, Question
from bg_assets.domain.enrichment.key import key, key_of

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=4)


def shuffled(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        dice.shuffle(names)
        return {name: shuffled(value[name], dice) for name in names}
    return [shuffled(inner, dice) for inner in value] if isinstance(value, list) else value


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value in a document, the inner ones too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for name, one in inner:
        found.append((*path, name))
        if isinstance(one, dict | list):
            found += places(one, (*path, name))
    return found


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    """The document with something new at one place."""
    name, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    before = copy[name]
    copy[name] = (
        changed(copy[name], tuple(rest)) if rest else {"something": "new", "before": before}
    )
    return copy


@settings(max_examples=60)
@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_the_order_of_keys_at_any_depth_makes_no_difference(
    document: dict[str, Any], dice: random.Random
) -> None:
    assert key(shuffled(document, dice)) == key(document)


@settings(max_examples=60)
@given(DOCUMENTS, st.data())
def test_any_difference_at_any_depth_makes_another_key(
    document: dict[str, Any], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(places(document)))
    assert key(changed(document, path)) != key(document)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), (1, "1"), (None, "null"), (1, 1.0), ([], {}), ("", None),
     (["a", "b"], ["b", "a"]), ({"a": None}, {})],
)  # fmt: skip
def test_values_that_python_takes_for_equal_or_near_have_keys_of_their_own(
    one: object, other: object
) -> None:
    assert key({"a": {"b": one}}) != key({"a": {"b": other}})


@pytest.mark.parametrize("odd", [{1: "a"}, {"a": {2: "b"}}, {"a": float("nan")}, {"a": Decimal(1)}])
def test_what_is_no_json_has_no_key(odd: dict[Any, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        key(odd)


class Named:
    def __init__(self, name: str, **more: str) -> None:
        self.name = name
        self.__dict__.update(more)

    def price(self, question: Question) -> Decimal | None:
        return None

    def ask(self, question: Question, seconds: float) -> Answer:
        return Answer()


def test_who_is_asked_and_in_which_version_is_part_of_the_key() -> None:
    question = Question(Kind.COMPANY, CompanyAsked("acme", "Acme"))
    providers = [Named("pdl"), Named("csv"), Named("csv", version="1"), Named("csv", version="2")]
    keys = [key_of(one, question) for one in providers]
    assert len(set(keys)) == 4
    assert key_of(Named("csv", version="1"), question) == keys[2]
