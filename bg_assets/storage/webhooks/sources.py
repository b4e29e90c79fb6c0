"""The sources of webhooks: their secrets, kept encrypted, their limits, and every change of them.

A secret counts while neither it nor its source is revoked and its end has not come, by the
database's clock.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.encryption import CannotDecrypt, Keys
from bg_assets.logs.log import logger
from bg_assets.storage import audit

LOG = logger(__name__)

# Few rows in all: both tables are read whole, the secrets by webhook_secrets_by_source.
_READ = sa.text("""
    select s.id, s.scheme, s.workspace, s.may_create, s.networks::text[] as networks,
        s.per_second, s.burst, k.id as secret_id, k.secret, k.expires_at
    from bg.webhook_sources as s
    left join bg.webhook_secrets as k on k.source_id = s.id and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > clock_timestamp())
    where s.revoked_at is null
    order by s.id, k.id desc
""")
_ADD = sa.text("""
    insert into bg.webhook_sources as s
        (id, scheme, workspace, may_create, networks, per_second, burst)
    values (:id, :scheme, :workspace, :may_create, cast(:networks as cidr[]), :per_second, :burst)
    on conflict (id) do update set
        scheme = excluded.scheme, workspace = excluded.workspace,
        may_create = excluded.may_create, networks = excluded.networks,
        per_second = excluded.per_second, burst = excluded.burst, revoked_at = null
        where s.revoked_at is not null
    returning xmax <> 0 as again
""")
# Served by the primary key.
_LOCK = sa.text("""
    select scheme, revoked_at from bg.webhook_sources where id = :id for update
""")
_ADD_SECRET = sa.text("""
    insert into bg.webhook_secrets (source_id, secret) values (:id, :secret) returning id
""")
# All of these are served by webhook_secrets_by_source.
_VALID = sa.text("""
    select id, secret from bg.webhook_secrets
    where source_id = :id and revoked_at is null
        and (expires_at is null or expires_at > clock_timestamp())
""")
_END = sa.text("""
    update bg.webhook_secrets
    set expires_at = least(expires_at, clock_timestamp() + :keep)
    where source_id = :id and revoked_at is null
        and (expires_at is null or expires_at > clock_timestamp())
""")
_REVOKE_SOURCE = sa.text("update bg.webhook_sources set revoked_at = now() where id = :id")
_REVOKE_SECRETS = sa.text("""
    update bg.webhook_secrets set revoked_at = now()
    where source_id = :id and revoked_at is null
        and (cast(:secret_id as bigint) is null or id = :secret_id)
    returning id
""")
# Served by the primary key. A row that another process has changed meanwhile is looked at anew,
# with the clock, once this one has its lock.
_TAKE = sa.text("""
    with held as (
        select b.source_id, greatest(b.filled_at, clock.now) as filled_at,
            least(:burst, b.tokens + :per_second
                * greatest(0, extract(epoch from clock.now - b.filled_at)::float)) as available
        from bg.webhook_buckets as b, lateral (select clock_timestamp() as now) as clock
        where b.source_id = :id
        for update of b
    ), granting as (
        select *, floor(greatest(0, least(:wanted, available))) as granted from held
    )
    update bg.webhook_buckets as b set tokens = available - granted, filled_at = g.filled_at
    from granting as g where b.source_id = g.source_id
    returning g.granted::integer as granted, b.tokens
""")
_FILL = sa.text("""
    insert into bg.webhook_buckets (source_id, tokens, filled_at)
    values (:id, :burst, clock_timestamp()) on conflict do nothing
""")


@dataclass(frozen=True, slots=True)
class Secret:
    """The text of a secret as it was shown, and its end; None where it has none."""

    text: str
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"Secret(expires_at={self.expires_at!r})"


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends, and what it may: ``secrets`` are the valid ones, newest first.

    ``networks`` in CIDR notation, empty for all; ``per_second`` and ``burst`` of its token bucket.
    """

    id: str
    scheme: Scheme
    workspace: str
    may_create: bool
    networks: tuple[str, ...]
    per_second: float
    burst: int
    secrets: tuple[Secret, ...] = ()


class SourceExists(Exception):
    """There is a source of this name that is not revoked."""


class NoSuchSource(Exception):
    """There is no source of this name, or it is revoked, or has no such secret."""


class SecretInUse(Exception):
    """The source has this very secret already."""


def read_sources(conn: sa.Connection, keys: Keys) -> dict[str, Source]:
    """All sources that are not revoked, with their valid secrets.

    A secret that no key opens is left out, and logged once by its number.
    """
    sources: dict[str, Source] = {}
    secrets: dict[str, list[Secret]] = {}
    for row in conn.execute(_READ):
        if row.id not in sources:
            secrets[row.id] = []
            sources[row.id] = Source(
                row.id,
                row.scheme,
                row.workspace,
                row.may_create,
                tuple(row.networks),
                row.per_second,
                row.burst,
            )
        text = None if row.secret_id is None else opened(keys, row.id, row.secret_id, row.secret)
        if text is not None:
            secrets[row.id].append(Secret(text, row.expires_at))
    return {name: replace(source, secrets=tuple(secrets[name])) for name, source in sources.items()}


