"""Up to which moment everything is decided: what no open transaction can add to any more.

Who walks through a table by a column of time or by its ids must not pass a row that is written but
not committed yet.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

# Two clocks that don't quite agree: of the server, and of who stamps the end of a dead refresh.
SLACK = timedelta(seconds=2)
# A transaction that writes for longer than this is waited for no more; what it commits then is not
# counted.
PATIENCE = timedelta(minutes=10)
# A session has a transaction number once it has written; before that it may have drawn an id for
# what it is about to write, moments ago. What only reads for hours, as a backup does, adds nothing.
DRAWING = timedelta(seconds=10)

# Served by nothing: the sessions of the server, some hundreds.
_OPEN = sa.text("""
    select clock_timestamp() as now, (
        select min(xact_start) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
            and (backend_xid is not null
                or xact_start > clock_timestamp() - cast(:drawing as interval))) as open_since
""")


@dataclass(frozen=True, slots=True)
class Settled:
    """``until``: what is stamped up to then is committed or will never be. ``now``: the server's.

    ``open_since``: no open transaction began before.
    """

    now: datetime
    open_since: datetime

    @property
    def until(self) -> datetime:
        """The last moment of which all is known."""
        return min(self.now - SLACK, self.open_since)


def read(conn: sa.Connection) -> Settled:
    """Look at the sessions. Read what is to be counted after it, at READ COMMITTED."""
    row = conn.execute(_OPEN, {"drawing": DRAWING}).one()
    since = row.now if row.open_since is None else max(row.open_since, row.now - PATIENCE)
    return Settled(row.now, since)
