"""`show`: who decides at a company, and why."""

import click

from bg_assets import terminal
from bg_assets.cli import groups, lookups, session
from bg_assets.storage import database


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.option("--json", "as_json", is_flag=True)
def show(company_id: str, as_json: bool) -> None:
    """Print a company's buyer groups with the reason for each member and gap."""
    with session.opened() as engine, database.connect(engine) as conn:
        answer = groups.read(conn, company_id)
        if answer is None:
            lookups.require_companies(conn, (company_id,))
            return
    document, coming = answer
    if as_json:
        terminal.print_json(document)
    else:
        groups.print_groups(terminal.results, document, coming)
