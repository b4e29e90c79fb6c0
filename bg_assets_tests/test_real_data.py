"""The main job on real input: public bodies at two dates, through the real daemon.

All groups are built from the first date; then the second comes in as a full snapshot. Just the
bodies in which something changed are refreshed, each once, and who left is in no group.
"""

import contextlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bg_assets.domain.values.habits import is_unknown
from bg_assets.instance import state
from bg_assets.storage.reports import counts as overview
from bg_assets_tests import organograms
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.organograms import AFTER, BEFORE, Snapshot
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

_REFRESHED = """
    select company_id, run_id, diff from bg.buyer_group_refresh_log
    where status = 'completed' and requested_at >= cast(:since as timestamptz)
"""
_MEMBERS = "select company_id, person_id from bg.buyer_group_members"
_HISTORY = """
    select h.person_id, h.because from bg.buyer_group_history as h
    join bg.buyer_group_refresh_log as r on r.id = h.refresh_id
    where h.event = 'left' and r.requested_at >= cast(:since as timestamptz)
"""


@dataclass(frozen=True, slots=True)
class Story:
    """The two dates, and what stood and happened on the way from one to the other."""

    stack: Stack
    folder: Path
    before: Snapshot
    after: Snapshot
    members_before: list[Any]
    refreshed: list[Any]
    imported: dict[str, Any]
    since: str

    @property
    def bodies(self) -> set[str]:
        """All bodies, those too that have nobody at one of the dates."""
        return {*self.before.bodies, *self.after.bodies}

    @property
    def changed(self) -> set[str]:
        """The bodies that the second file changes."""
        return organograms.changed_bodies(self.before, self.after)

    @property
    def leavers(self) -> set[str]:
        """Who leaves by the second file."""
        return organograms.leavers(self.before, self.after)


@pytest.fixture(scope="module")
def story(shared_data: Path) -> Iterator[Story]:
    """Both imports, with the real daemon behind them."""
    template, folder = temporary_folder(stacks.PREFIX), temporary_folder("bg-organograms-")
    with contextlib.ExitStack() as stop:
        stop.callback(shutil.rmtree, template)
        stop.callback(shutil.rmtree, folder)
        stacks.make_template(template)
        stack = stop.enter_context(stacks.stack_in(template, {"BG_SETTLE": "1"}))
        before = organograms.read_senior(shared_data, BEFORE)
        after = organograms.read_senior(shared_data, AFTER)
        bodies = organograms.write_companies(shared_data, folder / "companies.csv")
        organograms.write_people(folder / "before.csv", before.rows)
        organograms.write_people(folder / "after.csv", after.rows)
        assert _import(stack, "companies", folder / "companies.csv")["inserted"] == bodies
        done = _import(stack, "people", folder / "before.csv")
        assert (done["inserted"], done["rejected"]) == (len(before.people), before.repeated)
        stack.start("postgres", "code", "daemon")
        _wait(stack)
        since = str(stack.value("select clock_timestamp()"))
        members = stack.rows(_MEMBERS)
        imported = _import(stack, "people", folder / "after.csv", "--full-snapshot")
        _wait(stack)
        refreshed = stack.rows(_REFRESHED, since=since)
        yield Story(stack, folder, before, after, members, refreshed, imported, since)


def _import(stack: Stack, kind: str, path: Path, *options: str) -> dict[str, Any]:
    done = stack.cli("import", kind, str(path), *options, "--json")
    assert done.returncode == 0, done.stderr
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


def _wait(stack: Stack) -> None:
    """Wait until every change is in a group."""

    def done() -> bool:
        with stack.engine.begin() as conn:
            now = overview.read_overview(conn, 0)
        assert (now.failed, now.dead) == (0, 0)
        return now.changes == 0

    eventually(done, 60, "all groups stand")


def test_every_body_had_a_group_from_the_first_date(story: Story) -> None:
    first = story.stack.value(
        "select count(distinct company_id) from bg.buyer_group_refresh_log "
        "where status = 'completed' and requested_at < cast(:since as timestamptz)",
        since=story.since,
    )
    assert first == len(story.bodies)
    with_members = {row.company_id for row in story.members_before}
    assert with_members <= set(story.before.bodies)
    assert len(with_members) > 0.8 * len(story.before.bodies)


def test_the_import_counts_who_is_new_changed_unchanged_and_gone(story: Story) -> None:
    before, after = story.before.people, story.after.people
    same = [one for one in after.values() if before.get(one.id) == one]
    assert story.imported["inserted"] == len(after.keys() - before.keys())
    assert story.imported["unchanged"] == len(same)
    assert story.imported["updated"] == len(after.keys() & before.keys()) - len(same)
    assert story.imported["left"] == len(story.leavers) > 500
    assert story.imported["rejected"] == story.after.repeated > 0


def test_of_posts_listed_twice_the_last_row_counts(story: Story) -> None:
    times = Counter(post.id for post in story.after.rows)
    twice = [key for key, count in times.items() if count > 1]
    stored = story.stack.rows(
        "select id, title, department from bg.people where id = any(:ids)", ids=twice
    )
    # A department that says nothing, like N/A, is unknown.
    assert {tuple(row) for row in stored} == {
        (key, post.title, None if is_unknown(post.department or "") else post.department)
        for key in twice
        for post in [story.after.people[key]]
    }


def test_just_the_bodies_that_changed_are_refreshed_each_once(story: Story) -> None:
    times = Counter(row.company_id for row in story.refreshed)
    assert set(times) == story.changed
    assert set(times.values()) == {1}
    assert len(story.bodies - story.changed) > 10


def test_many_bodies_are_refreshed_in_few_runs(story: Story) -> None:
    assert len({row.run_id for row in story.refreshed}) <= 3


def test_who_left_is_in_no_group_and_the_history_names_them(story: Story) -> None:
    members = {row.person_id for row in story.stack.rows(_MEMBERS)}
    assert members.isdisjoint(story.leavers)
    gone = {row.person_id for row in story.members_before} & story.leavers
    assert len(gone) > 50
    history = {row.person_id: row.because for row in story.stack.rows(_HISTORY, since=story.since)}
    assert gone <= set(history)
    assert {history[one] for one in gone} == {"no longer at the company"}


def test_each_refresh_names_its_leavers_in_its_difference(story: Story) -> None:
    said = {
        person for row in story.refreshed for diff in row.diff.values() for person in diff["left"]
    }
    assert {row.person_id for row in story.members_before} & story.leavers <= said


def test_dagster_shows_every_body_that_was_refreshed_and_runs(story: Story) -> None:
    every = [*state.SENSORS, state.ENRICHMENT]
    # The last of them is evaluated for the first time half a minute after the start, at the least.
    eventually(lambda: list(story.stack.status()["sensors"]) == every, 90, "all were evaluated")
    now = story.stack.status()
    assert now["daemon"] == "running"
    assert set(now["sensors"].values()) == {"running"}


def test_the_same_snapshot_again_changes_nothing(story: Story) -> None:
    changes = story.stack.value("select count(*) from bg.changes")
    done = _import(story.stack, "people", story.folder / "after.csv", "--full-snapshot")
    assert (done["inserted"], done["updated"], done["left"]) == (0, 0, 0)
    assert story.stack.value("select count(*) from bg.changes") == changes
    time.sleep(2)
    assert len(story.stack.rows(_REFRESHED, since=story.since)) == len(story.refreshed)
