"""The lexicon: what is refused at load, with the line."""

from pathlib import Path

import pytest

from bg_assets.domain.titles.lexicon import BadLexicon, load, shipped

HEADER = "phrase,kind,value,language,note\n"

WRONG = [
    ("phrase,kind\n", 1, "header"),
    (HEADER + "cfo,title,finance/c_level,en\n", 2, "columns"),
    (HEADER + "cfo,titel,finance/c_level,en,\n", 2, "did you mean title"),
    (HEADER + "sales,function,sale,en,\n", 2, "did you mean sales"),
    (HEADER + "chief,level,clevel,en,\n", 2, "did you mean c_level"),
    (HEADER + "cfo,title,finance,en,\n", 2, "needs"),
    (HEADER + "sales,function,sales,xx,\n", 2, "language"),
    (HEADER + ",function,sales,en,\n", 2, "empty"),
    (HEADER + "of,link,x,en,\n", 2, "no value"),
    (HEADER + "sales,function,sales,en,\nSALES,weak,sales,en,\n", 3, "line 2 already"),
    (HEADER + "growth,function,sales|sales,en,\n", 2, "twice"),
    (HEADER + "sr,alias,,en,\n", 2, "needs"),
    (HEADER + "two words,compound_end,head,de,\n", 2, "one word"),
]


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_a_wrong_row_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = tmp_path / "lexicon.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadLexicon, match=f"line {line}:") as error:
        load(path)
    assert said in str(error.value)


def test_phrases_that_mean_different_things_under_one_alias_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.csv"
    rows = "hd,alias,head,en,\nhead,level,head,en,\nhd,level,director,en,\n"
    path.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(BadLexicon, match="different things"):
        load(path)


def test_the_longest_phrase_wins_and_none_overlaps() -> None:
    found = shipped().meanings.find(("senior", "vice", "president", "of", "sales", "operations"))
    assert [" ".join(p.words) for _, p in found] == [
        "senior vice president",
        "of",
        "sales operations",
    ]


def test_the_shipped_lexicon_is_large_and_loads() -> None:
    assert shipped().size > 8_000
