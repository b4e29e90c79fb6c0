"""A CRM's export comes first and its webhook second: events mean the people of the export."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage import imports, locks
from bg_assets.storage.locks import Lock
from bg_assets.storage.webhooks import adopting
from bg_assets.storage.webhooks.adopting import Adopted
from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import value

LIST = "Name,Company,Email\nAnn Smith,Acme,ann@acme.com\nBob Ng,Acme,bob@acme.com\n"
HUBSPOT = (
    "Record ID,First Name,Last Name,Job Title,Associated Company,Email,Lead Status,"
    "Primary Associated Company ID\n"
    "901,Ann,Smith,CFO,Acme,ann@acme.com,,70\n902,Bob,Ng,CIO,Acme,bob@acme.com,,70\n"
)
SAID = "ids of 2 people and 1 companies imported from HubSpot's exports are this source's"
ADD = ("webhook", "add-source", "hs", "--scheme", "hubspot", "--secret", "s" * 36)


@pytest.fixture
def imported(bg: Command) -> Command:
    """Two people with ids of our own, whom HubSpot calls 901 and 902."""
    bg.json("import", "people", bg.file("list.csv", LIST))
    bg.json("import", "people", bg.file("hubspot.csv", HUBSPOT))
    return bg


def ids(bg: Command) -> list[tuple[str, str]]:
    """Whose the ids are, and which."""
    found = bg.rows("select source, external_id from bg.webhook_identities order by 2, 1")
    return [(source, external_id) for source, external_id in found]


def test_events_of_the_first_source_mean_whom_exports_have_called_so_before(
    imported: Command,
) -> None:
    bg = imported
    done = bg(*ADD)
    assert (done.code, SAID in done.err) == (0, True)
    assert ids(bg) == [("hs", "70"), ("hs", "901"), ("hs", "902")]
    # With another source beside it nobody is erased by an id that is ours alone.
    told.source(bg.engine, "other")
    assert told.one(bg.engine, "person.erased", {"id": "901"}, by="hs") == told.APPLIED
    assert (
        told.one(bg.engine, "person.deleted", {"id": "902"}, by="hs", seconds=1e8)[0] == "applied"
    )
    assert bg.rows("select name, email from bg.people where deleted_at is null") == []
    assert bg.value("select count(*) from bg.people where name = 'Ann Smith'") == 0
    again = bg.json("import", "people", bg.folder / "hubspot.csv", code=0)
    assert (again["source"], again["inserted"], again["rejected"]) == ("hs", 0, 1)


def test_a_second_source_of_the_scheme_takes_nothing_nor_does_one_that_signs_by_itself(
    imported: Command,
) -> None:
    bg = imported
    before = ids(bg)
    for name, scheme in (("plainly", "plain"), ("pipe", "pipedrive")):
        assert "exports are" not in bg("webhook", "add-source", name, "--scheme", scheme).err
    told.source(bg.engine, "former", scheme="hubspot")
    assert "exports are" not in bg(*ADD).err
    assert ids(bg) == before


def test_a_source_that_is_called_as_the_system_keeps_its_ids(imported: Command) -> None:
    bg = imported
    before = ids(bg)
    bg("webhook", "add-source", "hubspot", "--scheme", "plain")
    assert "exports are" not in bg(*ADD).err
    assert ids(bg) == before


def test_who_was_erased_stays_so_whichever_of_the_names_says_it(imported: Command) -> None:
    bg = imported
    told.source(bg.engine, "crm")
    ann = bg.value("select id from bg.people where name = 'Ann Smith'")
    assert told.one(bg.engine, "person.erased", {"id": ann}) == told.APPLIED
    assert SAID in bg(*ADD).err
    assert ("hs", "901") in ids(bg)
    became, why = told.one(bg.engine, "person.changed", {"id": "901"}, by="hs", changes={})
    assert became == "dead", why
    again = bg.json("import", "people", bg.folder / "hubspot.csv")
    assert (again["inserted"], again["rejected"]) == (0, 1)


def test_what_the_source_has_called_somebody_itself_stays_and_is_told(imported: Command) -> None:
    bg = imported
    bob = bg.value("select id from bg.people where name = 'Bob Ng'")
    bg.execute(
        "insert into bg.webhook_identities (source, kind, external_id, our_id) values "
        "('hs', 'person', '901', ''), ('hs', 'person', '902', :bob)",
        bob=bob,
    )
    done = bg(*ADD)
    assert "ids of 0 people and 1 companies" in done.err
    assert "1 ids of HubSpot's exports are not: this source has called others so" in done.err
    assert ids(bg) == [("hs", "70"), ("hs", "901"), ("hubspot", "901"), ("hs", "902")]
    assert bg.value("select count from bg.audit_log where action = 'webhook_source.adopted'") == 1


def test_ids_of_an_import_that_is_under_way_are_the_source_s_too(engine: sa.Engine) -> None:
    waited = list[str]()

    def add() -> Adopted:
        with engine.begin() as conn:
            told.source(conn, "hs", scheme="hubspot")
            said = waited.append
            return adopting.adopt(conn, "hs", "hubspot", "tester", lambda: said("waiting"))

    with engine.connect() as conn, ThreadPoolExecutor(1) as pool:
        locks.share(conn, Lock.SOURCES)
        conn.exec_driver_sql(
            "insert into bg.webhook_identities (source, kind, external_id, our_id) "
            "values ('hubspot', 'person', '901', 'ann')"
        )
        adding = pool.submit(add)
        until = time.monotonic() + 30
        waiting = (
            "select count(*) from pg_locks where locktype = 'advisory' and not granted and "
            "database = (select oid from pg_database where datname = current_database())"
        )
        while not value(engine, waiting):
            assert time.monotonic() < until
            time.sleep(0.01)
        conn.commit()
        assert adding.result(60) == Adopted(people=1)
    assert waited == ["waiting"]
    assert value(engine, "select source from bg.webhook_identities") == "hs"


def test_an_import_keeps_whose_its_ids_are_until_they_are_written(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[bool] = []
    apply = imports.apply

    def look(*args: Any, **options: Any) -> imports.Imported:
        with bg.engine.begin() as conn:
            free.append(locks.try_to_take(conn, Lock.SOURCES))
        return apply(*args, **options)

    monkeypatch.setattr(imports, "apply", look)
    bg.json("import", "people", bg.file("hubspot.csv", HUBSPOT))
    bg.json("import", "people", bg.file("list.csv", LIST))
    assert free == [False, True]


def test_whom_an_erasure_left_behind_is_erased_by_an_event_of_one_s_own(imported: Command) -> None:
    bg = imported
    told.source(bg.engine, "hs", scheme="hubspot")
    assert told.one(bg.engine, "person.erased", {"id": "901"}, by="hs") == told.APPLIED
    ann = bg.value("select id from bg.people where name = 'Ann Smith'")
    told.source(bg.engine, "by-hand")
    became, why = told.one(bg.engine, "person.erased", {"id": ann}, by="by-hand")
    assert (became, "whom the source never told of" in str(why)) == ("dead", True)
    path = bg.file("erase.csv", f"source_id,name,email\n{ann},Ann Smith,ann@acme.com\n")
    assert bg.json("import", "people", path, "--source", "by-hand")["inserted"] == 0
    erased = told.one(bg.engine, "person.erased", {"id": ann}, {}, by="by-hand")
    assert erased == told.APPLIED
    assert bg.rows("select name from bg.people") == [("Bob Ng",)]
    assert bg.json("import", "people", bg.folder / "hubspot.csv", code=0)["rejected"] == 1
