"""What a provider saw becomes people and companies, as what any other writer wrote does."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2.errors
import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundCompany, FoundPerson, Kind
from bg_assets.storage import database
from bg_assets.storage.enrichment.writing import Settled, Written, write
from bg_assets.tracing import spans
from bg_assets_tests.storage.rows import company, forget_changes, insert, rows, run, value
from bg_assets_tests.tracing import sending

ACME = CompanyAsked("acme", "Company acme", "acme.com")
SEEN = datetime.now(UTC) - timedelta(days=10)
LATER, EARLIER = SEEN + timedelta(days=5), SEEN - timedelta(days=5)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """The engine of the real thing, with a company of two people."""
    made = database.make_engine(database_url, pool_size=4)
    company(made, "acme", ["ada", "bo"])
    run(made, "update bg.people set observed_at = :at", at=SEEN)
    forget_changes(made)
    yield made
    made.dispose()


def person(who: str, **values: Any) -> Settled:
    found = FoundPerson(**{"employed_there": True, "observed_at": LATER, **values})
    return Settled(Kind.PERSON, "pdl", "found", 60, who, person=found)


def others(*found: FoundPerson, provider: str = "pdl") -> Settled:
    return Settled(Kind.DISCOVERY, provider, "found", 60, others=found)


def somebody(name: str = "Eva Lund", **values: Any) -> FoundPerson:
    told = {"name": name, "title": "CFO", "employed_there": True, "observed_at": LATER, **values}
    return FoundPerson(**told)


def written(engine: sa.Engine, *answers: Settled) -> Written:
    found = database.in_transaction(engine, lambda conn: write(conn, ACME, answers))
    assert found is not None
    return found


def of(engine: sa.Engine, who: str) -> dict[str, Any]:
    (row,) = rows(engine, "select * from bg.people where id = :id", id=who)
    return row


def changes(engine: sa.Engine) -> list[tuple[Any, ...]]:
    found = rows(engine, "select person_id, kind, source from bg.changes order by id")
    return [tuple(row.values()) for row in found]


def test_an_observation_is_a_change_by_its_provider_with_the_provider_s_time(
    engine: sa.Engine,
) -> None:
    done = written(engine, person("ada", title="CEO", email="ada@acme.com"))
    row = of(engine, "ada")
    assert (row["title"], row["email"], row["observed_at"]) == ("CEO", "ada@acme.com", LATER)
    assert changes(engine) == [("ada", "role_change", "provider:pdl")]
    assert done.people == {"ada": ("title", "email")}


def test_who_left_is_a_departure(engine: sa.Engine) -> None:
    written(engine, person("ada", employed_there=False))
    assert of(engine, "ada")["status"] == "left"
    assert changes(engine) == [("ada", "person_left", "provider:pdl")]


def test_what_a_human_or_an_import_wrote_since_stands(engine: sa.Engine) -> None:
    run(engine, "update bg.people set title = 'Head of Finance' where id = 'ada'")
    forget_changes(engine)
    done = written(engine, person("ada", title="CEO", email="ada@acme.com"))
    assert of(engine, "ada")["title"] == "Head of Finance"
    assert of(engine, "ada")["email"] == "ada@acme.com"
    assert done.kept == [("ada", "title: ours is newer")]


def test_the_same_again_changes_nothing_but_when_it_was_seen(engine: sa.Engine) -> None:
    done = written(engine, person("ada", title="CFO"))
    assert of(engine, "ada")["observed_at"] == LATER
    assert changes(engine) == []
    assert done.confirmed == ["ada"]


def test_who_was_in_doubt_and_is_confirmed_makes_the_group_surer(engine: sa.Engine) -> None:
    found = FoundPerson(title="CFO", employed_there=True, observed_at=LATER)
    sure = [
        Settled(Kind.PERSON, "pdl", "found", 60, who, person=found, doubted=True)
        for who in ("ada", "bo")
    ]
    written(engine, *sure)
    assert changes(engine) == [(None, "resync", "provider:pdl")]


def test_a_question_that_was_answered_is_noted_until_it_expires(engine: sa.Engine) -> None:
    nobody = Settled(Kind.PERSON, "csv", "not_found", 60, "bo")
    written(engine, person("ada", title="CEO"), nobody)
    found = rows(
        engine,
        "select kind, person_id, provider, outcome from bg.enrichments "
        "where expires_at > now() + interval '50 seconds' order by person_id",
    )
    assert [tuple(row.values()) for row in found] == [
        ("person", "ada", "pdl", "found"), ("person", "bo", "csv", "not_found"),
    ]  # fmt: skip


def test_each_change_names_the_provider_that_saw_it(engine: sa.Engine) -> None:
    other = FoundPerson(title="CEO", employed_there=True, observed_at=LATER)
    written(
        engine, person("ada", title="CEO"),
        Settled(Kind.PERSON, "csv", "found", 60, "bo", person=other),
    )  # fmt: skip
    assert [source for _, _, source in changes(engine)] == ["provider:pdl", "provider:csv"]


def test_who_moved_away_or_was_deleted_meanwhile_is_left_alone(engine: sa.Engine) -> None:
    company(engine, "bolt")
    run(engine, "update bg.people set company_id = 'bolt' where id = 'ada'")
    run(engine, "delete from bg.people where id = 'bo'")
    forget_changes(engine)
    done = written(engine, person("ada", title="CEO"), person("bo", title="CEO"))
    assert of(engine, "ada")["title"] == "CFO"
    assert [who for who, _ in done.refused] == ["ada", "bo"]
    assert changes(engine) == []


def test_a_company_that_is_no_longer_tracked_is_left_alone(engine: sa.Engine) -> None:
    run(engine, "update bg.companies set deleted_at = now()")
    with engine.begin() as conn:
        assert write(conn, ACME, [person("ada", title="CEO"), others(somebody())]) is None
    assert value(engine, "select count(*) from bg.enrichments") == 0


def test_somebody_new_gets_an_id_that_tells_nothing_of_them(engine: sa.Engine) -> None:
    found = somebody(email="eva@acme.com", key="k1", start_date=date(2020, 5, 1))
    done = written(engine, others(found))
    (who,) = done.created
    row = of(engine, who)
    assert (row["name"], row["company_id"], row["status"]) == ("Eva Lund", "acme", "active")
    assert (row["start_date"], row["observed_at"]) == (date(2020, 5, 1), LATER)
    assert "eva" not in who.lower()
    assert "lund" not in who.lower()
    assert changes(engine) == [(who, "person_joined", "provider:pdl")]


def test_who_was_seen_at_no_known_time_stays_without_one(engine: sa.Engine) -> None:
    (who,) = written(engine, others(somebody(observed_at=None))).created
    assert of(engine, who)["observed_at"] is None


def test_nobody_is_made_twice_whom_the_provider_has_an_id_for(engine: sa.Engine) -> None:
    (who,) = written(engine, others(somebody(key="k1"))).created
    again = somebody("Eva B. Lund", key="k1", title="CEO", observed_at=datetime.now(UTC))
    done = written(engine, others(again))
    assert done.created == []
    assert of(engine, who)["title"] == "CEO"


def test_nobody_is_made_twice_whose_id_a_file_of_ours_tells(engine: sa.Engine) -> None:
    done = written(engine, others(somebody(key="ada", title="CEO"), provider="csv"))
    assert (done.created, of(engine, "ada")["title"]) == ([], "CEO")


def test_who_has_an_address_here_and_another_name_is_left_alone(engine: sa.Engine) -> None:
    """A mailbox may be handed on."""
    run(engine, "update bg.people set email = 'cfo@acme.com', name = 'Ivo Andric' where id = 'ada'")
    forget_changes(engine)
    now = datetime.now(UTC)
    done = written(engine, others(somebody(email="cfo@acme.com", title="CEO", observed_at=now)))
    assert (done.created, done.refused) == ([], [("ada", "the name is another")])
    assert changes(engine) == []


def test_nobody_is_made_twice_who_has_an_address_here(engine: sa.Engine) -> None:
    run(engine, "update bg.people set email = 'Eva@acme.com', observed_at = null where id = 'ada'")
    forget_changes(engine)
    done = written(engine, others(somebody(email="eva@ACME.com", title="CEO")))
    assert done.created == []
    assert (of(engine, "ada")["title"], of(engine, "ada")["name"]) == ("CEO", "Eva Lund")


def test_somebody_of_a_name_that_is_there_is_neither_made_nor_taken_for_them(
    engine: sa.Engine,
) -> None:
    run(engine, "update bg.people set name = 'Éva LUND' where id = 'ada'")
    forget_changes(engine)
    done = written(engine, others(somebody(title="CEO", key="k1")))
    assert (done.created, changes(engine)) == ([], [])
    assert done.refused == [("", "not taken in: somebody of that name is there already")]


def test_two_of_one_answer_who_are_the_same_are_made_once(engine: sa.Engine) -> None:
    twins = (somebody(email="eva@acme.com", key="a"), somebody(email="EVA@acme.com", key="b"))
    assert len(written(engine, others(*twins)).created) == 1


def test_an_address_of_somebody_at_another_company_is_given_to_nobody(engine: sa.Engine) -> None:
    company(engine, "bolt")
    insert(engine, "bg.people", id="cy", company_id="bolt", email="eva@acme.com")
    forget_changes(engine)
    done = written(
        engine, person("ada", email="eva@acme.com"), others(somebody(email="eva@acme.com"))
    )
    assert of(engine, "ada")["email"] is None
    assert done.created == []
    assert changes(engine) == []


def test_an_unknown_size_is_filled_and_a_known_one_is_kept(engine: sa.Engine) -> None:
    found = FoundCompany(employee_min=51, employee_max=200, domain="acme.com", observed_at=EARLIER)
    done = written(engine, Settled(Kind.COMPANY, "pdl", "found", 60, company=found))
    assert done.company == ("domain", "employee_min", "employee_max")
    assert changes(engine) == [(None, "company_profile_change", "provider:pdl")]
    other = FoundCompany(employee_min=1, employee_max=10, observed_at=EARLIER)
    done = written(engine, Settled(Kind.COMPANY, "csv", "found", 60, company=other))
    assert (done.company, done.kept) == ((), [("", "size: ours is newer")])
    assert value(engine, "select employee_max from bg.companies") == 200


@pytest.mark.parametrize("odd", ["\x00", "half \ud800", "x" * 5000, "a\nb", "\u202e"])
def test_what_no_database_takes_is_left_out_and_the_rest_is_written(
    engine: sa.Engine, odd: str
) -> None:
    told = somebody(key=odd, email=odd, department=odd, location="Oslo")
    (who,) = written(engine, person("ada", email=odd, title="CEO"), others(told)).created
    assert (of(engine, who)["location"], of(engine, who)["email"]) == ("Oslo", None)
    assert of(engine, "ada")["title"] == "CEO"


def test_pins_and_exclusions_stand(engine: sa.Engine) -> None:
    insert(
        engine, "bg.member_overrides", company_id="acme", product="finance_system",
        person_id="ada", action="exclude", by="me", reason="I know",
    )  # fmt: skip
    written(engine, person("ada", title="CEO", email="ada@acme.com"))
    assert value(engine, "select count(*) from bg.member_overrides where removed_at is null") == 1


def test_an_event_that_is_applied_meanwhile_wins_by_its_time(
    engine: sa.Engine,
) -> None:
    """The provider's word waits for the row, and then finds that it is old."""
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            run(conn, "update bg.people set title = 'COO', observed_at = now() where id = 'ada'")
            late = pool.submit(written, engine, person("ada", title="CEO"))
            _wait_for_a_waiter(engine)
        assert late.result().kept == [("ada", "title: ours is newer")]
    assert of(engine, "ada")["title"] == "COO"


