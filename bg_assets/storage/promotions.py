"""Changes of role that are promotions: the trigger can't tell, the refresh that takes them can."""

from collections.abc import Sequence

import sqlalchemy as sa

from bg_assets.domain.titles.promotion import is_promotion

# Served by changes_by_refresh.
_RETITLED = sa.text("""
    select id, old ->> 'title' as before, new ->> 'title' as after from bg.changes
    where refresh_id = any(cast(:refreshes as uuid[])) and handled_at is null
        and kind = 'role_change' and old ? 'title' and new ? 'title'
""")
# Served by the primary key.
_REFINE = sa.text("update bg.changes set kind = 'promotion' where id = any(:ids)")


def refine(conn: sa.Connection, refreshes: Sequence[str]) -> None:
    """Call those changes of role promotions, of all that these refreshes have taken, that are."""
    rows = conn.execute(_RETITLED, {"refreshes": list(refreshes)})
    ids = [row.id for row in rows if is_promotion(row.before, row.after)]
    if ids:
        conn.execute(_REFINE, {"ids": ids})