def add_source(conn: sa.Connection, keys: Keys, source: Source, secret: str, actor: str) -> bool:
    """Add a source with its first secret; returns whether there was a revoked one of its name.

    That one is taken back with the new settings; its former secrets stay revoked, and what it
    called people and companies still counts. Raises SourceExists.
    """
    values = {
        "id": source.id,
        "scheme": source.scheme,
        "workspace": source.workspace,
        "may_create": source.may_create,
        "networks": list(source.networks),
        "per_second": source.per_second,
        "burst": source.burst,
    }
    row = conn.execute(_ADD, values).one_or_none()
    if row is None:
        raise SourceExists(source.id)
    number = _add_secret(conn, keys, source.id, secret)
    told = {**values, "secret_id": number, "again": row.again}
    told.pop("id")
    audit.record(conn, actor, "webhook_source.added", source.id, detail=told)
    return bool(row.again)


def scheme_of(conn: sa.Connection, source_id: str) -> Scheme:
    """The scheme of a source, which stays locked until the transaction ends. Raises NoSuchSource.

    A revoked one is none.
    """
    row = conn.execute(_LOCK, {"id": source_id}).one_or_none()
    if row is None or row.revoked_at is not None:
        raise NoSuchSource(source_id)
    scheme: Scheme = row.scheme
    return scheme


def rotate(
    conn: sa.Connection, keys: Keys, source_id: str, secret: str, keep: timedelta, actor: str
) -> int:
    """Give a source a new secret and its valid ones an end, ``keep`` from now at the latest.

    Returns how many of them stay valid until then. Raises NoSuchSource, SecretInUse.
    """
    scheme_of(conn, source_id)
    for row in conn.execute(_VALID, {"id": source_id}).all():
        if opened(keys, source_id, row.id, row.secret) == secret:
            raise SecretInUse(source_id)
    ended = conn.execute(_END, {"id": source_id, "keep": keep}).rowcount
    number = _add_secret(conn, keys, source_id, secret)
    told = {"secret_id": number, "keep_seconds": keep.total_seconds(), "kept": ended}
    audit.record(conn, actor, "webhook_source.rotated", source_id, detail=told)
    return int(ended) if keep else 0


def revoke(
    conn: sa.Connection, source_id: str, actor: str, secret_id: int | None = None
) -> list[int]:
    """Revoke a source with all its secrets, or one secret of it; returns the secrets' numbers.

    Raises NoSuchSource.
    """
    scheme_of(conn, source_id)
    gone = conn.execute(_REVOKE_SECRETS, {"id": source_id, "secret_id": secret_id}).scalars().all()
    if secret_id is not None and not gone:
        raise NoSuchSource(source_id)
    if secret_id is None:
        conn.execute(_REVOKE_SOURCE, {"id": source_id})
    what = "webhook_source.revoked" if secret_id is None else "webhook_secret.revoked"
    audit.record(conn, actor, what, source_id, detail={"secret_ids": list(gone)})
    return list(gone)


def take_tokens(conn: sa.Connection, source: Source, wanted: int) -> tuple[int, float]:
    """Take up to ``wanted`` tokens from the source's bucket, which all processes share.

    Returns how many there were, and the seconds until there is another one: 0 where all were
    granted. The bucket is locked until the transaction ends, which should be at once.
    """
    values = {"id": source.id, "per_second": source.per_second, "burst": source.burst}
    row = conn.execute(_TAKE, {**values, "wanted": wanted}).one_or_none()
    if row is None:
        conn.execute(_FILL, {"id": source.id, "burst": source.burst})
        row = conn.execute(_TAKE, {**values, "wanted": wanted}).one()
    if row.granted >= wanted:
        return int(row.granted), 0.0
    return int(row.granted), max(0.0, 1 - row.tokens) / source.per_second


def _add_secret(conn: sa.Connection, keys: Keys, source_id: str, secret: str) -> int:
    token = keys.encrypt(secret.encode())
    return int(conn.execute(_ADD_SECRET, {"id": source_id, "secret": token}).scalar_one())


def opened(keys: Keys, source_id: str, secret_id: int, token: bytes) -> str | None:
    """The text of a stored secret; None where no key opens it, which is logged once."""
    try:
        return keys.decrypt(bytes(token)).decode()
    except CannotDecrypt as err:
        # Sources are read again and again.
        if secret_id not in keys.told_of:
            keys.told_of.add(secret_id)
            LOG.warning("secret_unreadable", source=source_id, secret_id=secret_id, reason=str(err))
        return None
