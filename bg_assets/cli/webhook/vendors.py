"""`webhook vendors`: which webhooks of CRMs are understood, and what of them means what."""

from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape
from rich.table import Table as Shown

from bg_assets import settings, terminal
from bg_assets.cli import session
from bg_assets.domain.webhooks.vendors.table import VENDORS, Row, Table
from bg_assets.receiver import own_fields


@click.command(short_help="Print which webhooks of CRMs are understood.")
@click.argument("vendor", required=False, type=click.Choice(VENDORS))
@click.option("--json", "as_json", is_flag=True)
def vendors(vendor: str | None, as_json: bool) -> None:
    """Print which webhooks of CRMs are understood: events, fields and how each shows who it is.

    To have more fields read, write a TOML file and name it in BG_WEBHOOK_FIELDS, for the door too:

    \b
        [hubspot]
        our_job_title = "title"
        [pipedrive]
        "custom_fields.d4de1c1518b4531717c676029a45911c340390a6" = "department"

        [hubspot.companies]
        our_headcount = "employee_count"

    To the left stands the field as the vendor names it, to the right one of name, title,
    department, seniority, email and location; of companies one of name, domain, website, industry,
    employee_count, revenue and country. Paths go by dots; "A + B" joins two fields.
    """
    with session.clear_errors():
        chosen = [
            table for name, table in own_fields.tables_of(settings.read()).items()
            if vendor in (None, name)
        ]  # fmt: skip
    if as_json:
        terminal.print_json({"vendors": [_document(table) for table in chosen]})
        return
    for table in chosen:
        _print(table)


def _document(table: Table) -> dict[str, Any]:
    return {
        "vendor": table.vendor,
        "name": table.name,
        "signature": table.signature.kind,
        "secret": table.signature.secret,
        "events": [
            {name: value for name, value in asdict(row).items() if value} for row in table.rows
        ],
        "fields": dict(table.fields),
        "companies": dict(table.companies),
    }


def _print(table: Table) -> None:
    terminal.tell(f"{table.name} (--scheme {table.vendor}): its secret is {table.signature.secret}")
    for columns, rows in (
        (("event", "where", "means"), [_event(row) for row in table.rows]),
        (("field of a person", "column"), list(table.fields.items())),
        (("field of a company", "column"), list(table.companies.items())),
    ):
        shown = Shown(box=None, pad_edge=False)
        for column in columns:
            shown.add_column(column, overflow="fold")
        for row in rows:
            shown.add_row(*map(escape, row))
        terminal.results.print(shown)
    terminal.tell("")


def _event(row: Row) -> tuple[str, str, str]:
    where = [f"{path} is {str(value).lower() if value is True else value}"
             for path, value in row.when.items()]  # fmt: skip
    where += [f"{path} is there" for path in row.has] + [f"no {path}" for path in row.lacks]
    return row.type, ", ".join(where), row.means or f"ignored: {row.ignored}"
