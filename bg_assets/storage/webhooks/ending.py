"""Secrets of webhook sources that end: a rotation leaves the old one valid for a while."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

# Few rows in all: both tables are read whole.
_ENDING = sa.text("""
    select s.id as source, count(k.id) filter (where k.expires_at is null) as lasting,
        min(k.expires_at) as first_at, max(k.expires_at) as last_at,
        extract(epoch from min(k.expires_at) - clock_timestamp())::float as first_seconds,
        extract(epoch from max(k.expires_at) - clock_timestamp())::float as last_seconds
    from bg.webhook_sources as s
    left join bg.webhook_secrets as k on k.source_id = s.id and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > clock_timestamp())
    where s.revoked_at is null
    group by s.id order by s.id
""")


@dataclass(frozen=True, slots=True)
class Ending:
    """A source: how many valid secrets have no end, when the others end first and last, in s too.

    None where there is none that ends.
    """

    source: str
    lasting: int
    first_at: datetime | None
    last_at: datetime | None
    first_seconds: float | None
    last_seconds: float | None


def read(conn: sa.Connection) -> list[Ending]:
    """All sources that are not revoked."""
    return [Ending(**row) for row in conn.execute(_ENDING).mappings()]
