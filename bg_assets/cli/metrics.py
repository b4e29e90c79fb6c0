"""`metrics`: what Prometheus scrapes, as a small server or printed once."""

import click

from bg_assets import settings, terminal
from bg_assets.cli import session


@click.command()
@click.option("--once", is_flag=True, help="Print all metrics once and end, without a server.")
def metrics(once: bool) -> None:
    """Serve metrics for Prometheus on BG_METRICS_PORT, until Ctrl-C.

    They are at /metrics, complete from any one process: the tables hold the truth, and what the
    receivers counted is added up. With the database away it goes on and tells bg_up 0. It listens
    on BG_METRICS_HOST, this machine alone by default; `bg-assets up` runs one.
    """
    from bg_assets.metrics import server

    with session.clear_errors():
        if not once:
            raise SystemExit(server.run(settings.read()))
        with session.opened():
            # What is wrong with the database ends with its own code and sentence.
            pass
        try:
            text = server.exposition(settings.read())
        except server.NothingToRead as err:
            session.fail(str(err), session.UNREACHABLE)
        with terminal.data_out() as out:
            out.write(text)
