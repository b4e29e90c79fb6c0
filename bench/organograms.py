"""Public bodies at two dates with all their posts: import, first groups, snapshot, refreshes.

Hundreds of thousands of people, through the real daemon. `--senior` leaves the junior posts out.
"""

import argparse
import itertools
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import bench
from bench import imports
from bg_assets.storage.reports import counts as overview
from bg_assets_tests import organograms
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.organograms import AFTER, BEFORE, Post
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack

_MASK = (1 << 64) - 1
_WAIT_SECONDS = 900

_RUNS = """
    select count(*) as refreshes, count(distinct company_id) as bodies,
        count(distinct run_id) as runs, coalesce(array_agg(company_id), '{}') as companies
    from bg.buyer_group_refresh_log
    where status = 'completed' and requested_at >= cast(:since as timestamptz)
"""
_LEFT_BEHIND = """
    select count(*) from bg.buyer_group_members as m
    join bg.people as p on p.id = m.person_id where p.status = 'left'
"""
_LEFT = """
    select count(*) from bg.buyer_group_history as h
    join bg.buyer_group_refresh_log as r on r.id = h.refresh_id
    where h.event = 'left' and r.requested_at >= cast(:since as timestamptz)
"""


@dataclass(slots=True)
class Prints:
    """A number for each body that differs where its people do; whatever their order."""

    of_body: Counter[str] = field(default_factory=Counter)

    def passing(self, posts: Iterable[Post]) -> Iterator[Post]:
        """The same posts, seen on their way."""
        for post in posts:
            self.of_body[post.company_id] = (self.of_body[post.company_id] + hash(post)) & _MASK
            yield post


def main(arguments: Sequence[str]) -> None:
    """Replay the half year between the two dates and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench organograms", description=__doc__)
    parser.add_argument("--senior", action="store_true")
    senior_only = parser.parse_args(arguments).senior
    data = bench.shared_data()
    with ExitStack() as stop:
        template, folder = temporary_folder(stacks.PREFIX), temporary_folder("bg-organograms-")
        stop.callback(shutil.rmtree, template)
        stop.callback(shutil.rmtree, folder)
        stacks.make_template(template)
        stack = stop.enter_context(stacks.stack_in(template, {}))
        before = _write(data, BEFORE, folder / "before.csv", senior_only)
        after = _write(data, AFTER, folder / "after.csv", senior_only)
        organograms.write_companies(data, folder / "companies.csv")
        _import(stack, "companies", folder / "companies.csv")
        _import(stack, "people", folder / "before.csv")
        stack.start("postgres", "code", "daemon")
        _groups(stack, "first groups", "-infinity")
        since = str(stack.value("select clock_timestamp()"))
        # Juniors have no key of their own: of large bodies most seem to have left.
        _import(stack, "people", folder / "after.csv", "--full-snapshot", "--allow-leavers")
        refreshed = _groups(stack, "groups after the snapshot", since)
        _check(stack, _changed(before, after), refreshed, since)
        _import(stack, "people", folder / "after.csv", "--full-snapshot")


def _write(data: Path, date: str, path: Path, senior_only: bool) -> Prints:
    prints = Prints()
    posts = organograms.read_senior(data, date)
    lower: Iterable[Post] = () if senior_only else organograms.junior(data, date)
    prints_of = prints.passing(itertools.chain(posts.people.values(), lower))
    # The rows that a later one of the same id replaces come first, as rejects.
    replaced = tuple(post for post in posts.rows if posts.people[post.id] is not post)
    rows = organograms.write_people(path, replaced, prints_of)
    _say(f"{date}: {len(prints.of_body)} bodies, {rows:,} people")
    return prints


def _changed(before: Prints, after: Prints) -> set[str]:
    return {body for body, seen in after.of_body.items() if before.of_body[body] != seen}


def _import(stack: Stack, kind: str, path: Path, *options: str) -> None:
    changes = stack.value("select count(*) from bg.changes")
    done = imports.measure(stack.env, kind, path, *options)
    counts = done.counts
    rows = sum(int(counts[name]) for name in ("inserted", "updated", "unchanged", "rejected"))
    captured = stack.value("select count(*) from bg.changes") - changes
    _say(
        f"import {path.name}: {rows:,} rows in {done.seconds:.1f} s, "
        f"{rows / done.seconds:,.0f} rows/s; {counts['inserted']:,} new, "
        f"{counts['updated']:,} changed, {counts['unchanged']:,} as before, "
        f"{counts['left']:,} left, {counts['rejected']:,} rejected; {captured:,} changes captured"
    )


def _groups(stack: Stack, what: str, since: str) -> list[str]:
    """Wait until every change is in a group; gives the bodies refreshed, as often as they were."""
    began = time.monotonic()
    while True:
        with stack.engine.begin() as conn:
            now = overview.read_overview(conn, 0)
        if now.changes == 0:
            break
        if now.dead or time.monotonic() > began + _WAIT_SECONDS:
            raise RuntimeError(f"{now.changes} changes are in no group, {now.dead} bodies are dead")
        time.sleep(0.2)
    (row,) = stack.rows(_RUNS, since=since)
    _say(
        f"{what}: {row.bodies} bodies, {row.refreshes} refreshes in {row.runs} runs, "
        f"{time.monotonic() - began:.1f} s"
    )
    return list(row.companies)


def _check(stack: Stack, changed: set[str], refreshed: list[str], since: str) -> None:
    if sorted(changed) != sorted(refreshed):
        odd = sorted(changed ^ set(refreshed)) or ["one more than once"]
        raise RuntimeError(f"{len(changed)} bodies changed, refreshed were others: {odd[:5]}")
    left_behind = stack.value(_LEFT_BEHIND)
    if left_behind:
        raise RuntimeError(f"{left_behind} members have left and are still in their groups")
    _say(
        f"just the {len(changed)} bodies that changed were refreshed, each once; "
        f"{stack.value(_LEFT, since=since)} members left, and no group has anybody who did"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
