"""People whom a provider finds without being asked for, and who must not be made."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg2.errors
import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundPerson, Kind
from bg_assets.storage import database, erased, locks
from bg_assets.storage.enrichment.writing import Settled, Written, write
from bg_assets.storage.locks import Lock
from bg_assets_tests.storage.rows import company, insert, run, value

ACME = CompanyAsked("acme", "Company acme", "acme.com")


def answer(name: str, email: str | None = None) -> Settled:
    somebody = FoundPerson(
        name=name, title="CFO", email=email, employed_there=True,
        observed_at=datetime.now(UTC) - timedelta(days=1),
    )  # fmt: skip
    return Settled(Kind.DISCOVERY, "pdl", "found", 60, others=(somebody,))


def written(engine: sa.Engine, *answers: Settled) -> Written:
    done = database.in_transaction(engine, lambda conn: write(conn, ACME, answers))
    assert done is not None
    return done


@pytest.mark.parametrize(
    ("name", "email", "made"),
    [("LUND, Eva", None, 0), ("Somebody Else", "Eva@acme.com", 0), ("Eva Roe", "er@acme.com", 1)],
)
def test_a_provider_does_not_bring_back_who_was_erased(
    engine: sa.Engine, name: str, email: str | None, made: int
) -> None:
    company(engine, "acme", ["ada"])
    insert(engine, "bg.people", id="eva", company_id="acme", name="Eva Lund", email="eva@acme.com")
    with engine.begin() as conn:
        erased.remember(conn, ["eva"])
    run(engine, "delete from bg.people where id = 'eva'")
    done = written(engine, answer(name, email))
    assert len(done.created) == made
    assert [why for _, why in done.refused] == ["not taken in: was erased here"] * (1 - made)


def test_somebody_new_is_not_made_while_an_import_looks_for_whom_its_rows_mean(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ada"])
    with ThreadPoolExecutor(1) as pool, engine.begin() as conn:
        locks.take(conn, Lock.IMPORT)
        waiting = pool.submit(written, engine, answer("Eva Lund"))
        with pytest.raises(sa.exc.OperationalError) as caught:
            waiting.result(30)
        assert isinstance(caught.value.orig, psycopg2.errors.LockNotAvailable)
        # What is about people who are there goes on.
        ada = FoundPerson(title="CEO", employed_there=True, observed_at=datetime.now(UTC))
        written(engine, Settled(Kind.PERSON, "pdl", "found", 60, "ada", person=ada))
    assert value(engine, "select title from bg.people where id = 'ada'") == "CEO"
    assert len(written(engine, answer("Eva Lund")).created) == 1
