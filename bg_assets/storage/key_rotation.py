"""Encrypting anew, with the newest key, whatever is stored: in batches, while everything runs on.

It may be killed at any moment and be started again: until it is done, all keys are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from bg_assets.settings import Settings
from bg_assets.storage import audit, database, keys
from bg_assets.storage.keys import CannotDecrypt, Keys

_LOCK_KEY = 0x6267_0004
_BATCH_ROWS, _BATCH_BYTES = 1000, 8_000_000

_LOCK = sa.text("select pg_try_advisory_lock(:key)")
_UNLOCK = sa.text("select pg_advisory_unlock(:key)")
_SECRETS = sa.text("select id, secret as token from bg.webhook_secrets order by id for update")
_NEW_SECRET = sa.text("update bg.webhook_secrets set secret = :token where id = :id")
_COUNT = sa.text("select count(*), coalesce(max(id), 0) from bg.webhook_events")
# Served by the primary key. A payload may be a quarter of a megabyte: by size as by number.
_PAGE = sa.text("""
    select id, payload as token from (
        select id, payload, sum(octet_length(payload)) over (order by id) as upto
        from (
            select id, payload from bg.webhook_events
            where id > :after and id <= :last order by id limit :rows
        ) as page
    ) as sized
    where upto - octet_length(payload) < :bytes
    order by id
""")
# Served by the primary key. Who applies events locks many, in another order: no wait for it.
_NEW_PAYLOADS = sa.text("""
    with mine as (
        select id from bg.webhook_events where id = any(:ids) for update skip locked
    )
    update bg.webhook_events as e set payload = v.token
    from mine join unnest(cast(:ids as bigint[]), cast(:tokens as bytea[])) as v (id, token)
        using (id)
    where e.id = mine.id
    returning e.id
""")
# Served by the primary key.
_ONE = sa.text("select id, payload as token from bg.webhook_events where id = :id for update")
_NEW_PAYLOAD = sa.text("update bg.webhook_events set payload = :token where id = :id")


class RotationUnderWay(Exception):
    """Another process is encrypting anew just now."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was encrypted anew, what had been before, and what none of the keys opened."""

    secrets: int
    payloads: int
    up_to_date: int
    unreadable: int


def rotate(
    engine: sa.Engine, config: Settings, actor: str, progress: Callable[[int, int], None]
) -> Rotated:
    """Encrypt everything with the newest key, after making one where they are in a file.

    The file then holds that one and the newest before it, for what is being written with it this
    moment. ``progress`` is told how many events are done, and of how many. Raises
    RotationUnderWay and KeysUnusable.
    """
    with _alone(engine):
        opener = keys.load(config)
        path = None if config.encryption_keys else config.home / keys.FILE
        if path is None:
            newest = config.encryption_keys[0]
        else:
            before = keys.read_file(path)
            newest = keys.new_key()
            keys.write_file(path, (newest, *before))
        done = _encrypt_all(engine, opener, Fernet(newest), progress)
        if path is not None:
            keys.write_file(path, (newest, before[0]))
        with database.connect(engine) as conn:
            told = {"secrets": done.secrets, "payloads": done.payloads}
            audit.record(conn, actor, "keys.rotated", None, detail=told)
    return done


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Hold the lock of rotations on a connection of its own, which may idle for long."""
    holding = engine.execution_options(isolation_level="AUTOCOMMIT")
    with database.connect(holding) as conn:
        if not conn.execute(_LOCK, {"key": _LOCK_KEY}).scalar_one():
            raise RotationUnderWay
        try:
            yield
        finally:
            # Where the session is gone, so is its lock.
            with suppress(sa.exc.DBAPIError):
                conn.execute(_UNLOCK, {"key": _LOCK_KEY})


def _encrypt_all(
    engine: sa.Engine, opener: Keys, newest: Fernet, progress: Callable[[int, int], None]
) -> Rotated:
    with database.connect(engine) as conn:
        fresh, _, unreadable = _anew(conn.execute(_SECRETS).all(), opener, newest)
        for number, token in fresh:
            conn.execute(_NEW_SECRET, {"id": number, "token": token})
        total, last = conn.execute(_COUNT).one()
    secrets, payloads, up_to_date, seen, after = len(fresh), 0, 0, 0, 0
    left: list[int] = []
    while True:
        with database.connect(engine) as conn:
            values = {"after": after, "last": last, "rows": _BATCH_ROWS, "bytes": _BATCH_BYTES}
            page = conn.execute(_PAGE, values).all()
            if not page:
                break
            fresh, same, lost = _anew(page, opener, newest)
            written = _write(conn, fresh)
        left += [number for number, _ in fresh if number not in written]
        payloads, up_to_date = payloads + len(written), up_to_date + same
        unreadable, seen, after = unreadable + lost, seen + len(page), page[-1].id
        progress(seen, int(total))
    for number in left:
        with database.connect(engine) as conn:
            fresh, _, _ = _anew(conn.execute(_ONE, {"id": number}).all(), opener, newest)
            for one, token in fresh:
                conn.execute(_NEW_PAYLOAD, {"id": one, "token": token})
                payloads += 1
    return Rotated(secrets, payloads, up_to_date, unreadable)


def _write(conn: sa.Connection, fresh: Sequence[tuple[int, bytes]]) -> set[int]:
    """Store the payloads of the rows that nobody holds; returns which."""
    if not fresh:
        return set()
    ids, tokens = zip(*fresh, strict=True)
    values = {"ids": list(ids), "tokens": list(tokens)}
    return set(conn.execute(_NEW_PAYLOADS, values).scalars())


def _anew(
    rows: Sequence[sa.Row[tuple[int, memoryview]]], opener: Keys, newest: Fernet
) -> tuple[list[tuple[int, bytes]], int, int]:
    """The rows to store with their new tokens, how many need none, how many no key opens."""
    fresh: list[tuple[int, bytes]] = []
    same = unreadable = 0
    for row in rows:
        token = bytes(row.token)
        try:
            newest.decrypt(token)
            same += 1
            continue
        except InvalidToken:
            pass
        try:
            fresh.append((row.id, newest.encrypt(opener.decrypt(token))))
        except CannotDecrypt:
            unreadable += 1
    return fresh, same, unreadable
