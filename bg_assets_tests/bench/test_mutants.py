"""The tool that plants faults: which it finds in a text, and that it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.mutant_sites import Mutant, Quota, choose, mutate, sites
from bench.mutant_sql import edits_of

ROOT = Path(__file__).resolve().parents[2]
SOURCE = '''
"""A module; 7 of its words are said to people."""

_DUE = sa.text("""
    select id from bg.people as p  -- never 3 or 4
    where id = :id and age <= 5 and kind in ('max(', 'kept') for update
""")


def decide(first: int | None, *, second: int) -> bool:
    """Whether 7 > 8."""
    log.info("looking at %s", first > 2)
    if first is None or second > 3:
        raise Unfit(f"{first} > {second + 1}")
    return first in (1, second)
'''


def planted(sql: str) -> set[str]:
    return {sql[:start] + text + sql[end:] for start, end, text in edits_of(sql)}


@pytest.mark.parametrize(
    ("sql", "faulty"),
    [
        ("where a <= b", {"where a < b"}),
        ("where a -> 'b' > c", {"where a -> 'b' >= c"}),
        ("where a is null", {"where a is not null"}),
        ("where not exists (select)", {"where exists (select)"}),
        ("where a between :b and :c", set()),
        ("create or replace view v", set()),
        ("where a = 'x or y' -- and so on", {"where a <> 'x or y' -- and so on"}),
        ("select a from b for update skip locked",
         {"select a from b", "select a from b for update"}),
        ("where a in ('b', 'c')", {"where a in ('b')"}),
        ("now() - interval '5 seconds'",
         {"now() + interval '5 seconds'", "now() - interval '10 seconds'"}),
        ("set a = 'b', c = null where d = 'e'",
         {"set c = null where d = 'e'", "set a = 'b' where d = 'e'",
          "set a = 'b', c = null where d <> 'e'"}),
        ("set a = coalesce(b, :c) where d", {"set a = b where d"}),
        ("a\n    and b = (c\n    or d)\n",
         {"a\n    or b = (c\n    or d)\n", "a\n    and b <> (c\n    or d)\n",
          "a\n    and b = (c\n    and d)\n"}),
    ],
)  # fmt: skip
def test_sql_has_faults_at_its_boundaries_conditions_locks_and_assignments(
    sql: str, faulty: set[str]
) -> None:
    assert {one.strip(" ") for one in planted(sql)} == faulty


def test_what_is_said_to_people_and_to_the_type_checker_gets_no_fault() -> None:
    at = {(site.line, site.operator) for site in sites("m.py", SOURCE)}

    assert {line for line, _ in at} == {6, 13, 15}
    assert (15, "NumberReplacer") in at


def test_a_fault_has_the_same_name_wherever_its_lines_move() -> None:
    def all_of(source: str) -> list[Mutant]:
        return [one for site in sites("m.py", source) if (one := mutate(site, source))]

    here, there = all_of(SOURCE), all_of(SOURCE.replace("_DUE", "_NEW = 1\n\n\n_DUE"))

    names = {one.name for one in here}
    assert not any("/" in one.becomes for one in here)
    assert len(names) == len(here) > 15
    assert names <= {one.name for one in there}
    assert {one.place for one in here} == {"_DUE", "decide"}


def test_a_seed_gives_the_same_faults_again_and_another_others() -> None:
    modules = {"a.py": SOURCE, "b.py": SOURCE}
    quota = Quota(10, 3, ("b.py",))

    chosen = choose(modules, quota, 1)

    assert [one.name for one in chosen] == [one.name for one in choose(modules, quota, 1)]
    assert [one.name for one in chosen] != [one.name for one in choose(modules, quota, 2)]
    assert len(chosen) == len({one.name for one in chosen}) == 10
    assert sum(one.module == "b.py" for one in chosen) >= 3


@pytest.mark.slow
def test_faults_are_judged_on_a_copy_and_a_stop_leaves_nothing(tmp_path: Path) -> None:
    before = _contents()
    told = tmp_path / "mutants.json"
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    arguments = ["--rooms", "files", "--per-room", "300"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "mutants", *arguments, "--json", str(told)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 500
    while not (told.exists() and '"verdict": "caught"' in told.read_text(encoding="utf-8")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)

    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)

    assert "were not planted" in said
    assert process.returncode == 0
    verdicts = {one["verdict"] for one in json.loads(told.read_text("utf-8"))["mutants"]}
    assert "caught" in verdicts
    assert [one.name for one in tmp_path.iterdir()] == ["mutants.json"]
    assert not [one for one in psutil.process_iter() if _is_under(one, tmp_path)]
    assert _contents() == before


HANGING = """
import sys, time
from pathlib import Path
from bench import mutant_trials
mutant_trials._PATIENCE = 10
module = "bg_assets/domain/values/regions.py"
test = (
    "bg_assets_tests/domain/values/test_regions.py::"
    "test_only_a_company_known_to_be_elsewhere_is_no_customer"
)
code = Path(module).read_text()
hanging = code.replace("    return", "    while True: pass\\n    return")
assert hanging != code
with mutant_trials.Workshop(Path.cwd()) as shop:
    for text in (hanging, code):
        shop.start(module, text, {test: 0.1})
        while (outcome := shop.ended()) is None:
            time.sleep(0.05)
        print(outcome.caught, outcome.by)
"""


@pytest.mark.slow
def test_a_fault_that_hangs_is_ended_and_counts_as_caught() -> None:
    said = subprocess.run(
        [sys.executable, "-c", HANGING],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip

    assert said.stdout.splitlines() == ["True hang", "False "]


def _is_under(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.cwd().startswith(str(folder))
    except (psutil.Error, OSError):
        return False


def _contents() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in ROOT.glob("bg_assets/**/*.py")}
