"""Lists without ids imported by several processes at once, and beside providers: nobody twice."""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import psycopg2.errors
import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundPerson, Kind
from bg_assets.storage import database
from bg_assets.storage.enrichment.writing import Settled, write
from bg_assets_tests.cli.command import Command

pytestmark = pytest.mark.slow

HEADER = "First Name,Last Name,Company,Job Title,Email\n"
_COMPANIES = 20


def rows(numbers: range, title: str) -> str:
    """People of different names; a third of them without an address."""
    return "".join(
        f"{_word(number)},Person,Company {number % _COMPANIES} Ltd,{title},"
        f"{'' if number % 3 else f'p{number}@c{number % _COMPANIES}.com'}\n"
        for number in numbers
    )


def _word(number: int) -> str:
    """A name that is no title and no other's spelling."""
    return "Zo" + "".join("bcdfghklmn"[int(digit)] for digit in str(number))


def start(*arguments: object) -> "subprocess.Popen[str]":
    code = "from bg_assets.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*processes: "subprocess.Popen[str]") -> None:
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err


def nobody_is_there_twice(bg: Command, people: int) -> None:
    assert bg.value("select count(*) from bg.people") == people
    assert bg.value("select count(distinct name) from bg.people") == people
    names = "select count(*), count(distinct name) from bg.companies"
    assert bg.rows(names) == [(_COMPANIES, _COMPANIES)]
    lost = "select count(*) from bg.companies where id not in (select company_id from bg.changes)"
    assert bg.value(lost) == 0


@pytest.fixture
def lists(bg: Command) -> tuple[Path, ...]:
    """Three lists that overlap."""
    return (
        bg.file("a.csv", HEADER + rows(range(1000), "Clerk")),
        bg.file("b.csv", HEADER + rows(range(999, 499, -1), "Head") + rows(range(1000, 1200), "X")),
        bg.file("c.csv", HEADER + rows(range(300, 1100), "Buyer")),
    )


def test_overlapping_lists_without_ids_at_once_make_nobody_twice_and_lose_nobody(
    bg: Command, lists: tuple[Path, ...]
) -> None:
    ended(*(start("import", "people", one, "--create-companies") for one in (*lists, lists[0])))
    nobody_is_there_twice(bg, 1200)
    # And by now each of them is known.
    for one in lists:
        assert bg.json("import", "people", one)["inserted"] == 0


def test_a_list_of_a_source_beside_one_without_ids_makes_nobody_twice(
    bg: Command, lists: tuple[Path, ...]
) -> None:
    header, *lines = lists[0].read_text().splitlines()
    of_crm = bg.file(
        "crm.csv",
        f"Contact ID,{header}\n" + "".join(f"{n},{line}\n" for n, line in enumerate(lines)),
    )
    companies = "".join(f"Company {number}\n" for number in range(_COMPANIES))
    ended(
        start("import", "people", of_crm, "--source", "crm", "--create-companies"),
        start("import", "people", lists[1], "--create-companies"),
        start("import", "companies", bg.file("firms.csv", f"Company Name\n{companies}")),
    )
    nobody_is_there_twice(bg, 1200)
    assert bg.value("select count(distinct our_id) from bg.webhook_identities "
                    "where kind = 'person'") == 1000  # fmt: skip


def test_providers_write_beside_an_import_without_a_deadlock_and_make_nobody_twice(
    bg: Command, lists: tuple[Path, ...]
) -> None:
    bg.json("import", "people", lists[0])
    ids = dict(bg.rows("select name, id from bg.companies"))
    by_company: dict[str, list[str]] = {}
    for person, company in bg.rows("select id, company_id from bg.people order by id desc"):
        by_company.setdefault(company, []).append(person)
    over, failed = threading.Event(), list[BaseException]()

    def enrich() -> None:
        number = 0
        try:
            while not over.is_set():
                number += 1
                _write(bg.engine, f"Company {number % _COMPANIES}", ids, by_company, number)
        except BaseException as err:
            failed.append(err)

    enriching = threading.Thread(target=enrich)
    enriching.start()
    try:
        ended(
            start("import", "people", lists[1], "--full-snapshot", "--allow-leavers"),
            start("import", "people", lists[2]),
        )
    finally:
        over.set()
        enriching.join(60)
    assert failed == []
    nobody_is_there_twice(bg, 1200)


def _write(
    engine: sa.Engine, name: str, ids: dict[str, str], people: dict[str, list[str]], number: int
) -> None:
    """What a provider may say: a title of everybody, and somebody of whom a list tells too."""
    company = CompanyAsked(ids[f"{name} Ltd"], name, None)
    now = datetime.now(UTC)
    seen = [
        Settled(Kind.PERSON, "pdl", "found", 60, one,
                person=FoundPerson(title=f"T{number}", employed_there=True, observed_at=now))
        for one in people[company.id]
    ]  # fmt: skip
    at = 1000 + number % 200
    somebody = FoundPerson(
        name=f"{_word(at)} Person", title="New", employed_there=True, observed_at=now
    )
    if f"Company {at % _COMPANIES}" == name:
        seen.append(Settled(Kind.DISCOVERY, "pdl", "found", 60, others=(somebody,)))
    try:
        database.in_transaction(engine, lambda conn: write(conn, company, seen))
    except sa.exc.OperationalError as err:
        # The import holds them for longer than a provider's answer waits: it comes again.
        if not isinstance(err.orig, psycopg2.errors.LockNotAvailable):
            raise
