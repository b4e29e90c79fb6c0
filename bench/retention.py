"""Letting go of old changes while a trickle goes on: its latency, and the space before and after.

The daemon and the code server run on a database with `--old` handled changes (1,000,000) of 100
days ago. Titles of one company after the other are changed, one every `--every` seconds (2), for
`--seconds` (60): first while nothing else goes on, then while a process of its own lets go of all
that is old, as `bg-assets retention` does. With `--tables` no daemon runs: a change is timed from
its UPDATE to the end of a tick's statements that claim its company.
"""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from bench import running, scratch
from bg_assets import settings
from bg_assets.storage import claims, database
from bg_assets.storage.retention import rounds
from bg_assets.storage.retention.policy import policy

_OLD_REFRESHES = sa.text("""
    insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
        requested_at, started_at, finished_at, starts_interval, run_id)
    select gen_random_uuid(), 'old-' || g % 10000, 'completed', 'role_change', 'change', t, t, t,
        true, 'run'
    from (select g, now() - interval '100 d' + make_interval(secs => g / 10.0) as t
        from generate_series(1, :number) as g) as s
""")
_OLD_CHANGES = sa.text("""
    insert into bg.changes (company_id, person_id, kind, source, old, new, priority, is_departure,
        occurred_at, refresh_id, handled_at)
    select r.company_id, r.company_id || '-' || g, 'role_change', 'people_table',
        '{"title": "Controller"}', '{"title": "Finance Director"}', 30, false, r.finished_at,
        r.id, r.finished_at
    from bg.buyer_group_refresh_log as r, generate_series(1, 10) as g
    where r.company_id like 'old-%'
    order by r.finished_at
""")
_SPACE = sa.text("""
    select pg_table_size('bg.changes') / 1e6 as rows, pg_indexes_size('bg.changes') / 1e6 as index,
        (select n_dead_tup from pg_stat_user_tables
            where relid = 'bg.changes'::regclass) as dead,
        (select autovacuum_count from pg_stat_user_tables
            where relid = 'bg.changes'::regclass) as vacuumed
""")
_OLD = sa.text("select count(*) from bg.changes where handled_at < now() - interval '90 d'")
_FORGET = sa.text("delete from bg.changes where company_id like :prefix")
_LATENCY = sa.text("""
    select extract(epoch from r.finished_at - c.occurred_at)::float as total
    from bg.changes as c join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
    where c.kind = 'role_change' and r.status = 'completed' and c.company_id like :prefix
""")


