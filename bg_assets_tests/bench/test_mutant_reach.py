"""Which tests judge a fault: those that run its line, by way of a constant or a process too."""

import pytest

from bench.mutant_reach import PROCESS, SHARED, Reach

ROOM = ("t/",)
SOURCE = """\
_LIMIT = 5
_SQL = f"limit {_LIMIT}"


def ask(
    most=3,
):
    if most > 2:
        return run(
            _SQL,
        )
    return None


def served():
    return 7


def prepared():
    return 8
"""
USER = """\
from a import ask


def other():
    return ask()
"""
ASKS, GIVES_UP = "t/test_a.py::test_asks", "t/test_b.py::test_gives_up"
OUTSIDE, BROKEN = "u/test_c.py::test_outside", "t/test_a.py::test_broken"
STARTED = "t/test_d.py::test_of_a_process"


def reach() -> Reach:
    asked, both = frozenset({ASKS, OUTSIDE, BROKEN}), frozenset({ASKS, GIVES_UP, OUTSIDE})
    lines = {
        "a.py": {
            8: both,
            9: asked,
            10: asked,
            12: frozenset({GIVES_UP}),
            16: frozenset({PROCESS + "t/test_d.py"}),
            20: frozenset({SHARED}),
        },
        "b.py": {},
    }
    seconds = {GIVES_UP: 1.0, STARTED: 3.0, ASKS: 2.0, OUTSIDE: 1.0, BROKEN: 1.0}
    return Reach({"a.py": SOURCE, "b.py": USER}, lines, seconds, frozenset({BROKEN}))


@pytest.mark.parametrize(
    ("line", "tests"),
    [
        pytest.param(8, [ASKS, GIVES_UP], id="those that run the line, of its own file first"),
        pytest.param(11, [ASKS], id="any line of the statement"),
        pytest.param(12, [GIVES_UP], id="and of no other statement"),
        pytest.param(6, [ASKS, GIVES_UP], id="a default: those that run the body"),
        pytest.param(2, [ASKS], id="a constant: those that run a line which names it"),
        pytest.param(1, [ASKS], id="or names what is made of it"),
        pytest.param(16, [STARTED], id="a process that a test started: the tests of its file"),
        pytest.param(20, [ASKS, GIVES_UP, STARTED], id="what is set up once for all: all"),
    ],
)
def test_a_line_is_judged_by_the_room_s_tests_that_run_it(line: int, tests: list[str]) -> None:
    assert reach().tests("a.py", line, ROOM) == tests


def test_a_line_that_nothing_runs_is_judged_by_nobody() -> None:
    assert reach().tests("b.py", 5, ROOM) == []
