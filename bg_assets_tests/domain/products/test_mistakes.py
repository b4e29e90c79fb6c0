"""What is refused in a template: every mistake at once, with its line and what is allowed."""

import pytest

from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import parse_template
from bg_assets_tests.domain.products.texts import GOOD

# what is replaced, by what, the line that the error names, what it says
WRONG = [
    # words
    ("  champion:", "  champoin:", 15, "unknown role 'champoin'; did you mean champion?"),
    ("  champion:", "  9:", 15, "allowed: blocker, champion, decision_maker, introducer"),
    ("  it: 0.5", "  itt: 0.5", 8, "unknown function 'itt'; did you mean it"),
    ("[c_level, vp]", "[c_level, vice]", 14, "unknown level 'vice'"),
    ("[c_level, vp]", "[c_level, chief]", 14, "allowed: assistant, c_level, director"),
    ("does:", "dose:", 4, "unknown key 'dose'; did you mean does"),
    ("does:", "dose:", 1, "does is missing"),
    ("    never:", "    nevr:", 20, "did you mean never"),
    ("disqualify: {levels", "disqualify: {level", 9, "did you mean levels"),
    ("[c_level, vp]", "[vp, vp]", 14, "level 'vp' comes twice"),
    ("version: 1", "version: 1\nversion: 2", 4, "key 'version' comes twice"),
    ("version: 1", "version: 1\nenrichment: enrch", 4, "did you mean enrich"),
    ("version: 1", "version: 1\nenrichment: all", 4, "allowed: deep_research, enrich, identify"),
    ("version: 1", "version: 1\nenrichment: [enrich]", 4, "a text is needed here"),
    # numbers
    ("  it: 0.5", "  it: -0.5", 8, "-0.5 is outside of 0 to 1"),
    ("  it: 0.5", "  it: 1.5", 8, "1.5 is outside of 0 to 1"),
    ("  it: 0.5", "  it: .nan", 8, "plain number"),
    ("  it: 0.5", "  it: '0.5'", 8, "a number from 0 to 1 is needed"),
    ("  it: 0.5", "  it: yes", 8, "a number from 0 to 1 is needed"),
    ("  it: 0.5", "  it:", 8, "a number from 0 to 1 is needed"),
    ("deal_size: 60000", "deal_size: -1", 5, "-1 is outside of 0 to 1e+09"),
    ("deal_size: 60000", "deal_size: 60k", 5, "a number"),
    ("version: 1", "version: 0", 3, "outside"),
    ("version: 1", "version: 1.5", 3, "whole number"),
    ("template: 1", "template: 2", 1, "reads template: 1 only"),
    # shapes
    ("[c_level, vp]", "vp", 14, "a list is needed here"),
    ("does: A thing.", "does: [a, b]", 4, "a text is needed here"),
    ("does: A thing.", "does:", 4, "a text is needed here"),
    ("name: small", "name: Small One", 2, "is no name"),
    ("name: small", "name: 9lives", 2, "a letter first"),
    ("  it: 0.5\n", "  it: 0.5\n  - finance\n", 9, "no valid YAML"),
    # what can never hold
    ("[c_level, vp]", "[]", 14, "the list is empty, so this can never hold"),
    ("vp]}", "vp], min_employees: 9, max_employees: 3}", 14, "min_employees 9 is above"),
    ("vp]}", "vp], fit: 0}", 14, "can never hold: fit is 0"),
    ("[c_level, vp]", "[intern]", 14, "can never hold: all of its levels are excluded"),
    ("[it]", "[it]\n        levels: [intern]", 19, "all of its levels are excluded"),
    ("{functions: [sales]", "{functions: [it]", 18, "it is asked for here and excluded"),
    ("[helpdesk]", "[it]", 19, "all of its titles are excluded"),
    ("[board adviser]", "[head of it, it manager]", 19, "all of its titles are excluded"),
    ("[helpdesk]", "['...']", 20, "holds no word"),
    ("functions: [finance], ", "", 14, "needs functions, titles or departments"),
    ("[finance]", "[legal]", 14, "legal has no weight above 0 under functions"),
    ("finance: 1", "finance: 0", 14, "finance has no weight above 0"),
    ("    required: 1\n    any:\n      - f", "    required: 7\n    any:\n      - f", 16, "0 to 4"),
    ("does: A thing.", "does: A thing.\nregions: [Narnia]", 5, "unknown region 'Narnia'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(
    old: str, new: str, line: int, said: str
) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(BadTemplate) as error:
        parse_template(GOOD.replace(old, new, 1), "small.yaml")
    assert any(
        one.startswith(f"small.yaml, line {line}: ") and said in one for one in error.value.lines
    ), str(error.value)


def test_what_the_mistakes_are_made_in_is_fine_itself() -> None:
    assert parse_template(GOOD, "small.yaml").name == "small"


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = (
        GOOD.replace("it: 0.5", "it: -1")
        .replace("c_level", "boss")
        .replace("version: 1", "version: x")
    )
    with pytest.raises(BadTemplate) as error:
        parse_template(text, "t")
    assert [one.split(":")[0] for one in error.value.lines] == [
        "t, line 3",
        "t, line 8",
        "t, line 14",
    ]


def test_a_small_deal_asks_for_what_its_group_has_no_room_for() -> None:
    text = GOOD.replace("  champion:", "  blocker:")
    assert parse_template(text.replace("60000", "1000"), "t").deal_size == 1000


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "the file is empty"),
        ("# only a note\n", 1, "the file is empty"),
        ("template: 1\n\tname: x\n", 2, "a tab"),
        ("template: 1\nname: [x\n", 3, "no valid YAML"),
        ("template: 1\nname: x\x07y\n", 2, "a sign that YAML forbids"),
        ("template: 1\n---\nname: x\n", 2, "no valid YAML"),
        ("- a\n- b\n", 1, "here stand keys with values"),
        ("just words\n", 1, "here stand keys with values"),
        ("a: &a [*a]\n", 1, "unknown key 'a'"),
        ("[" * 5000, 1, "no valid YAML"),
    ],
)
def test_what_is_no_template_at_all_is_one_sentence_with_a_line(
    text: str, line: int, said: str
) -> None:
    with pytest.raises(BadTemplate) as error:
        parse_template(text, "odd.yaml")
    assert error.value.lines[0].startswith(f"odd.yaml, line {line}: ")
    assert said in str(error.value)
