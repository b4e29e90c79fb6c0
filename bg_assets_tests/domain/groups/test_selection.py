"""Who takes which place: thresholds, ties and voices, each at its boundary."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from bg_assets.domain.groups.selection import Choice, Selection, select
from bg_assets.domain.groups.ties import Ties
from bg_assets.domain.products.sizes import Target
from bg_assets.domain.products.template import Template
from bg_assets.domain.vocabulary import ROLES
from bg_assets.products.files import load_templates
from bg_assets_tests.domain.groups.people import fitting

FINANCE = load_templates()["finance_system"]
QUIET = replace(FINANCE, deal_size=0)  # a deal that needs no voice


@dataclass(frozen=True)
class Row:
    """Somebody as ties see them."""

    person_id: str
    department: str | None = None
    title: str | None = None
    location: str | None = None
    manager_id: str | None = None


def chosen(
    choices: Sequence[Choice],
    *,
    places: dict[str, int],
    required: dict[str, int] | None = None,
    template: Template = QUIET,
    pins: dict[str, str | None] | None = None,
    rows: Sequence[Row] = (),
) -> dict[str, str]:
    made = made_of(
        choices, places=places, required=required, template=template, pins=pins, rows=rows
    )
    return {person_id: role for person_id, (role, _) in made.chosen.items()}


def made_of(
    choices: Sequence[Choice],
    *,
    places: dict[str, int],
    required: dict[str, int] | None = None,
    template: Template = QUIET,
    pins: dict[str, str | None] | None = None,
    rows: Sequence[Row] = (),
) -> Selection:
    needed = dict.fromkeys(ROLES, 0) | (places if required is None else required)
    return select(
        {one.person_id: one for one in choices},
        template,
        Target(tuple(places.get(role, 0) for role in ROLES), True),
        needed,
        pins or {},
        Ties(rows or [Row(one.person_id) for one in choices]),
    )


@pytest.mark.parametrize(
    ("required", "score", "confidence", "taken"),
    [
        (1, 0.3, 1.0, True),
        (1, 0.2999, 1.0, False),
        (0, 0.4, 1.0, True),
        (0, 0.3999, 1.0, False),
        (1, 1.0, 0.5, True),
        (1, 1.0, 0.4999, False),
    ],
)
def test_a_place_takes_what_is_just_enough(
    required: int, score: float, confidence: float, taken: bool
) -> None:
    who = fitting("a", ("champion", score), confidence=confidence)
    found = chosen([who], places={"champion": 1}, required={"champion": required})
    assert (found == {"a": "champion"}) is taken


A, B = ("a", "b")


@pytest.mark.parametrize(
    ("first", "second", "who"),
    [
        # The better of two; the order of ids where nothing else tells.
        (fitting(A, ("champion", 0.7)), fitting(B, ("champion", 0.9)), B),
        (fitting(A, ("champion", 0.9)), fitting(B, ("champion", 0.9)), A),
        # An e-mail decides only between equals, influence before it, worth before both.
        (fitting(A, ("champion", 0.9)), fitting(B, ("champion", 0.9), has_email=True), B),
        (
            fitting(A, ("champion", 0.9), influence=0.51),
            fitting(B, ("champion", 0.9), has_email=True),
            A,
        ),
        (
            fitting(A, ("champion", 0.89), influence=0.51, has_email=True),
            fitting(B, ("champion", 0.9)),
            B,
        ),
        # Strength is fit times confidence.
        (
            fitting(A, ("champion", 1.0), confidence=0.6),
            fitting(B, ("champion", 0.7), confidence=0.9),
            B,
        ),
    ],
)
def test_of_two_the_first_in_order_is_taken(first: Choice, second: Choice, who: str) -> None:
    assert chosen([first, second], places={"champion": 1}) == {who: "champion"}


def linked_pair(worse: float, less: float) -> dict[str, str]:
    """b reports to who is in the group already; a fits better and has more influence."""
    return chosen(
        [
            fitting("boss", ("decision_maker", 1.0), function="hr"),
            fitting(A, ("champion", 0.9), influence=0.5),
            fitting(B, ("champion", 0.9 * (1 - worse)), influence=0.5 - less),
        ],
        places={"decision_maker": 1, "champion": 1},
        rows=[Row("boss"), Row(A), Row(B, manager_id="boss")],
    )


@pytest.mark.parametrize(
    ("worse", "less", "who"),
    [
        (0.0, 0.0, B),
        (0.029, 0.0, B),
        (0.031, 0.0, A),
        (0.0, 0.049, B),
        (0.0, 0.051, A),
    ],
)
def test_links_decide_only_between_those_who_are_as_good(
    worse: float, less: float, who: str
) -> None:
    assert linked_pair(worse, less)[who] == "champion"


def test_each_further_one_of_a_function_counts_less() -> None:
    other = 0.9 * 0.7
    for score, who in ((other + 0.03, "c"), (other - 0.03, B)):
        found = chosen(
            [
                fitting(A, ("champion", 0.95)),
                fitting(B, ("champion", 0.9)),
                fitting("c", ("champion", score), function="it"),
            ],
            places={"champion": 2},
        )
        assert found == {A: "champion", who: "champion"}


def test_who_is_pinned_counts_for_the_places_and_for_the_function() -> None:
    people = [
        fitting(A, ("champion", 0.4)),
        fitting(B, ("champion", 0.9)),
        fitting("c", ("champion", 0.8), function="it"),
    ]
    found = chosen(people, places={"champion": 2}, pins={A: None})
    assert found == {A: "champion", "c": "champion"}
    assert chosen(people, places={"champion": 1}, pins={A: "champion"}) == {A: "champion"}
    assert chosen(people[:1], places={}, pins={A: "blocker"}) == {A: "blocker"}


def test_a_pin_without_a_role_takes_the_best_and_a_stakeholder_where_none_fits() -> None:
    fits = fitting(A, ("champion", 0.4), ("stakeholder", 0.6))
    assert chosen([fits], places={}, pins={A: None}) == {A: "stakeholder"}
    assert chosen([fitting(A)], places={}, pins={A: None}) == {A: "stakeholder"}
    only = replace(QUIET, roles=QUIET.roles[:2])
    assert chosen([fitting(A)], places={}, pins={A: None}, template=only) == {A: "champion"}


def maker_and_stakeholder(
    own: float, other: float, mine: float, theirs: float, pins: dict[str, str | None] | None = None
) -> dict[str, str]:
    """a becomes decision maker and b stakeholder, since b is read with less confidence."""
    return chosen(
        [
            fitting(A, ("decision_maker", own), ("stakeholder", 0.5), influence=mine),
            fitting(
                B, ("decision_maker", other), ("stakeholder", 0.5), influence=theirs, confidence=0.8
            ),
        ],
        places={"decision_maker": 1, "stakeholder": 1},
        pins=pins,
    )


@pytest.mark.parametrize(
    ("other", "theirs", "maker"),
    [(0.9, 0.6, B), (0.89, 0.6, A), (0.9, 0.5, A), (1.0, 0.4, A), (1.0, 0.51, B)],
)
def test_a_stakeholder_who_decides_as_well_and_has_more_say_changes_places(
    other: float, theirs: float, maker: str
) -> None:
    found = maker_and_stakeholder(0.9, other, 0.5, theirs)
    assert sorted(found) == [A, B]
    assert found[maker] == "decision_maker"
    made = [i for i in (A, B) if maker_and_stakeholder(0.9, other, 0.5, theirs)[i] == "stakeholder"]
    assert made == [B if maker == A else A]


def test_nobody_pinned_changes_places() -> None:
    for who, role in ((A, "decision_maker"), (B, "stakeholder")):
        found = maker_and_stakeholder(0.9, 0.9, 0.5, 0.6, {who: role})
        assert found == {A: "decision_maker", B: "stakeholder"}


def test_of_several_who_could_change_places_the_one_with_most_say_does() -> None:
    people = [
        fitting(A, ("decision_maker", 0.9), ("stakeholder", 0.5), influence=0.5),
        *(
            fitting(i, ("decision_maker", 0.9), ("stakeholder", 0.5), influence=say, confidence=0.8)
            for i, say in (("b", 0.6), ("c", 0.8), ("d", 0.8))
        ),
    ]
    found = chosen(people, places={"decision_maker": 1, "stakeholder": 3})
    assert [i for i, role in found.items() if role == "decision_maker"] == ["c"]


def free_place(*others: Choice, **score: float) -> dict[str, str]:
    """a decides; b, who could too, was needed first as the stakeholder; there is a second place."""
    return chosen(
        [
            fitting(A, ("decision_maker", 1.0)),
            fitting(B, ("decision_maker", score.get("own", 0.6)), ("stakeholder", 0.9)),
            *others,
        ],
        places={"decision_maker": 2, "stakeholder": 1},
        required={"decision_maker": 1, "stakeholder": 1},
    )


def test_who_filled_another_place_decides_where_nobody_else_could_and_is_replaced() -> None:
    other = fitting("c", ("stakeholder", 0.5), function="it")
    assert free_place(other) == {A: "decision_maker", B: "decision_maker", "c": "stakeholder"}


def test_nobody_leaves_a_required_place_that_would_stay_empty_or_weak() -> None:
    kept = {A: "decision_maker", B: "stakeholder"}
    assert free_place() == kept
    weak = fitting("c", ("stakeholder", 0.39), function="it")
    assert free_place(weak) == kept


def test_a_free_place_asks_for_as_much_of_members_as_of_others() -> None:
    other = fitting("c", ("stakeholder", 0.5), function="it")
    assert free_place(other, own=0.4)[B] == "decision_maker"
    assert free_place(other, own=0.39)[B] == "stakeholder"


def test_nobody_pinned_is_moved_to_a_free_place() -> None:
    people = [
        fitting(A, ("decision_maker", 1.0)),
        fitting(B, ("decision_maker", 0.6), ("champion", 0.9)),
        fitting("c", ("champion", 0.5)),
    ]
    places = {"decision_maker": 2, "champion": 1}
    found = chosen(people, places=places, pins={B: "champion"})
    assert found == {A: "decision_maker", B: "champion"}


def two_heads(score: float, function: str = "executive") -> dict[str, str]:
    """Two who run the company are ahead of who heads finance, who was needed as the champion."""
    heads = [
        fitting(i, ("decision_maker", 0.7), ("champion", 0.5), function=function, influence=0.9)
        for i in (A, B)
    ]
    finance = fitting("f", ("decision_maker", score), ("champion", 0.9), influence=0.7)
    places = {"decision_maker": 2, "champion": 1}
    needed = {"decision_maker": 1, "champion": 1}
    return chosen([*heads, finance], places=places, required=needed)


def test_beside_one_who_runs_the_company_the_head_of_the_function_decides() -> None:
    # 0.7 for the function that is there already, and 3 % to be clearly better.
    assert two_heads(0.51) == {A: "decision_maker", B: "champion", "f": "decision_maker"}
    assert two_heads(0.5)["f"] == "champion"
    assert two_heads(0.51, "finance")["f"] == "champion"


VOICE = ("stakeholder", 0.35)  # too little for a further place
OTHERS = [
    fitting("x1", ("stakeholder", 0.9), function="hr"),
    fitting("x2", ("stakeholder", 0.8), function="operations"),
]


def with_voice(deal: int, function: str, total: int = 8) -> dict[str, str]:
    template = replace(FINANCE, deal_size=deal)
    voice = fitting("v", VOICE, function=function)
    places = {"stakeholder": 3, "champion": total - 3}
    return chosen([*OTHERS, voice], places=places, required={}, template=template)


@pytest.mark.parametrize(
    ("deal", "function", "heard"),
    [
        (100_000, "finance", False),
        (100_001, "finance", True),
        (50_000, "it", False),
        (50_001, "it", True),
        (50_001, "engineering", True),
        (50_001, "data", True),
        (150_000, "legal", False),
        (150_001, "legal", True),
        (150_001, "compliance", True),
        (150_001, "procurement", True),
        (150_001, "security", True),
        (400_000, "sales", False),
    ],
)
def test_a_voice_is_needed_above_its_deal(deal: int, function: str, heard: bool) -> None:
    assert ("v" in with_voice(deal, function)) is heard


def test_a_group_of_five_needs_no_voice_and_one_of_six_does() -> None:
    assert "v" not in with_voice(120_000, "finance", 5)
    assert "v" in with_voice(120_000, "finance", 6)


def missing(template: Template, *people: Choice) -> tuple[str, ...]:
    made = made_of(people, places={"champion": 8}, required={}, template=template)
    return made.missing_voices


def test_only_a_voice_that_matters_to_the_product_and_that_nobody_has_is_missing() -> None:
    large = replace(FINANCE, deal_size=200_000)
    assert missing(large) == ("finance", "technical", "risk")
    assert missing(large, fitting(A, ("champion", 0.9), function="security")) == ("finance",)
    assert missing(replace(large, functions=(("hr", 1.0),))) == ()
    # No place of a role that has the voice is in this group, so the one there is no member.
    assert missing(large, fitting(A, VOICE)) == ("finance", "technical", "risk")


def test_a_voice_takes_the_place_of_the_weakest_further_stakeholder_and_of_no_other() -> None:
    template = replace(FINANCE, deal_size=120_000)
    finance = fitting("f", ("champion", 0.9))
    voice = fitting("v", VOICE, function="it")
    full = {"champion": 1, "stakeholder": 2, "blocker": 3}
    blockers = [fitting(f"b{n}", ("blocker", 0.5), function="legal") for n in range(3)]
    people = [finance, *OTHERS, *blockers, voice]

    def out(required: int, pins: dict[str, str | None] | None = None) -> Selection:
        needed = {"stakeholder": required}
        return made_of(people, places=full, required=needed, template=template, pins=pins)

    assert out(1).gave_way == {"x2": ("v", "technical")}
    assert "v" in out(1).chosen
    assert out(1, {"x2": "stakeholder"}).gave_way == {"x1": ("v", "technical")}
    assert out(2).gave_way == {}
    assert out(2).missing_voices == ("technical",)
    # With a place free nobody has to go.
    roomy = made_of(
        people, places=full | {"champion": 2}, required={}, template=template
    )  # fmt: skip
    assert (roomy.gave_way, "v" in roomy.chosen) == ({}, True)


def test_of_two_voices_the_better_one_is_heard_and_in_the_role_that_fits() -> None:
    template = replace(FINANCE, deal_size=120_000)
    people = [
        fitting("f", ("champion", 0.9)),
        fitting("v1", ("stakeholder", 0.31), function="it"),
        fitting("v2", ("stakeholder", 0.3), ("blocker", 0.39), function="security"),
        fitting("v3", ("stakeholder", 0.29), function="data"),
    ]
    places = {"champion": 4, "stakeholder": 1, "blocker": 1}
    found = chosen(people, places=places, required={}, template=template)
    assert found == {"f": "champion", "v2": "blocker"}
    found = chosen(
        people, places=places | {"blocker": 0, "champion": 5}, required={}, template=template
    )
    assert found == {"f": "champion", "v1": "stakeholder"}
    better = [people[0], people[1], fitting("v4", ("stakeholder", 0.36), function="data")]
    found = chosen(better, places=places, required={}, template=template)
    assert found == {"f": "champion", "v4": "stakeholder"}
    found = chosen([people[0], people[3]], places=places, required={}, template=template)
    assert found == {"f": "champion"}
