"""`show` and `status`: what there is."""

import socket

import click
from rich.console import Console

from bg_assets import settings
from bg_assets.cli import groups, knowledge, session
from bg_assets.storage import dagster_state, database, overview, webhook_dead


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.option("--json", "as_json", is_flag=True)
def show(company_id: str, as_json: bool) -> None:
    """Print a company's buyer groups with the reason for each member and gap."""
    with session.opened() as engine, database.connect(engine) as conn:
        document = groups.read(conn, company_id)
        if document is None:
            session.require_companies(conn, (company_id,))
    if as_json:
        session.print_json(document)
    elif document is not None:
        groups.print_groups(Console(highlight=False, emoji=False), document)


@click.command()
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """Print what is pending, under way, failed, and whether Dagster runs."""
    with session.opened() as engine:
        config = settings.read()
        with database.connect(engine) as conn:
            counts = overview.read_overview(conn, config.refresh_interval)
            dead = overview.read_dead(conn)
            waiting, lost = webhook_dead.counts(conn)
            templates = knowledge.read(conn, config)
        state = dagster_state.read(database.dagster_url())
    urls = {
        name: f"http://127.0.0.1:{port}{path}"
        for name, port, path in (
            ("ui", config.web_port, ""),
            ("receiver", config.receiver_port, "/webhooks"),
        )
        if _listens(port)
    }
    if as_json:
        session.print_json(
            {
                "pending": {"changes": counts.changes, "companies": counts.companies},
                "deferred": counts.deferred,
                "requested": counts.requested,
                "running": counts.running,
                "failed": counts.failed,
                "dead": counts.dead,
                "oldest_pending_seconds": counts.oldest_pending_seconds,
                "webhooks": {"pending": waiting, "dead": lost},
                "daemon": state.daemon,
                "sensors": state.sensors,
                "urls": urls,
                "templates": templates,
            }
        )
        return
    out = Console(highlight=False, emoji=False)
    out.print(f"changes not in a group yet  {counts.changes}")
    for name, value in (
        ("companies pending", counts.companies),
        ("  deferred", counts.deferred),
        ("  requested", counts.requested),
        ("  running", counts.running),
        ("  failed, tried again", counts.failed),
        ("  dead", counts.dead),
        ("webhook events pending", waiting),
        ("  dead", lost),
    ):
        out.print(f"{name:<27} {value}")
    if counts.oldest_pending_seconds is not None:
        out.print(f"oldest pending change       {counts.oldest_pending_seconds:.0f} s")
    out.print(f"daemon                      {state.daemon}")
    for name, running in state.sensors.items():
        out.print(f"sensor {name:<20} {running}")
    for name, url in urls.items():
        out.print(f"{name:<27} {url}")
    for line in knowledge.in_words(templates):
        out.print(line, markup=False, soft_wrap=True)
    for row in dead:
        said = f"dead: {row['company_id']} after {row['attempt']} attempts: {row['error']}"
        out.print(said, markup=False)
    if lost:
        out.print("see dead events with `bg-assets webhook dead`")
    if dead:
        out.print("try them again with `bg-assets requeue COMPANY`")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False
