"""Whether change capture stands: the triggers as they were installed against what is there now.

Not seen is who writes with session_replication_role = replica: no trigger was touched then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage import dueness
from bg_assets.storage.capture import attached

CAPTURING = "capture_"
# So old may a look be before a tick looks again.
LOOK_EVERY = 30.0

# A trigger is told by what it does, its function by its text, and both by who last wrote them: what
# was disabled and enabled again, between two looks, has another mark.
_FACTS = """
    concat_ws(' ', t.tgtype, t.tgqual is null, t.tgoldtable, t.tgnewtable) as shape,
    md5(concat_ws(' ', p.prosrc, p.prosecdef, p.proconfig::text)) as body,
    concat_ws(' ', t.xmin::text, p.xmin::text) as mark
"""
_LOOK = sa.text(f"""
    select w.on_table, w.name,
        case when to_regclass(w.on_table) is null then 'is gone with its table'
            when s.name is null then 'is missing'
            when s.tgenabled not in ('O', 'A') then 'is disabled'
            when s.shape <> w.shape then 'is another one'
            when s.body <> w.body then 'runs another function'
        end as what,
        s.mark is distinct from w.mark as touched
    from bg.capture_triggers as w
    left join lateral (
        select t.tgname as name, t.tgenabled, {_FACTS}
        from pg_catalog.pg_trigger as t join pg_catalog.pg_proc as p on p.oid = t.tgfoid
        where t.tgrelid = to_regclass(w.on_table) and t.tgname = w.name and not t.tgisinternal
    ) as s on true
    where w.on_table <> all(:closed)
    order by w.on_table, w.name
""")
_FORGET = sa.text("delete from bg.capture_triggers")
# Those that migrations made on the same tables, too.
_REMEMBER = sa.text(f"""
    insert into bg.capture_triggers
        (on_table, name, shape, body, mark, trigger_text, function_text)
    select quote_ident(n.nspname) || '.' || quote_ident(c.relname), t.tgname, f.shape, f.body,
        f.mark, pg_get_triggerdef(t.oid), pg_get_functiondef(p.oid)
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_class as c on c.oid = t.tgrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    cross join lateral (select {_FACTS}) as f
    where not t.tgisinternal and p.pronamespace = to_regnamespace('bg')
        and t.tgrelid = any(array(select to_regclass(one) from unnest(cast(:tables as text[]))
            as one)::oid[])
""")
_REMARK = sa.text(f"""
    update bg.capture_triggers as w set mark = f.mark
    from pg_catalog.pg_trigger as t
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    cross join lateral (select {_FACTS}) as f
    where t.tgrelid = to_regclass(w.on_table) and t.tgname = w.name and not t.tgisinternal
""")
_TEXTS = sa.text("""
    select trigger_text, function_text from bg.capture_triggers
    where on_table = :on_table and name = :name
""")
_STATE = sa.text(f"""
    select lost, looked_at < clock_timestamp() - make_interval(secs => :every)
        or looked_at > clock_timestamp() + {dueness.AHEAD} as due
    from bg.capture_watch
""")
_LOOKED = sa.text("""
    update bg.capture_watch set looked_at = clock_timestamp(), lost = :lost,
        to_compare = to_compare or :broken,
        compared_to = case when :broken then '' else compared_to end
""")
_TO_COMPARE = sa.text("update bg.capture_watch set to_compare = true, compared_to = ''")


@dataclass(frozen=True, slots=True)
class Lost:
    """A trigger that does not do its work, and what is the matter with it."""

    on_table: str
    name: str
    what: str

    def __str__(self) -> str:
        return f"trigger {self.name} on {self.on_table} {self.what}"


@dataclass(frozen=True, slots=True)
class Look:
    """What is lost now; touched: whether anything is not as it was left, though it may stand.

    remembered: whether it is known how it should be. unread: what of attached tables does not fit,
    a line each.
    """

    lost: tuple[Lost, ...]
    touched: bool
    remembered: bool
    unread: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """All that is lost, a line each."""
        return [*map(str, self.lost), *self.unread]

    @property
    def capture_lost(self) -> bool:
        """Whether any of it is a trigger that captures changes."""
        return any(one.name.startswith(CAPTURING) for one in self.lost)


def look(conn: sa.Connection) -> Look:
    """Compare what stands with what was installed: a few rows of the catalogue."""
    unread = (*attached.misfits(conn), *attached.failures(conn))
    rows = conn.execute(_LOOK, {"closed": attached.closed(conn)}).all()
    lost = tuple(Lost(row.on_table, row.name, row.what) for row in rows if row.what)
    return Look(lost, any(row.touched for row in rows), bool(rows), unread)


def problems(conn: sa.Connection) -> list[str]:
    """What people have to be told of lost capture, a line each, with the command to type."""
    return _told(look(conn).lines)


def is_due(conn: sa.Connection, every: float = LOOK_EVERY) -> bool:
    """Whether nobody has looked within so many seconds."""
    return bool(conn.execute(_STATE, {"every": every}).one().due)


def keep_watch(conn: sa.Connection, every: float = LOOK_EVERY) -> list[str]:
    """Look, unless somebody did within so many seconds; returns what is lost, a line each.

    Once it stands again, or where it was lost and set right unseen, companies are to be compared:
    see storage/missed.py.
    """
    state = conn.execute(_STATE, {"every": every}).one()
    if not state.due:
        return _told(state.lost)
    capture = look(conn)
    lost = capture.lines
    conn.execute(_LOOKED, {"lost": lost, "broken": capture.touched or bool(lost)})
    if capture.touched and not lost:
        conn.execute(_REMARK)
    return _told(lost)


def restore(conn: sa.Connection) -> list[Lost]:
    """Set right what is lost of the triggers that migrations made; companies are compared then.

    Returns all that is lost, also what capture.install sets right. Call it before migrations: what
    they change is not lost.
    """
    if conn.execute(sa.text("select to_regclass('bg.capture_triggers')")).scalar() is None:
        return []
    capture = look(conn)
    for trigger in capture.lost:
        if not trigger.name.startswith(CAPTURING):
            of = {"on_table": trigger.on_table, "name": trigger.name}
            texts = conn.execute(_TEXTS, of).one()
            again = texts.trigger_text.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1)
            for text in (texts.function_text, again):
                # A per cent sign is the driver's.
                conn.exec_driver_sql(text.replace("%", "%%"))
    if capture.touched:
        ask_for_comparison(conn)
    return list(capture.lost)


def remember(conn: sa.Connection, tables: Sequence[str]) -> None:
    """What stands on these tables now is how it should be."""
    conn.execute(_FORGET)
    conn.execute(_REMEMBER, {"tables": list(tables)})
    conn.execute(sa.text("update bg.capture_watch set lost = '{}'"))


def take_as_written(conn: sa.Connection) -> None:
    """The same triggers were written anew, with all the rows that they had captured: a restore.

    What is lost of them still counts as lost.
    """
    if conn.execute(sa.text("select to_regclass('bg.capture_triggers')")).scalar() is not None:
        conn.execute(_REMARK)


def ask_for_comparison(conn: sa.Connection) -> None:
    """Capture was lost: once it stands again, all companies are compared; see storage/missed.py."""
    conn.execute(_TO_COMPARE)


def _told(lost: Sequence[str]) -> list[str]:
    return [_with_remedy(one) if one.startswith("trigger ") else one for one in lost]


def _with_remedy(one: str) -> str:
    what = "changes" if one.startswith(f"trigger {CAPTURING}") else "times of writes"
    return f"{what} are lost: {one}: run `bg-assets migrate`"
