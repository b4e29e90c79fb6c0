"""What a spreadsheet would take for a formula, however it is dressed up."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bg_assets.domain.values.formulas import is_formula

# White space, line breaks, controls, zero-width and other marks that are not seen.
UNSEEN = st.sampled_from(
    [
        *" \t\r\n\x0b\x0c\x00\x01\x1b\x7f\x85\x9b\u2028\u2029",
        *"\u00a0\u1680\u2000\u2003\u2009\u200a\u202f\u205f\u3000",
        *"\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202e\u2060\u2066\u3164",
        *"\ufe0f\ufeff\uffa0\u2800\U000e0020\U000e0100",
    ]
) | st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Zp"])
STARTS = st.sampled_from("=+-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻−")


@given(st.lists(UNSEEN, max_size=8).map("".join), STARTS, st.text(max_size=5))
@example(" ", "=", "1+1")
@example("", "＝", "1+1")
@example("\n", "=", "1+1")
@example("\u200b", "=", "1+1")
def test_a_formula_is_known_behind_whatever_is_not_seen(before: str, start: str, rest: str) -> None:
    assert is_formula(before + start + rest)


@pytest.mark.parametrize("text", ["\tCFO", "\rCFO", "\nCFO"])
def test_a_tab_or_line_break_at_the_start_counts_by_itself(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u200b", "CFO", " CFO", "Ann-Marie", "a=1", "1-2", "'=1", "(=1)", "石川", "№ 1"],
)
def test_other_texts_are_none(text: str) -> None:
    assert not is_formula(text)


@given(st.text(), st.text())
def test_what_comes_after_the_first_sign_does_not_matter(text: str, more: str) -> None:
    first = unicodedata.normalize("NFKC", text[:1])
    if first and first[0].isalnum():
        assert not is_formula(text + more)
