"""What may be told of the sources of webhooks and of their secrets: everything but their text."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.encryption import Keys
from bg_assets.storage.webhooks import sources

# Few rows in all: both tables are read whole.
_LIST = sa.text("""
    select s.id, s.scheme, s.workspace, s.may_create, s.networks::text[] as networks,
        s.per_second, s.burst, s.created_at, s.revoked_at,
        k.id as secret_id, k.secret, k.created_at as secret_created_at,
        k.expires_at as secret_expires_at,
        k.revoked_at as secret_revoked_at,
        k.revoked_at is null and s.revoked_at is null
            and (k.expires_at is null or k.expires_at > clock_timestamp()) as secret_valid
    from bg.webhook_sources as s
    left join bg.webhook_secrets as k on k.source_id = s.id
    order by s.id, k.id desc
""")


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """What may be told of a secret. ``readable``: whether a key that is here opens it."""

    id: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    valid: bool
    readable: bool


@dataclass(frozen=True, slots=True)
class StoredSource:
    """What may be told of a source, revoked or not; its secrets newest first."""

    id: str
    scheme: Scheme
    workspace: str
    may_create: bool
    networks: tuple[str, ...]
    per_second: float
    burst: int
    created_at: datetime
    revoked_at: datetime | None
    secrets: tuple[StoredSecret, ...]


def list_sources(conn: sa.Connection, keys: Keys | None = None) -> list[StoredSource]:
    """All sources, revoked ones too, by name; without keys no secret is readable."""
    rows: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
    for row in conn.execute(_LIST):
        rows.setdefault(row.id, []).append(row)
    return [_stored(of_one, keys) for of_one in rows.values()]


def _stored(rows: list[sa.Row[tuple[object, ...]]], keys: Keys | None) -> StoredSource:
    source = rows[0]
    return StoredSource(
        source.id,
        source.scheme,
        source.workspace,
        source.may_create,
        tuple(source.networks),
        source.per_second,
        source.burst,
        source.created_at,
        source.revoked_at,
        tuple(
            StoredSecret(
                row.secret_id,
                row.secret_created_at,
                row.secret_expires_at,
                row.secret_revoked_at,
                row.secret_valid,
                _is_readable(keys, row),
            )
            for row in rows
            if row.secret_id is not None
        ),
    )


def _is_readable(keys: Keys | None, row: sa.Row[tuple[object, ...]]) -> bool:
    if keys is None:
        return False
    return sources.opened(keys, row.id, row.secret_id, row.secret) is not None