def main(arguments: Sequence[str]) -> None:
    """Print the trickle's p50, p95 and longest without and with it, rows a second, and space."""
    parser = argparse.ArgumentParser(prog="python -m bench retention", description=__doc__)
    parser.add_argument("--old", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--let-go-at", metavar="URL", help="Only let go of old changes there.")
    chosen = parser.parse_args(arguments)
    if chosen.let_go_at:
        let_go(chosen.let_go_at)
        return
    number = max(1, round(chosen.seconds / chosen.every))
    with _tables() if chosen.tables else _daemon() as trickle:
        quiet, busy = trickle.grow("quiet-", number), trickle.grow("busy-", 5 * number)
        _age(trickle.engine, chosen.old)
        _tell_space(trickle.engine, f"{chosen.old:,} old changes")
        trickle.go(quiet, chosen.every, threading.Event())
        _tell_latency("quiet", trickle.times("quiet-"))
        _beside(trickle, busy, chosen.every)
        _tell_latency("while", trickle.times("busy-"))
        _tell_space(trickle.engine, "after")
        _refill(trickle.engine)
        _tell_space(trickle.engine, "filled again")


class _Trickle:
    """Changes of one company after the other, through the running system."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def grow(self, prefix: str, number: int) -> list[str]:
        """So many companies of seven people each."""
        return running.grow(self.engine, prefix, number)

    def change(self, company: str) -> None:
        """Change the title of one person there."""
        running.retitle(self.engine, [company], "Treasurer")

    def settle(self) -> None:
        """Wait until all is done."""
        running.settle(self.engine)

    def times(self, prefix: str) -> list[float]:
        """What each took, in s, of the companies with ids like this."""
        with self.engine.begin() as conn:
            return list(conn.execute(_LATENCY, {"prefix": f"{prefix}%"}).scalars())

    def go(self, companies: Sequence[str], every: float, end: threading.Event) -> None:
        """Change one after the other, in step with the clock, until told to end."""
        began = time.monotonic()
        for step, company in enumerate(companies):
            if end.wait(max(0.0, began + step * every - time.monotonic())):
                break
            self.change(company)
        self.settle()


class _TrickleOfTables(_Trickle):
    """The same without a daemon: a change is over once its company is claimed."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self._times: dict[str, float] = {}

    def grow(self, prefix: str, number: int) -> list[str]:
        ids = running.add(self.engine, prefix, number)
        with self.engine.begin() as conn:
            conn.execute(_FORGET, {"prefix": f"{prefix}%"})
        return ids

    def change(self, company: str) -> None:
        began = time.monotonic()
        super().change(company)
        with self.engine.begin() as conn:
            now = claims.database_now(conn)
            policy_of_tick = claims.Policy(settle=0, refresh_interval=3600, claim_limit=5000)
            claims.claim(conn, policy_of_tick, "bench", now)
            claims.ask(conn, policy_of_tick, "bench", now)
        self._times[company] = time.monotonic() - began

    def settle(self) -> None:
        """Nothing is done behind its back."""

    def times(self, prefix: str) -> list[float]:
        return [took for company, took in self._times.items() if company.startswith(prefix)]


@contextmanager
def _daemon() -> Iterator[_Trickle]:
    # The schedule is to let go of nothing meanwhile.
    with running.with_door(0.0, {"BG_RETENTION_CHANGES": "forever"}) as (engine, _):
        yield _Trickle(engine)


@contextmanager
def _tables() -> Iterator[_Trickle]:
    with scratch.scratch() as made:
        yield _TrickleOfTables(made.engine)


def _age(engine: sa.Engine, number: int) -> None:
    """So many handled changes of long ago, ten to a refresh."""
    with engine.begin() as conn:
        conn.execute(sa.text("set local session_replication_role = replica"))
        conn.execute(_OLD_REFRESHES, {"number": number // 10})
        conn.execute(_OLD_CHANGES)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        conn.execute(sa.text("vacuum (analyze) bg.changes, bg.buyer_group_refresh_log"))
        conn.execute(sa.text("checkpoint"))


def let_go(url: str) -> None:
    """A round of the changes, to its end."""
    engine = database.make_engine(url)
    (changes,) = [one for one in policy(settings.read({})) if one.name == "changes"]
    rounds.turn(engine, changes, 86_400.0, anew=True)
    engine.dispose()


def _beside(trickle: _Trickle, companies: Sequence[str], every: float) -> None:
    """The trickle, and beside it another process until nothing old is left."""
    end, engine = threading.Event(), trickle.engine
    thread = threading.Thread(target=trickle.go, args=(companies, every, end))
    with engine.begin() as conn:
        number = conn.execute(_OLD).scalar_one()
    thread.start()
    time.sleep(2 * every)
    began = time.monotonic()
    url = engine.url.render_as_string(hide_password=False)
    subprocess.run(
        [sys.executable, "-m", "bench", "retention", "--let-go-at", url], check=True
    )  # fmt: skip
    took = time.monotonic() - began
    end.set()
    thread.join()
    with engine.begin() as conn:
        left = conn.execute(_OLD).scalar_one()
    sys.stdout.write(f"{number - left:,} went in {took:.0f} s, {(number - left) / took:,.0f}/s\n")


def _refill(engine: sa.Engine) -> None:
    """As many changes again, once what went is vacuumed: they take the place of those."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        conn.execute(sa.text("vacuum bg.changes"))
    _tell_space(engine, "vacuumed")
    with engine.begin() as conn:
        conn.execute(sa.text("set local session_replication_role = replica"))
        conn.execute(_OLD_CHANGES)


def _tell_latency(name: str, found: Sequence[float]) -> None:
    running.write_quantiles(f"{name} ({len(found)})", found)
    sys.stdout.flush()


def _tell_space(engine: sa.Engine, name: str) -> None:
    with database.connect(engine) as conn:
        row = conn.execute(_SPACE).one()
    sys.stdout.write(
        f"{name}: table {row.rows:.0f} MB, indexes {row.index:.0f} MB, dead rows {row.dead:,}, "
        f"vacuumed {row.vacuumed} times by itself\n"
    )
    sys.stdout.flush()
