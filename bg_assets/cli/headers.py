"""`headers`: under which headers the columns of files are known, to read and to extend."""

import csv

import click

from bg_assets import settings, terminal
from bg_assets.cli import session
from bg_assets.files import spellings


@click.command()
@click.option("--json", "as_json", is_flag=True)
def headers(as_json: bool) -> None:
    """Print the table by which headers of CRM exports and lists are known, as CSV.

    To know more, write lines of your own to a file and name it in BG_HEADERS; they are read before
    the shipped ones. `A + B` joins two columns; column may be empty; mark `yes` says that a file
    with this header is of this system; the lines of a system without such a mark, and those of
    `any`, hold for every file.
    """
    with session.clear_errors():
        rows = list(spellings.rows(settings.read().headers))
    if as_json:
        terminal.print_json(rows)
        return
    with terminal.data_out() as out:
        writer = csv.DictWriter(out, spellings.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
