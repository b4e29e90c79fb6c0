"""JSON in which parsers differ is refused, and all else is read as it stands."""

import pytest

from bg_assets.domain.webhooks.fields import UnfitField
from bg_assets.domain.webhooks.strict_json import parse


def test_sound_documents_are_read_with_or_without_a_bom() -> None:
    assert parse(b'\xef\xbb\xbf{"a": [1, 2.5, null, "\xc3\xa4\\u00e4\\ud83d\\ude00"]}') == {
        "a": [1, 2.5, None, "ää\N{GRINNING FACE}"]
    }
    assert parse(rb'"\\u0000"') == r"\u0000"


@pytest.mark.parametrize(("body", "said"), [
    (b'{"a": 1, "a": 1}', "a key comes twice"), (b'[{"b": {"a": 1, "a": 2}}]', "a key comes twice"),
    (b"1e999", "a number that is too large"), (b"[-1e999]", "a number that is too large"),
    (b'"\\u0000"', "a NUL"), (b'{"a": [{"\\u0000": 1}]}', "a NUL"), (b'[["x\\u0000"]]', "a NUL"),
    (b'"\\ud800"', "half of a character"), (b'{"\\udc00": 1}', "half of a character"),
    (b"", "is not JSON"), (b"{", "is not JSON"), (b'"\xff"', "is not JSON"),
    (b"[" * 100_000, "is not JSON"),
])  # fmt: skip
def test_what_parsers_take_in_different_ways_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(UnfitField) as refused:
        parse(body)
    assert refused.value.unfit.field == "body"
    assert said in refused.value.unfit.reason


@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"-Infinity"])
def test_what_is_no_number_in_json_is_refused(body: bytes) -> None:
    with pytest.raises(UnfitField):
        parse(body)
