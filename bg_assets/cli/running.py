"""`up`, `demo` and `receiver`: what runs on this machine."""

import click

from bg_assets import settings
from bg_assets.cli import groups, session
from bg_assets.local.programs import CannotStart


@click.command()
def up() -> None:
    """Run the database, Dagster's daemon and its UI until Ctrl-C; restart what dies."""
    from bg_assets.local import up as running

    with session.clear_errors():
        try:
            raise SystemExit(running.up(session.say))
        except CannotStart as err:
            session.fail(str(err), session.USAGE)


@click.command()
@click.option("--companies", default=300, show_default=True, type=click.IntRange(20, 20_000))
@click.option("--seed", default=7, show_default=True)
def demo(companies: int, seed: int) -> None:
    """Build the groups of sample companies, change some people, and show what happens.

    Works in a folder of its own: your data is not touched.
    """
    from bg_assets.local import demo as running

    with session.clear_errors():
        try:
            raise SystemExit(running.demo(companies, seed, groups.show))
        except CannotStart as err:
            session.fail(str(err), session.USAGE)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--share-port", is_flag=True, help="Let several processes listen on the port.")
def receiver(host: str, share_port: bool) -> None:
    """Run the webhook door alone, on BG_RECEIVER_PORT, until Ctrl-C."""
    from bg_assets.receiver import server

    with session.clear_errors():
        raise SystemExit(server.run(settings.read(), host, share_port))
