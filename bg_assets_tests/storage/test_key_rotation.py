"""Rotating keys: everything is readable at every moment, whoever writes, applies or kills."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets import encryption, settings
from bg_assets.encryption import Keys
from bg_assets.settings import Settings
from bg_assets.storage import key_rotation
from bg_assets.storage.key_rotation import Rotated
from bg_assets.storage.webhooks import sources as webhook_sources
from bg_assets.storage.webhooks.sources import Source
from bg_assets_tests.storage.rows import rows

SECRET = "a secret of the plain scheme"
ROTATE = """
import sys
import sqlalchemy as sa
from bg_assets import settings
from bg_assets.storage import key_rotation
engine = sa.create_engine(sys.argv[1])
config = settings.read({"BG_HOME": sys.argv[2]})
key_rotation._BATCH_ROWS = 20
key_rotation.rotate(engine, config, "tester", lambda done, total: print(done, flush=True))
"""
_ADD = sa.text("""
    insert into bg.webhook_events (source, event_id, type, occurred_at, payload)
    select 'crm', id, 'person.left', now(), payload
    from unnest(cast(:ids as text[]), cast(:payloads as bytea[])) as e (id, payload)
""")


@pytest.fixture
def config(tmp_path: Path) -> Settings:
    """The embedded default: keys in a file."""
    return settings.read({"BG_HOME": str(tmp_path)})


def add(engine: sa.Engine, opener: Keys, *ids: str, size: int = 20) -> None:
    """Events whose payloads are their ids, repeated."""
    payloads = [opener.encrypt(one.encode() * size) for one in ids]
    with engine.begin() as conn:
        conn.execute(_ADD, {"ids": list(ids), "payloads": payloads})


def add_source(engine: sa.Engine, opener: Keys) -> None:
    """The source `crm` with its secret."""
    crm = Source("crm", "plain", "default", False, (), 1, 1)
    with engine.begin() as conn:
        webhook_sources.add_source(conn, opener, crm, SECRET, "tester")


def assert_readable(engine: sa.Engine, opener: Keys, size: int = 20) -> int:
    """All payloads and secrets are what they were; returns the number of payloads."""
    with engine.begin() as conn:
        found = conn.execute(sa.text("select event_id, payload from bg.webhook_events")).all()
        sources = webhook_sources.read_sources(conn, opener)
    for event_id, payload in found:
        assert opener.decrypt(bytes(payload)) == event_id.encode() * size
    assert [one.text for source in sources.values() for one in source.secrets] == [SECRET]
    return len(found)


def rotate(engine: sa.Engine, config: Settings, progress: Callable[[int, int], None]) -> Rotated:
    """Rotate."""
    return key_rotation.rotate(engine, config, "tester", progress)


def test_a_rotation_leaves_the_new_key_and_the_one_before_it_and_needs_only_the_new(
    engine: sa.Engine, config: Settings
) -> None:
    opener = encryption.load(config)
    path = config.home / "keys"
    first = encryption.read_file(path)
    add_source(engine, opener)
    add(engine, opener, *(f"e-{number}" for number in range(2500)))
    told: list[tuple[int, int]] = []
    done = rotate(engine, config, lambda now, total: told.append((now, total)))
    assert done == Rotated(1, 2500, 0, 0)
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]
    newest, before = encryption.read_file(path)
    assert (before,) == first
    assert assert_readable(engine, Keys((newest,))) == 2500
    assert path.stat().st_mode & 0o777 == 0o600
    rotate(engine, config, lambda *_: None)
    assert encryption.read_file(path)[1:] == (newest,)
    assert assert_readable(engine, opener) == 2500


def test_keys_of_the_variable_are_encrypted_anew_with_the_first(
    engine: sa.Engine, tmp_path: Path
) -> None:
    old, new = encryption.new_key(), encryption.new_key()
    add_source(engine, Keys((old,)))
    add(engine, Keys((old,)), "a", "b")
    add(engine, Keys((new,)), "c")
    both = settings.read({"BG_HOME": str(tmp_path), "BG_ENCRYPTION_KEYS": f"{new},{old}"})
    assert rotate(engine, both, lambda *_: None) == Rotated(1, 2, 1, 0)
    assert rotate(engine, both, lambda *_: None) == Rotated(0, 0, 3, 0)
    assert assert_readable(engine, Keys((new,))) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_rotation_is_in_the_audit_log_with_who_did_it_and_how_much_it_was(
    engine: sa.Engine, config: Settings
) -> None:
    opener = encryption.load(config)
    add_source(engine, opener)
    add(engine, opener, "a", "b")
    rotate(engine, config, lambda *_: None)
    (logged,) = rows(engine, "select actor, detail from bg.audit_log where action = 'keys.rotated'")
    assert logged == {"actor": "tester", "detail": {"secrets": 1, "payloads": 2}}


def test_what_no_key_opens_is_counted_and_left_alone(engine: sa.Engine, config: Settings) -> None:
    add_source(engine, encryption.load(config))
    foreign = Keys((encryption.new_key(),))
    add(engine, foreign, "a")
    add(engine, encryption.load(config), "b")
    assert rotate(engine, config, lambda *_: None) == Rotated(1, 1, 0, 1)
    with engine.begin() as conn:
        one = conn.execute(sa.text("select payload from bg.webhook_events where event_id = 'a'"))
        assert foreign.decrypt(bytes(one.scalar_one())) == b"a" * 20


def test_large_payloads_go_by_size_and_not_by_number(engine: sa.Engine, config: Settings) -> None:
    opener = encryption.load(config)
    add_source(engine, opener)
    ids = [f"e-{number:03}" for number in range(60)]
    add(engine, opener, *ids, size=60_000)
    told: list[int] = []
    rotate(engine, config, lambda now, _: told.append(now))
    assert len(told) > 2
    assert told[-1] == 60
    assert assert_readable(engine, opener, size=60_000) == 60


def test_only_one_rotates_at_a_time(engine: sa.Engine, config: Settings) -> None:
    add_source(engine, encryption.load(config))
    add(engine, encryption.load(config), "a")
    tried: list[str] = []

    def meanwhile(_done: int, _total: int) -> None:
        with pytest.raises(key_rotation.RotationUnderWay):
            rotate(engine, config, lambda *_: None)
        tried.append("refused")

    rotate(engine, config, meanwhile)
    assert tried == ["refused"]
    assert rotate(engine, config, lambda *_: None).payloads == 1


def test_rows_that_are_being_applied_are_not_waited_for_until_the_end(
    engine: sa.Engine, config: Settings
) -> None:
    opener = encryption.load(config)
    add_source(engine, opener)
    add(engine, opener, "a", "b", "c")
    holding = engine.connect()
    holding.execute(sa.text("select from bg.webhook_events where event_id = 'b' for update"))
    done = rotate(engine, config, lambda *_: holding.commit())
    holding.close()
    assert done.payloads == 3
    assert assert_readable(engine, Keys(encryption.read_file(config.home / "keys")[:1])) == 3


def test_what_is_written_while_keys_rotate_stays_readable(
    engine: sa.Engine, config: Settings
) -> None:
    opener = encryption.load(config)
    add_source(engine, opener)
    add(engine, opener, *(f"e-{number}" for number in range(300)))
    stopped = threading.Event()
    written: list[str] = []

    def write() -> None:
        mine = encryption.load(config)
        while not stopped.is_set():
            written.append(f"w-{len(written)}")
            add(engine, mine, written[-1])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            rotate(engine, config, lambda *_: None)
    finally:
        stopped.set()
        writer.join()
    assert len(written) > 10
    assert assert_readable(engine, encryption.load(config)) == 300 + len(written)


def test_a_rotation_that_is_killed_leaves_everything_readable_and_can_be_repeated(
    database_url: str, engine: sa.Engine, config: Settings
) -> None:
    opener = encryption.load(config)
    add_source(engine, opener)
    add(engine, opener, *(f"e-{number}" for number in range(600)))
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", ROTATE, database_url, str(config.home)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
        assert assert_readable(engine, encryption.load(config)) == 600
        assert assert_readable(engine, opener) == 600
        # Until its session is gone, its lock is not.
        end = time.monotonic() + 10
        while _locks(engine) and time.monotonic() < end:
            time.sleep(0.05)
    assert len(encryption.read_file(config.home / "keys")) == 4
    rotate(engine, config, lambda *_: None)
    newest, _ = encryption.read_file(config.home / "keys")
    assert assert_readable(engine, Keys((newest,))) == 600


def _locks(engine: sa.Engine) -> int:
    with engine.begin() as conn:
        locks = sa.text("select count(*) from pg_locks where locktype = 'advisory'")
        return int(conn.execute(locks).scalar_one())
