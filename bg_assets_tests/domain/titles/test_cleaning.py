"""From the text of a title to its sections: the short way of plain titles says the same."""

from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.titles.cleaning import sections

_WORDS = st.sampled_from(
    ["Director", "IT", "it", "and", "und", "Et", "Y", "SALES", "3", "3d", "of", "s", "fd", "at"]
)


@given(st.lists(_WORDS, max_size=7), st.sampled_from([" ", "  "]))
def test_a_title_of_letters_alone_is_read_as_with_a_sign_behind_it(
    words: list[str], between: str
) -> None:
    text = between.join(words)
    assert sections(text) == sections(f"{text}:")
