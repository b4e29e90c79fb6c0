"""Control characters: a space where a value comes in, written out where people read it."""

import pytest

from bg_assets.domain.values.controls import cleaned, visible, within


@pytest.mark.parametrize(("text", "clean", "inside"), [
    ("Ann", "Ann", False), (" Ann  Lee\n", "Ann  Lee", False), ("Ann\nLee", "Ann Lee", True),
    ("Ann \t\x00 Lee", "Ann Lee", True), ("a\x7fb\x9fc\u2028d\u2029e", "a b c d e", True),
    ("a  b\x1bc", "a  b c", True), ("\x1b Ann", "Ann", True), ("\u200fשלום", "\u200fשלום", False),
    ("", "", False),
])  # fmt: skip
def test_a_value_is_one_line_of_text(text: str, clean: str, inside: bool) -> None:
    assert cleaned(text) == clean
    assert within(text) is inside
    assert not within(clean)


def test_what_orders_a_terminal_is_written_out_and_text_is_not() -> None:
    assert visible("plain, größe, \N{GRINNING FACE}") == "plain, größe, \N{GRINNING FACE}"
    assert visible("a\tb\nc\rd\x1b[1m") == r"a\tb\nc\rd\x1b[1m"
    assert visible("\x00\x7f\x9f\u202e\u2066\u2028\ud800") == (
        r"\x00\x7f\x9f\u202e\u2066\u2028\ud800"
    )
