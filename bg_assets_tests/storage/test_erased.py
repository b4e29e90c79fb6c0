"""Who was erased before digests of them were kept."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage import audit
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import insert, rows, run, value


@pytest.fixture
def older(postgres: Cluster) -> Iterator[sa.Engine]:
    """A database of before, in which the crm's 17 was erased, whom another source calls x."""
    url = postgres.clone("template0")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        run(conn, "create schema bg")
        told.upgrade(conn, "0025")
        audit.record(conn, "webhook", "person.erased", "p-17")
        audit.record(conn, "webhook", "person.merged", "p-18")
    for source, theirs, ours in (("crm", "17", ""), ("other", "x", "p-17"), ("other", "y", "p-19")):
        insert(engine, "bg.webhook_identities", source=source, kind="person", external_id=theirs,
               our_id=ours)  # fmt: skip
    yield engine
    postgres.drop(url)


def test_who_was_erased_before_digests_were_kept_stays_erased(older: sa.Engine) -> None:
    with older.begin() as conn:
        told.upgrade(conn, "0028")
    known = "select digest = sha256((select salt from bg.erasure_salt) || " \
        "convert_to('id p-17', 'UTF8')) from bg.erased_people"  # fmt: skip
    assert value(older, known) is True
    found = rows(older, "select external_id, our_id from bg.webhook_identities")
    assert {row["external_id"]: row["our_id"] for row in found} == {"17": "", "x": "", "y": "p-19"}
