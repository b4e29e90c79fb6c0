"""Who was erased while their table was detached is named when it is attached again."""

import pytest

from bg_assets.storage import claims
from bg_assets.storage.webhooks import dead
from bg_assets_tests.cli.command import Command
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import RAILS
from bg_assets_tests.storage.attach.telling import tell
from bg_assets_tests.storage.told import APPLIED

ATTACH = ("attach", "people", "--table", "app.people")


@pytest.mark.parametrize(("called", "others"), [("crm-1", True), ("1", False)])
def test_who_was_erased_meanwhile_and_stands_there_is_counted_and_to_be_deleted_there(
    bg: Command, called: str, others: bool
) -> None:
    """By an identity that the source gave, or by the table's own id where there is one source."""
    shapes.make(bg.engine, RAILS)
    shapes.attach_both(bg.engine, RAILS)
    told.source(bg.engine, "crm", may_create=True)
    if others:
        told.source(bg.engine, "erp")
        bg.execute("insert into bg.webhook_identities (kind, source, external_id, our_id) "
                   f"values ('person', 'crm', '{called}', '1')")  # fmt: skip
    clean = bg(*ATTACH, "--dry-run")
    status, _ = tell(bg.engine, "person.erased", {"id": called, "name": "Ada A"}, RAILS)
    bg("detach", "people")
    with bg.engine.begin() as conn:
        dead.replay(conn, None, None, claims.database_now(conn), "tester")
    told.apply(bg.engine)
    dry, done = bg(*ATTACH, "--dry-run"), bg(*ATTACH)

    assert status == "dead"
    assert bg.value("select status from bg.webhook_events") == APPLIED[0]
    assert "erased" not in clean.out
    said = "1 person there was erased here, and counts again once this is attached: delete them " \
        "from app.people: 1"  # fmt: skip
    assert said in dry.out.splitlines()
    assert said in done.out.splitlines()
    bg.execute("delete from app.people where id = 1")
    assert bg.json(*ATTACH)["erased"] == []


def test_a_source_that_erases_whom_nobody_knows_tells_nothing_of_others_of_that_id(
    bg: Command,
) -> None:
    shapes.make(bg.engine, RAILS)
    for name in ("crm", "erp"):
        told.source(bg.engine, name)
    assert tell(bg.engine, "person.erased", {"id": "1", "name": "X"}, RAILS) == APPLIED
    assert bg.json(*ATTACH)["erased"] == []
