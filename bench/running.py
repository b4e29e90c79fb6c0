"""What `up` runs, but for the UI, on a database of its own, for what is measured on it."""

import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.local import programs
from bg_assets.storage import database

_TITLES = (
    "CFO", "Finance Director", "Head of Accounting", "CIO", "Procurement Manager", "CEO",
    "Controller",
)  # fmt: skip
_COMPANIES = sa.text("""
    insert into bg.companies (id, name, employee_min, employee_max)
    select id, 'Company ' || id, 200, 200 from unnest(cast(:ids as text[])) as id
""")
_PEOPLE = sa.text("""
    insert into bg.people (id, company_id, name, title)
    select c.id || '-' || t.number, c.id, 'Some One', t.title
    from unnest(cast(:ids as text[])) as c(id),
        unnest(cast(:titles as text[])) with ordinality as t(title, number)
""")
_PENDING = sa.text("select exists (select from bg.changes where handled_at is null)")


class TooSlow(Exception):
    """The groups were not there in time."""


@contextmanager
def running(settle: float) -> Iterator[sa.Engine]:
    """The daemon and the code server at work on an empty schema; gives an engine on it.

    Everything else has its default. The database is as durable as in earnest.
    """
    with with_door(settle) as (engine, _):
        yield engine


@contextmanager
def with_door(
    settle: float,
    env: Mapping[str, str] | None = None,
    *,
    metrics: bool = False,
    ui: bool = False,
) -> Iterator[tuple[sa.Engine, settings.Settings]]:
    """The same, with the settings by which the webhook door is found.

    ``env`` sets some of them; ``metrics`` runs their exporter too, and ``ui`` the UI, which else is
    not run: nobody looks at it, and it takes time from what is measured.
    """
    wanted = {"metrics": metrics, "webserver": ui}
    left_out = {name for name, is_wanted in wanted.items() if not is_wanted}
    with ExitStack() as stop:
        folder = Path(tempfile.mkdtemp(prefix="bg-bench-"))
        stop.callback(shutil.rmtree, folder)
        folder.chmod(0o711)
        home = folder / "home"
        server = EmbeddedPostgres(home)
        stop.callback(server.destroy)
        stop.enter_context(server.acquire())
        for name in ("bg_assets", "dagster"):
            ensure_database(server.url(name))
        database.migrate(server.url("bg_assets"))
        engine = database.make_engine(server.url("bg_assets"))
        stop.callback(engine.dispose)
        unset = {variable.name: "" for variable in settings.VARIABLES}
        variables = unset | {
            "BG_PRODUCTS": "finance_system",
            "BG_HOME": str(home),
            "DAGSTER_HOME": str(programs.prepare_dagster_home(home)),
            "BG_SETTLE": str(settle),
            "BG_RECEIVER_PORT": str(programs.free_port()),
            "BG_WEB_PORT": str(programs.free_port()),
            **(env or {}),
        }
        config = settings.read({**os.environ, **variables})
        chosen = [one for one in programs.all_programs(config) if one.name not in left_out]
        stop.enter_context(programs.supervised(home, chosen, variables))
        # The first run waits for the process that forks runs.
        grow(engine, "warm-", 1)
        yield engine, config


def grow(engine: sa.Engine, prefix: str, number: int, seconds: float = 300) -> list[str]:
    """Add companies of seven people each and wait for their groups; gives the ids."""
    ids = add(engine, prefix, number)
    settle(engine, seconds)
    return ids


def add(engine: sa.Engine, prefix: str, number: int) -> list[str]:
    """Add companies of seven people each; gives the ids."""
    ids = [f"{prefix}{one:05}" for one in range(1, number + 1)]
    with engine.begin() as conn:
        conn.execute(_COMPANIES, {"ids": ids})
        conn.execute(_PEOPLE, {"ids": ids, "titles": list(_TITLES)})
    return ids


def settle(engine: sa.Engine, seconds: float = 300) -> None:
    """Wait until every change is handled. Raises TooSlow."""
    until = time.monotonic() + seconds
    while True:
        with engine.begin() as conn:
            if not conn.execute(_PENDING).scalar():
                return
        if time.monotonic() > until:
            raise TooSlow(f"after {seconds:g} s there are changes that no group reflects")
        time.sleep(0.1)


def quantiles(seconds: Iterable[float]) -> tuple[float, float, float]:
    """The middle, the 95th percentile (the nearest rank) and the longest of these times."""
    found = sorted(seconds)
    p50, p95 = (found[max(0, math.ceil(share * len(found)) - 1)] for share in (0.5, 0.95))
    return p50, p95, found[-1]


def quantiles_line(part: str, seconds: Iterable[float]) -> str:
    """A line of them."""
    p50, p95, most = quantiles(seconds)
    return f"  {part:<8} p50 {p50:5.2f}  p95 {p95:5.2f}  max {most:5.2f}"


def write_quantiles(part: str, seconds: Iterable[float]) -> None:
    """Print the middle, the 95th percentile (the nearest rank) and the longest of these times."""
    sys.stdout.write(f"{quantiles_line(part, seconds)}\n")


def retitle(engine: sa.Engine, companies: Sequence[str], title: str) -> None:
    """Give one person of each company another title, all in one statement."""
    with engine.begin() as conn:
        conn.execute(
            sa.text("update bg.people set title = :title where id = any(:ids)"),
            {"title": title, "ids": [f"{company}-2" for company in companies]},
        )
