"""Sources of webhooks: which secrets count, what rotation keeps, and one bucket for all."""

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets import encryption
from bg_assets.encryption import Keys
from bg_assets.storage.webhooks import listing, sources
from bg_assets.storage.webhooks.sources import Source

KEY = encryption.new_key()
KEYS = Keys((KEY,))
CRM = Source("crm", "plain", "default", False, (), 100.0, 10)
DAY = timedelta(days=1)


def secret(number: int) -> str:
    """Some secret of the plain scheme."""
    return f"a secret of the plain scheme {number}"


@pytest.fixture
def conn(engine: sa.Engine) -> Any:
    """A connection that commits by itself, with the source `crm` and its secret 1."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as made:
        sources.add_source(made, KEYS, CRM, secret(1), "tester")
        yield made


def valid(conn: sa.Connection) -> list[str]:
    """The secrets of `crm` that count, newest first."""
    return [one.text for one in sources.read_sources(conn, KEYS)["crm"].secrets]


def test_a_source_is_read_as_it_was_added(conn: sa.Connection) -> None:
    other = Source("billing", "standard", "north", True, ("10.0.0.0/8", "::1/128"), 2.5, 7)
    sources.add_source(conn, KEYS, other, "whsec_" + "a" * 44, "tester")
    read = sources.read_sources(conn, KEYS)
    assert list(read) == ["billing", "crm"]
    found = read["billing"]
    assert (found.scheme, found.workspace, found.may_create) == ("standard", "north", True)
    assert (found.networks, found.per_second, found.burst) == (("10.0.0.0/8", "::1/128"), 2.5, 7)
    assert [(one.text, one.expires_at) for one in found.secrets] == [("whsec_" + "a" * 44, None)]


def test_a_secret_is_stored_encrypted_and_shown_by_nothing(conn: sa.Connection) -> None:
    stored = bytes(conn.execute(sa.text("select secret from bg.webhook_secrets")).scalar_one())
    assert secret(1).encode() not in stored
    assert secret(1) not in repr(sources.read_sources(conn, KEYS))
    assert secret(1) not in repr(listing.list_sources(conn))
    assert secret(1) not in str(conn.execute(sa.text("select * from bg.audit_log")).all())


def test_a_rotated_secret_counts_until_its_end(conn: sa.Connection) -> None:
    assert sources.rotate(conn, KEYS, "crm", secret(2), DAY, "tester") == 1
    assert valid(conn) == [secret(2), secret(1)]
    ends = [one.expires_at for one in sources.read_sources(conn, KEYS)["crm"].secrets]
    assert ends[0] is None
    assert ends[1] is not None
    now = conn.execute(sa.text("select clock_timestamp()")).scalar_one()
    assert timedelta(0) <= now + DAY - ends[1] < timedelta(minutes=1)
    conn.execute(
        sa.text("update bg.webhook_secrets set expires_at = now() where expires_at is not null")
    )
    assert valid(conn) == [secret(2)]


def test_a_rotation_shortens_what_is_left_and_lengthens_nothing(conn: sa.Connection) -> None:
    sources.rotate(conn, KEYS, "crm", secret(2), timedelta(hours=1), "tester")
    (first_end,) = conn.execute(
        sa.text("select expires_at from bg.webhook_secrets order by id limit 1")
    ).scalars()
    sources.rotate(conn, KEYS, "crm", secret(3), DAY, "tester")
    ends = conn.execute(sa.text("select expires_at from bg.webhook_secrets order by id")).scalars()
    first, second, third = ends.all()
    assert first == first_end < second
    assert third is None
    assert sources.rotate(conn, KEYS, "crm", secret(4), timedelta(0), "tester") == 0
    assert valid(conn) == [secret(4)]


def test_the_secret_that_a_source_has_is_no_new_one(conn: sa.Connection) -> None:
    with pytest.raises(sources.SecretInUse):
        sources.rotate(conn, KEYS, "crm", secret(1), DAY, "tester")
    assert valid(conn) == [secret(1)]


def test_a_revoked_source_is_not_read_and_can_be_added_again(conn: sa.Connection) -> None:
    with pytest.raises(sources.SourceExists):
        sources.add_source(conn, KEYS, CRM, secret(2), "tester")
    assert len(sources.revoke(conn, "crm", "tester")) == 1
    assert sources.read_sources(conn, KEYS) == {}
    for refused in (
        lambda: sources.revoke(conn, "crm", "tester"),
        lambda: sources.rotate(conn, KEYS, "crm", secret(2), DAY, "tester"),
        lambda: sources.revoke(conn, "nobody", "tester"),
    ):
        with pytest.raises(sources.NoSuchSource):
            refused()
    assert sources.add_source(conn, KEYS, CRM, secret(3), "tester")
    assert valid(conn) == [secret(3)]


def test_one_secret_can_be_revoked_and_its_source_lives_on(conn: sa.Connection) -> None:
    sources.rotate(conn, KEYS, "crm", secret(2), DAY, "tester")
    newest, oldest = (one.id for one in listing.list_sources(conn)[0].secrets)
    assert sources.revoke(conn, "crm", "tester", oldest) == [oldest]
    assert valid(conn) == [secret(2)]
    with pytest.raises(sources.NoSuchSource):
        sources.revoke(conn, "crm", "tester", oldest)
    sources.revoke(conn, "crm", "tester", newest)
    assert sources.read_sources(conn, KEYS)["crm"].secrets == ()
    assert [one.valid for one in listing.list_sources(conn)[0].secrets] == [False, False]


def test_a_secret_that_no_key_opens_is_left_out_and_told_of_once(
    conn: sa.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    newer = Keys((encryption.new_key(), KEY))
    sources.rotate(conn, newer, "crm", secret(2), DAY, "tester")
    mine = Keys((KEY,))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            (found,) = sources.read_sources(conn, mine)["crm"].secrets
            assert found.text == secret(1)
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith("secret_unreadable source=crm ")
    assert secret(2) not in caplog.text


def test_every_change_of_a_source_is_in_the_audit_log(conn: sa.Connection) -> None:
    sources.rotate(conn, KEYS, "crm", secret(2), DAY, "tester")
    newest, _ = (one.id for one in listing.list_sources(conn)[0].secrets)
    sources.revoke(conn, "crm", "tester", newest)
    sources.revoke(conn, "crm", "tester")
    log = conn.execute(sa.text("select actor, action, subject from bg.audit_log order by id")).all()
    assert [row.action for row in log] == [
        "webhook_source.added",
        "webhook_source.rotated",
        "webhook_secret.revoked",
        "webhook_source.revoked",
    ]
    assert {(row.actor, row.subject) for row in log} == {("tester", "crm")}


def test_a_bucket_gives_its_burst_and_then_what_flows_in(conn: sa.Connection) -> None:
    slow = Source("crm", "plain", "default", False, (), 0.01, 10)
    assert sources.take_tokens(conn, slow, 4) == (4, 0.0)
    granted, wait = sources.take_tokens(conn, slow, 10)
    assert granted == 6
    assert 0 < wait <= 100
    granted, wait = sources.take_tokens(conn, slow, 1)
    assert granted == 0
    assert 0 < wait <= 100
    conn.execute(
        sa.text("update bg.webhook_buckets set filled_at = filled_at - interval '301 seconds'")
    )
    granted, wait = sources.take_tokens(conn, slow, 10)
    assert granted == 3
    conn.execute(sa.text("update bg.webhook_buckets set filled_at = now() - interval '10 days'"))
    assert sources.take_tokens(conn, slow, 100)[0] == 10


def test_a_clock_that_went_back_gives_nothing_away(conn: sa.Connection) -> None:
    slow = Source("crm", "plain", "default", False, (), 0.01, 10)
    sources.take_tokens(conn, slow, 10)
    conn.execute(sa.text("update bg.webhook_buckets set filled_at = now() + interval '1 hour'"))
    assert sources.take_tokens(conn, slow, 1)[0] == 0


def test_many_takers_at_once_get_no_more_than_the_bucket_holds(
    engine: sa.Engine, conn: sa.Connection
) -> None:
    slow = Source("crm", "plain", "default", False, (), 0.001, 50)
    granted: list[int] = []

    def take() -> None:
        for _ in range(10):
            with engine.begin() as mine:
                granted.append(sources.take_tokens(mine, slow, 2)[0])

    threads = [threading.Thread(target=take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 50
