"""`migrate`, `dsn` and `sample`: the database as such, and something to put into it."""

from pathlib import Path

import click
import sqlalchemy as sa

from bg_assets import terminal
from bg_assets.cli import session
from bg_assets.storage import database


@click.command()
def migrate() -> None:
    """Bring the tables to this version. Safe to repeat, and when two start at once."""
    with session.clear_errors():
        done = database.migrate(database.bg_url())
    for line in done or ["nothing to do: the tables are at this version"]:
        terminal.tell(line)


@click.command()
def dsn() -> None:
    """Print the URL that psql takes.

    The embedded server answers there while `up` or another command runs.
    """
    with session.clear_errors():
        url = sa.make_url(database.bg_url()).set(drivername="postgresql")
    terminal.tell(url.render_as_string(hide_password=False))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--companies", default=300, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--seed", default=7, show_default=True)
def sample(folder: Path, companies: int, seed: int) -> None:
    """Write invented companies and people, ready to import, to FOLDER."""
    from bg_assets.sample import world as samples

    with session.clear_errors():
        folder.mkdir(parents=True, exist_ok=True)
        written = samples.write_sample(folder, companies, seed)
    for path in written[:2]:
        terminal.tell(str(path))
