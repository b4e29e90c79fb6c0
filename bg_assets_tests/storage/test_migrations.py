"""What migrations make of what was stored before: a blocker that had another name says blocker."""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import group, insert, rows, run

REASONS = {
    "a": ("blocker", ["gatekeeper: pinned by hand", "gatekeeper: legal at level head"]),
    "b": ("blocker", ["blocker: legal", "title read with 90 %: 'Head gatekeeper: Doors'"]),
    "c": ("champion", ["potential champion: finance", "gatekeeper: a title"]),
}
GAPS = [
    ("blocker", "no further gatekeeper in legal found: of 4 in legal 2 are gatekeepers already"),
    ("champion", "no potential champion in finance found: the one in finance is the gatekeeper"),
    (None, "the pin of gatekeeper is suspended: not on the staff (pinned as gatekeeper)"),
    (None, "the pin of gatekeeper-2 is suspended: not on the staff"),
]


@pytest.fixture
def older(postgres: Cluster) -> Iterator[sa.Engine]:
    """A database with a group from before the change of the name, and one without any gap."""
    url = postgres.clone("template0")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        run(conn, "create schema bg")
        told.upgrade(conn, "0007")
    for company_id, members in (("acme", {who: role for who, (role, _) in REASONS.items()}),
                                ("bolt", {"z": "blocker"})):  # fmt: skip
        insert(engine, "bg.companies", id=company_id, name="Company")
        group(engine, company_id, members)
    gaps = [{"role": role, "function": "f", "reason": reason} for role, reason in GAPS]
    run(engine, "update bg.buyer_groups set gaps = cast(:gaps as jsonb) where company_id = 'acme'",
        gaps=json.dumps(gaps))  # fmt: skip
    for who, (_, reasons) in REASONS.items():
        run(engine, "update bg.buyer_group_members set reasons = cast(:reasons as jsonb) "
            "where person_id = :who", who=who, reasons=json.dumps(reasons))  # fmt: skip
    yield engine
    postgres.drop(url)


def test_stored_reasons_and_gaps_say_blocker_after_the_migration(older: sa.Engine) -> None:
    before = rows(older, "select * from bg.buyer_groups where company_id = 'bolt'")
    with older.begin() as conn:
        told.upgrade(conn, "0009")
    found = rows(
        older,
        "select person_id, reasons from bg.buyer_group_members where company_id = 'acme'",
    )
    assert {row["person_id"]: row["reasons"] for row in found} == {
        "a": ["blocker: pinned by hand", "blocker: legal at level head"],
        "b": REASONS["b"][1],
        "c": REASONS["c"][1],
    }
    (group,) = rows(older, "select gaps from bg.buyer_groups where company_id = 'acme'")
    assert [(gap["role"], gap["function"], gap["reason"]) for gap in group["gaps"]] == [
        ("blocker", "f",
         "no further blocker in legal found: of 4 in legal 2 are blockers already"),
        ("champion", "f",
         "no potential champion in finance found: the one in finance is the blocker"),
        (None, "f", "the pin of gatekeeper is suspended: not on the staff (pinned as blocker)"),
        (None, "f", "the pin of gatekeeper-2 is suspended: not on the staff"),
    ]  # fmt: skip
    assert rows(older, "select * from bg.buyer_groups where company_id = 'bolt'") == before
