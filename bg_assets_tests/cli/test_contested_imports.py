"""Imports that others write against: a deadlock that they lose costs them a try, nothing else."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage import imports
from bg_assets_tests.cli.command import Command, rejects_of

LINES = "id,company_id,title\np1,a,New\np2,a,New\np3,a,\np9,nowhere,X\n"


@pytest.fixture
def staffed(bg: Command) -> Command:
    """A company of four, in a database whose deadlocks are seen by imports, and soon."""
    bg.companies("a")
    bg("import", "people", bg.file("p.csv", "id,company_id\np1,a\np2,a\np3,a\np4,a\n"))
    bg.execute(
        "do $$ begin execute format('alter database %I set deadlock_timeout = ''50ms''', "
        "current_database()); end $$"
    )
    return bg


@contextmanager
def _another_writer(bg: Command) -> Iterator[Callable[[], None]]:
    """Holds p1; once called, it waits for p4, and so never has what it holds taken from it.

    It looks for no deadlock itself: who waits for it after that is the one who finds one.
    """
    title = sa.text("update bg.people set title = 'Other' where id = :id")
    with bg.engine.connect() as conn:
        conn.execute(sa.text("set local deadlock_timeout = '1h'"))
        pid = conn.execute(sa.text("select pg_backend_pid()")).scalar_one()
        conn.execute(title, {"id": "p1"})

        def finish() -> None:
            conn.execute(title, {"id": "p4"})
            conn.commit()

        finishing = threading.Thread(target=finish)

        def wait_for_p4() -> None:
            if finishing.ident is not None:
                return
            finishing.start()
            until = time.monotonic() + 60
            while not bg.value("select cardinality(pg_blocking_pids(:pid))", pid=pid):
                assert time.monotonic() < until, "the other writer waits"
                time.sleep(0.01)

        yield wait_for_p4
        finishing.join(60)
        assert not finishing.is_alive()


def test_an_import_that_loses_a_deadlock_is_tried_again(
    staffed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = staffed.file("s.csv", LINES)
    upsert, tries = imports._upsert, list[str]()
    with _another_writer(staffed) as wait_for_p4:

        def then_upsert(kind: str, *rest: Any) -> sa.TextClause:
            # By now p4 is marked as left.
            tries.append(kind)
            wait_for_p4()
            return upsert(kind, *rest)

        monkeypatch.setattr(imports, "_upsert", then_upsert)
        done = staffed("import", "people", path, "--full-snapshot")
    assert (done.code, len(tries)) == (0, 2), done.err
    assert done.out == "people: 0 new, 2 changed, 1 as before, 1 left, 1 rejected\n"
    assert done.err.splitlines()[0] == "another writer got in between: trying again ..."
    assert staffed.rows("select id, title, status from bg.people order by id") == [
        ("p1", "New", "active"),
        ("p2", "New", "active"),
        ("p3", None, "active"),
        ("p4", "Other", "left"),
    ]
    assert [row[0] for row in rejects_of(path)] == ["5"]


def test_an_import_that_loses_every_time_ends_with_1_and_leaves_nothing(
    staffed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = staffed.file("s.csv", LINES)
    lost = sa.text("do $$ begin raise 'lost' using errcode = 'deadlock_detected'; end $$")
    tries = list[str]()

    def lose(kind: str, *_: Any) -> sa.TextClause:
        tries.append(kind)
        return lost

    monkeypatch.setattr(imports, "_upsert", lose)
    done = staffed("import", "people", path, "--full-snapshot")
    assert (done.code, len(tries)) == (1, 5)
    assert "(40P01)" in done.err.splitlines()[-1]
    assert staffed.value("select count(*) from bg.people where status = 'left'") == 0
    assert rejects_of(path) == []


def test_another_error_is_not_tried_again(
    staffed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = sa.text("select 1 / 0")
    tries = list[str]()

    def refuse(kind: str, *_: Any) -> sa.TextClause:
        tries.append(kind)
        return refused

    monkeypatch.setattr(imports, "_upsert", refuse)
    assert staffed("import", "people", staffed.file("s.csv", LINES)).code == 1
    assert len(tries) == 1


def test_people_are_written_in_the_order_of_their_ids_whatever_the_file_s(staffed: Command) -> None:
    free = sa.text("select id from bg.people order by id for update skip locked")
    found = list[list[str]]()
    with staffed.engine.connect() as conn:
        pid = conn.execute(sa.text("select pg_backend_pid()")).scalar_one()
        conn.execute(sa.text("update bg.people set title = 'Other' where id = 'p2'"))

        def look_and_let_go() -> None:
            waiting = (
                "select count(*) from pg_stat_activity where :pid = any(pg_blocking_pids(pid))"
            )
            until = time.monotonic() + 60
            while not staffed.value(waiting, pid=pid) and time.monotonic() < until:
                time.sleep(0.01)
            with staffed.engine.begin() as other:
                found.append(list(other.execute(free).scalars()))
            conn.rollback()

        looking = threading.Thread(target=look_and_let_go)
        looking.start()
        path = staffed.file("s.csv", "id,company_id,title\np4,a,X\np3,a,X\np2,a,X\np1,a,X\n")
        done = staffed("import", "people", path)
        looking.join(60)
    assert done.code == 0, done.err
    assert found == [["p3", "p4"]]


def test_what_others_write_meanwhile_is_no_error_whatever_the_database_s_default(
    staffed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed.execute(
        "do $$ begin execute format('alter database %I set default_transaction_isolation = "
        "''repeatable read''', current_database()); end $$"
    )
    judge = imports.judge

    def write_and_judge(*given: Any, **named: Any) -> imports.Rejected:
        staffed.execute("update bg.people set title = 'Other' where id = 'p1'")
        return judge(*given, **named)

    monkeypatch.setattr(imports, "judge", write_and_judge)
    done = staffed("import", "people", staffed.file("s.csv", LINES))
    assert done.code == 0, done.err
    assert staffed.value("select title from bg.people where id = 'p1'") == "New"
