"""A traceparent is read as the W3C has it, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.tracing import context
from bg_assets.tracing.context import Place

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        (GOOD, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        # The flag of random ids says nothing of sampling.
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        # A later version may say more.
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be", True),
    ],
)
def test_a_traceparent_is_read(text: str, sampled: bool) -> None:
    assert context.parse(text) == Place(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        None, "", "trace-7", TRACE, f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-1",
        f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more", f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE.upper()}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0g", f" {GOOD}", f"{GOOD}\n", GOOD.replace("-", "_"),
        f"01-{TRACE}-{SPAN}-01.more", f"01-{TRACE}-{SPAN}-01-\r\nx",
        f"01-{TRACE}-{SPAN}-01-" + "a" * 999, f"0\u0660-{TRACE}-{SPAN}-01",
    ],
)  # fmt: skip
def test_what_is_none_is_ignored(text: str | None) -> None:
    assert context.parse(text) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    found = context.parse(text)
    assert found is None or context.parse(str(found)) == found


def test_a_place_reads_as_it_is_written() -> None:
    assert str(context.parse(GOOD)) == GOOD


def test_links_are_bounded_and_name_each_trace_once() -> None:
    many = [f"00-{number:032x}-{SPAN}-01" for number in range(1, 100)]
    found = context.places([many[0], "junk", None, *many])
    assert [str(one) for one in found] == many[: context.MOST_LINKS]


def test_the_trace_of_a_refresh_is_always_the_same_and_spread_over_all_ids() -> None:
    seeds = [f"0b0e7a54-91a4-4f2e-8a54-{number:012}" for number in range(2000)]
    found = [context.derived(one) for one in seeds]
    assert found == [context.derived(one) for one in seeds]
    assert all(0 < one < 1 << 128 for one in found)
    # A sampler of a tenth goes by the last 64 bits.
    kept = sum(one % (1 << 64) < (1 << 64) // 10 for one in found)
    assert 150 < kept < 250
