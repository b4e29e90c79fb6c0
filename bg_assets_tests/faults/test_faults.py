"""The command that injects faults: what it offers, and what it calls broken."""

from dataclasses import replace

import pytest

from bg_assets_tests.faults import __main__ as command
from bg_assets_tests.faults import catalogue, cut_tick
from bg_assets_tests.faults.trial import Result

HELD = Result("x", injected=3, written=10, companies=5, right=5, twice=0, lost=0)


def test_a_trial_held_where_nothing_is_lost_doubled_or_wrong_and_something_happened() -> None:
    assert HELD.held
    assert not replace(HELD, right=4).held
    assert not replace(HELD, twice=1).held
    assert not replace(HELD, lost=1).held
    assert not replace(HELD, injected=0).held
    assert not replace(HELD, written=0).held


def test_faults_are_chosen_by_the_beginning_of_their_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--list", "kill -9 d", "disk"]) == 0
    assert capsys.readouterr().out == "kill -9 daemon\ndisk full\n"
    assert command.main(["--list", "--quick", "two"]) == 0
    assert capsys.readouterr().out == "two daemons\n"
    assert catalogue.FAULTS.keys() > catalogue.LONG


@pytest.mark.parametrize("arguments", [["no such"], ["--rounds", "0"], ["kill", "no such"]])
def test_what_it_does_not_know_is_refused_before_anything_runs(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(arguments)
    assert refused.value.code == 2
    assert "no fault no such" in capsys.readouterr().err or arguments == ["--rounds", "0"]


def test_a_trial_that_breaks_is_a_row_that_did_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(options: object) -> Result:
        raise AssertionError("not within 5 s: it is there\nand more")

    monkeypatch.setitem(catalogue.FAULTS, "broken", broken)
    (result,) = command._run(["broken"], 1, 1)
    assert (result.held, result.note) == (False, "AssertionError: not within 5 s: it is there")


def test_each_step_of_a_tick_that_is_cut_is_there() -> None:
    for owner, name in cut_tick.STEPS.values():
        assert callable(getattr(owner, name))
