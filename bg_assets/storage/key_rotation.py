"""Encrypting anew, with the newest key, whatever is stored: in batches, while everything runs on.

It may be killed at any moment and be started again: until it is done, all keys are kept.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken

from bg_assets import encryption
from bg_assets.encryption import CannotDecrypt, Hasher, Keys
from bg_assets.settings import Settings
from bg_assets.storage import audit, database, locks
from bg_assets.storage.locks import Lock
from bg_assets.storage.webhooks import events

_BATCH_ROWS, _BATCH_BYTES = 1000, 8_000_000

_IDLE_FOR_LONG = sa.text("select set_config('idle_in_transaction_session_timeout', '0', true)")
# Of sources and of subscriptions: how they are read, and how one is written.
_SECRETS = tuple(
    (
        sa.text(f"select id, secret as token from {table} order by id for update"),
        sa.text(f"update {table} set secret = :token where id = :id"),
    )
    for table in ("bg.webhook_secrets", "bg.subscription_secrets")
)
# An empty payload has been let go of.
_COUNT = sa.text("""
    select count(*) filter (where payload <> ''), coalesce(max(id), 0) from bg.webhook_events
""")
# Served by the primary key. A payload may be a quarter of a megabyte: by size as by number.
_PAGE = sa.text("""
    select id, payload as token from (
        select id, payload, sum(octet_length(payload)) over (order by id) as upto
        from (
            select id, payload from bg.webhook_events
            where id > :after and id <= :last and payload <> '' order by id limit :rows
        ) as page
    ) as sized
    where upto - octet_length(payload) < :bytes
    order by id
""")
# Served by the primary key. Who applies events locks many, in another order: no wait for it.
_NEW_PAYLOADS = sa.text("""
    with mine as (
        select id from bg.webhook_events
        where id = any(:ids) and payload <> '' for update skip locked
    )
    update bg.webhook_events as e set payload = v.token, body_digest = v.digest
    from mine join unnest(cast(:ids as bigint[]), cast(:tokens as bytea[]),
        cast(:digests as bytea[])) as v (id, token, digest) using (id)
    where e.id = mine.id
    returning e.id
""")
# Served by the primary key.
_ONE = sa.text("""
    select id, payload as token from bg.webhook_events
    where id = :id and payload <> '' for update
""")
_NEW_PAYLOAD = sa.text("""
    update bg.webhook_events set payload = :token, body_digest = :digest where id = :id
""")


# A row's id, what its token decrypts to, and its new token.
_Fresh = tuple[int, bytes, bytes]


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
        opener = encryption.load(config)
        path = None if config.encryption_keys else config.home / encryption.FILE
        if path is None:
            newest = config.encryption_keys[0]
        else:
            before = encryption.read_file(path)
            newest = encryption.new_key()
            encryption.write_file(path, (newest, *before))
        done = _encrypt_all(engine, opener, newest, progress)
        if path is not None:
            encryption.write_file(path, (newest, before[0]))
        with database.connect(engine) as conn:
            told = {"secrets": done.secrets, "payloads": done.payloads}
            audit.record(conn, actor, "keys.rotated", None, detail=told)
    return done


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Hold the lock of rotations on a connection of its own, in a transaction that may idle."""
    with engine.connect() as conn:
        conn.execute(_IDLE_FOR_LONG)
        if not locks.try_to_take(conn, Lock.KEY_ROTATION):
            raise RotationUnderWay
        yield


def _encrypt_all(
    engine: sa.Engine, opener: Keys, newest: str, progress: Callable[[int, int], None]
) -> Rotated:
    fernet, hasher = Fernet(newest), Hasher(newest)
    with database.connect(engine) as conn:
        secrets, unreadable = _encrypt_secrets(conn, opener, fernet)
        total, last = conn.execute(_COUNT).one()
    payloads, up_to_date, seen, after = 0, 0, 0, 0
    left: list[int] = []
    while True:
        with database.connect(engine) as conn:
            values = {"after": after, "last": last, "rows": _BATCH_ROWS, "bytes": _BATCH_BYTES}
            page = conn.execute(_PAGE, values).all()
            if not page:
                break
            fresh, same, lost = _anew(page, opener, fernet)
            written = _write(conn, fresh, hasher)
        left += [number for number, *_ in fresh if number not in written]
        payloads, up_to_date = payloads + len(written), up_to_date + same
        unreadable, seen, after = unreadable + lost, seen + len(page), page[-1].id
        progress(seen, int(total))
    for number in left:
        with database.connect(engine) as conn:
            fresh, _, _ = _anew(conn.execute(_ONE, {"id": number}).all(), opener, fernet)
            for payload_id, content, token in fresh:
                values = {"id": payload_id, "token": token, "digest": _digest(hasher, content)}
                conn.execute(_NEW_PAYLOAD, values)
                payloads += 1
    return Rotated(secrets, payloads, up_to_date, unreadable)


def _encrypt_secrets(conn: sa.Connection, opener: Keys, fernet: Fernet) -> tuple[int, int]:
    """How many secrets were encrypted anew, and how many no key opens."""
    written = unreadable = 0
    for read, write in _SECRETS:
        fresh, _, lost = _anew(conn.execute(read).all(), opener, fernet)
        for number, _, token in fresh:
            conn.execute(write, {"id": number, "token": token})
        written, unreadable = written + len(fresh), unreadable + lost
    return written, unreadable


def _write(conn: sa.Connection, fresh: Sequence[_Fresh], hasher: Hasher) -> set[int]:
    """Store the payloads of the rows that nobody holds; returns which."""
    if not fresh:
        return set()
    ids, contents, tokens = zip(*fresh, strict=True)
    digests = [_digest(hasher, content) for content in contents]
    values = {"ids": list(ids), "tokens": list(tokens), "digests": digests}
    return set(conn.execute(_NEW_PAYLOADS, values).scalars())


def _anew(
    rows: Sequence[sa.Row[tuple[int, memoryview]]], opener: Keys, newest: Fernet
) -> tuple[list[_Fresh], int, int]:
    """The rows to store anew, how many need none, how many no key opens."""
    fresh: list[_Fresh] = []
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
            content = opener.decrypt(token)
            fresh.append((row.id, content, newest.encrypt(content)))
        except CannotDecrypt:
            unreadable += 1
    return fresh, same, unreadable


def _digest(hasher: Hasher, content: bytes) -> bytes | None:
    """The digest of the body in a payload; None where it can't be unpacked."""
    try:
        return hasher.digest(events.unpacked(content))
    except zlib.error:
        return None