def test_who_keeps_rows_for_long_is_let_be_and_nothing_is_written(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        conn.execute(sa.text("select from bg.people where id = 'bo' for update"))
        with pytest.raises(sa.exc.OperationalError) as caught:
            written(engine, person("ada", title="CEO"), person("bo", title="CEO"))
    assert isinstance(caught.value.orig, psycopg2.errors.LockNotAvailable)
    assert changes(engine) == []
    assert value(engine, "select count(*) from bg.enrichments") == 0


def test_what_was_seen_is_in_the_trace_of_who_asked(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(engine, person("bo", title="Cook"))
    with sending.to_collector(monkeypatch), spans.span("enriched_people") as asking:
        written(engine, person("ada", title="CEO"))
    found = rows(engine, "select person_id, trace_id from bg.changes order by id")
    assert found == [
        {"person_id": "bo", "trace_id": None},
        {"person_id": "ada", "trace_id": asking.traceparent},
    ]


def test_two_who_find_the_same_person_at_once_make_one(engine: sa.Engine) -> None:
    """Without a lock of the company each looks before the other has written."""
    gate = threading.Barrier(4)

    def find(_: int) -> list[str]:
        gate.wait()
        return written(engine, others(somebody(email="eva@acme.com"))).created

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(find, range(4)))
    assert sum(len(created) for created in made) == 1


def _wait_for_a_waiter(engine: sa.Engine) -> None:
    """Until another session waits for a lock."""
    found = 0
    while not found:
        found = value(
            engine,
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
            "and datname = current_database()",
        )
