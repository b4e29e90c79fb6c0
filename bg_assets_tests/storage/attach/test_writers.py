"""Who else would write to people while they are somebody else's, and a try that was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bg_assets.storage import database, writes
from bg_assets.storage.attach import attaching
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import RAILS, as_owner
from bg_assets_tests.storage.rows import insert, rows, run, value
from bg_assets_tests.storage.told import apply, event

EVENTS = "select status, status_reason from bg.webhook_events order by id"


def test_an_event_that_would_make_a_company_says_why_it_can_not(engine: sa.Engine) -> None:
    shapes.make(engine, RAILS)
    told.source(engine, "crm", may_create=True)
    shapes.attach(engine, "companies", RAILS.companies)
    event(engine, "person.role_change", {"id": "n-1", "name": "N", "newTitle": "CFO"}, "nobody")
    apply(engine)

    (dead,) = rows(engine, EVENTS)
    assert dead["status"] == "dead"
    assert "companies are read from app.companies, which is attached" in dead["status_reason"]
    assert value(engine, "select count(*) from bg.people") == 0


@pytest.mark.parametrize("may_create", [True, False])
@pytest.mark.parametrize(
    "firm", [{"id": "999"}, {"id": "999", "name": "Acme", "domain": "no.example"}]
)
@pytest.mark.parametrize("kind", ["person.joined", "person.changed", "company.refresh_requested"])
def test_an_event_at_an_unknown_company_says_that_its_row_is_needed_in_the_attached_table(
    engine: sa.Engine, kind: str, firm: dict[str, str], *, may_create: bool
) -> None:
    shapes.make(engine, RAILS)
    told.source(engine, "crm", may_create=may_create)
    shapes.attach(engine, "companies", RAILS.companies)
    insert(engine, "bg.people", id="p", company_id="1", name="Ada Vance", observed_at=None)
    event(engine, kind, None if kind.startswith("company") else "p", firm)
    apply(engine)
    (dead,) = rows(engine, EVENTS)
    assert dead["status"] == "dead"
    assert dead["status_reason"].startswith(
        "the company is not known, and companies are read from app.companies, which is attached"
    )
    assert "needed is its row there, with the id that the source uses" in dead["status_reason"]
    assert value(engine, "select count(*) from bg.companies") == 0


@pytest.mark.parametrize(
    ("kind", "of_people", "of_companies"),
    [("company.changed", "applied", "dead"), ("company.deleted", "applied", "dead"),
     ("company.merged", "dead", "dead")],
)  # fmt: skip
def test_events_about_companies_wait_where_what_they_change_is_somebody_elses(
    engine: sa.Engine, kind: str, of_people: str, of_companies: str
) -> None:
    shapes.make(engine, RAILS)
    told.source(engine, "crm")
    for number in ("1", "2"):
        run(engine, "insert into bg.companies (id, name, observed_at) values (:id, 'Acme', null)",
            id=f"own-{number}")  # fmt: skip
    became = []
    for attached in ("people", "companies"):
        shapes.attach(engine, attached, getattr(RAILS, attached))
        news = {"industry": {"new": "Mining"}}
        event(engine, kind, None, {"id": "own-1"}, into="own-2", changes=news)
        apply(engine)
        became.append(rows(engine, EVENTS)[-1])
        shapes.detach(engine, attached)
    assert [row["status"] for row in became] == [of_people, of_companies]
    assert "which is attached" in became[1]["status_reason"]


def test_the_size_of_people_is_that_of_the_attached_table(engine: sa.Engine) -> None:
    shapes.make(engine, RAILS)
    shapes.attach_both(engine, RAILS)
    with engine.connect() as conn:
        assert (writes.size(conn, "people").rows, writes.size(conn, "companies").rows) == (3, 2)
    as_owner(engine, "drop table app.people")
    with engine.connect() as conn:
        assert writes.size(conn, "people") == writes.Size(0, counted=False)


def test_who_is_held_up_by_a_long_transaction_of_others_gives_up_and_changes_nothing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes.make(engine, RAILS)
    monkeypatch.setattr(attaching, "_LOCK_TIMEOUT", "100ms")
    with engine.begin() as other:
        run(other, "update app.people set title = title")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            shapes.attach(engine, "people", RAILS.people)

    assert value(engine, "select count(*) from bg.attached_tables") == 0
    run(engine, "insert into bg.people (id, company_id) values ('p', 'acme')")
    assert value(engine, "select count(*) from bg.changes") == 1


@pytest.mark.slow
def test_a_command_that_is_killed_leaves_nothing_attached(engine: sa.Engine) -> None:
    """It is killed as it waits for the table, having done all but the triggers there."""
    shapes.make(engine, RAILS)
    url = engine.url.render_as_string(hide_password=False)
    environment = {**os.environ, "BG_DATABASE_URL": url, "BG_DAGSTER_URL": url}
    with engine.begin() as other:
        run(other, "update app.people set title = title")
        code = "from bg_assets.cli.main import main; main()"
        words = ["-c", code, "attach", "people", "--table", "app.people"]
        process = subprocess.Popen(
            [sys.executable, *words], env=environment, stderr=subprocess.DEVNULL
        )
        waits = (
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and wait_event_type = 'Lock'"
        )
        end = time.monotonic() + 30
        while not value(engine, waits) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        assert value(engine, waits) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()

    run(engine, "insert into bg.people (id, company_id) values ('p', 'acme')")
    assert value(engine, "select count(*) from bg.changes") == 1
    assert value(engine, "select count(*) from bg.canonical_people") == 1
    as_owner(engine, RAILS.retitle)
    assert value(engine, "select count(*) from bg.changes") == 1


BUILT = """
    insert into bg.company_profiles (company_id, workspace, name)
    select id, workspace, name from bg.canonical_companies;
    insert into bg.company_people (company_id, person_id, title, has_email, confidence)
    select company_id, id, title, email is not null, 0 from bg.canonical_people;
    delete from bg.changes; update bg.capture_watch set to_compare = false
"""
DIFFERING = """
    select distinct p.company_id from bg.canonical_people as p
    left join bg.company_people as k on k.person_id = p.id and k.company_id = p.company_id
    where p.title is distinct from k.title order by 1
"""


def test_of_what_others_write_while_a_table_comes_and_goes_nothing_is_missed(
    engine: sa.Engine,
) -> None:
    """Each company whose people are not what its group has seen has a change, or is compared."""
    shapes.make(engine, RAILS)
    run(engine, "insert into app.companies (id, name) select g, 'C' || g "
        "from generate_series(100, 159) as g")  # fmt: skip
    run(engine, "insert into app.people (company_id, title) select c.id, 'CFO' "
        "from app.companies as c, generate_series(1, 3) where c.id >= 100")  # fmt: skip
    shapes.attach_both(engine, RAILS)
    run(engine, BUILT)
    stop = threading.Event()

    def write(number: int) -> int:
        turn = 0
        while not stop.is_set():
            turn += 1
            as_owner(engine, f"update app.people set title = 'Head {number} {turn}' "
                     f"where company_id = {100 + (number * 7 + turn * 3) % 60 // 2}")  # fmt: skip
        return turn

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        for _ in range(4):
            shapes.detach(engine, "people")
            shapes.attach(engine, "people", RAILS.people)
        stop.set()
        assert all(one.result() for one in writers)
    database.catch_up(engine)

    differing = [row["company_id"] for row in rows(engine, DIFFERING)]
    raised = {row["company_id"] for row in rows(engine, "select company_id from bg.changes")}
    assert len(differing) > 3
    assert raised >= {*differing}
