"""Where people stand by the reporting lines, and that lines which are broken tell nothing."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.groups.lines import UNKNOWN, Line, read


@dataclass(frozen=True)
class Row:
    person_id: str
    manager_id: str | None


def lines(**managers: str | None) -> dict[str, Line]:
    found = read(Row(one, manager) for one, manager in managers.items())
    return {one: found.of(one) for one in managers}


def test_steps_and_reports_are_counted_from_the_top() -> None:
    assert lines(a=None, b="a", c="a", d="b") == {
        "a": Line(2, 0), "b": Line(1, 1), "c": Line(0, 1), "d": Line(0, 2),
    }  # fmt: skip


def test_who_heads_by_reporting_to_themselves_is_at_the_top() -> None:
    assert lines(a="a", b="a")["a"] == Line(1, 0)


def test_of_somebody_without_manager_and_reports_nothing_is_known() -> None:
    assert lines(a=None, b="a", lone=None)["lone"] == UNKNOWN


def test_below_a_manager_who_is_not_on_the_staff_the_distance_is_unknown() -> None:
    assert lines(a=None, b="a", c="gone", d="c") == {
        "a": Line(1, 0), "b": Line(0, 1), "c": Line(1, None), "d": Line(0, None),
    }  # fmt: skip


def test_lines_that_go_round_tell_reports_and_no_distance() -> None:
    assert lines(a="b", b="a", c="a") == {
        "a": Line(2, None), "b": Line(1, None), "c": Line(0, None),
    }  # fmt: skip


def test_the_head_is_who_alone_stands_at_the_top() -> None:
    def head(**managers: str | None) -> str | None:
        return read(Row(one, manager) for one, manager in managers.items()).head

    assert head(a=None, b="a", lone=None) == "a"
    assert head(a="a", b="a", c="b") == "a"
    assert head(a=None, b="a", c=None, d="c") is None
    assert head(a="b", b="a") is None
    assert head(a=None) is None


def test_a_company_without_lines_is_known_to_have_none() -> None:
    assert not read([Row("a", None), Row("b", "elsewhere")]).known


@given(st.dictionaries(st.sampled_from("abcdefg"), st.none() | st.sampled_from("abcdefgh")))
def test_whatever_the_lines_a_manager_stands_one_step_above(
    managers: dict[str, str | None],
) -> None:
    found = read(Row(one, manager) for one, manager in managers.items())
    for one, manager in found.managers.items():
        own, above = found.of(one).steps, found.of(manager).steps
        assert (own is None) == (above is None)
        assert own is None or above is None or own == above + 1
