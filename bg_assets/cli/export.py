"""`export`: all groups as a file for other systems."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from bg_assets import terminal
from bg_assets.cli import export_formats, lookups, session
from bg_assets.cli.export_formats import BadFormat, Counts, Format, Groups
from bg_assets.domain.values.near import near
from bg_assets.domain.vocabulary import EXPORTED_ROLES
from bg_assets.storage import database
from bg_assets.storage.reports import export as exporting
from bg_assets.writing import WholeFile


@click.command(name="export")
@click.argument("file", metavar="[FILE|-]", default="-", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(export_formats.FORMATS), help="Else by FILE, or csv."
)
@click.option("--product", help="Only this product.")
@click.option("--workspace", help="Only companies of this workspace.")
@click.option("--company", "companies", multiple=True, help="Only this company; repeatable.")
@click.option(
    "--roles", type=click.Choice(list(EXPORTED_ROLES)), default="ours", help="Whose role names."
)
def export(
    file: Path,
    form: Format | None,
    product: str | None,
    workspace: str | None,
    companies: tuple[str, ...],
    roles: str,
) -> None:
    """Write all groups: a document for each group in JSON, else a row for each member.

    The ending of FILE says how: .csv, .json, .jsonl (a document a line), .xlsx or .parquet, and .gz
    behind those of text. Names and addresses are in the file. A text that a spreadsheet would take
    for a formula gets an apostrophe before it in CSV, and is a text in .xlsx. The file appears
    whole or not at all; a device or a pipe is written through.
    """
    form = _format(file, form)
    with session.opened() as engine:
        with database.connect(engine) as conn:
            lookups.require_companies(conn, companies)
            known = exporting.workspaces(conn)
            if product is not None:
                lookups.require_products(conn, product)
        if workspace is not None and workspace not in known:
            session.fail(f"no company is in workspace {workspace!r}; {near(workspace, known)}",
                         session.USAGE)  # fmt: skip
        snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
        with _open(file) as out, database.connect(snapshot) as conn:
            groups = exporting.groups(
                conn, product=product, workspace=workspace, companies=companies or None
            )
            named = (_renamed(group, EXPORTED_ROLES[roles]) for group in groups)
            counts = _written(form, out, named, packed=file.suffix.lower() == ".gz")
    where = "" if str(file) == "-" else f" to {file}"
    what = (
        _counted(number, noun) for number, noun in zip(counts, ("group", "member"), strict=True)
    )
    session.say(f"{' with '.join(what)} written{where}")


def _format(file: Path, asked: Format | None) -> Format:
    try:
        form = export_formats.of(file, asked)
    except BadFormat as err:
        session.fail(str(err), session.USAGE)
    if str(file) == "-" and form in export_formats.BINARY and session.prints_to_terminal():
        session.fail(f"{form} is no text to look at: name a file", session.USAGE)
    return form


def _written(form: Format, out: TextIO, groups: Groups, *, packed: bool) -> Counts:
    try:
        return export_formats.write(form, out, groups, packed=packed)
    except BadFormat as err:
        session.fail(str(err), session.FAILED)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@contextmanager
def _open(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        with terminal.data_out() as out:
            yield out
        return
    # Names and addresses: a new file is for nobody else to read.
    with WholeFile(file, 0o600) as out:
        yield out.text


def _renamed(group: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    for named in (*group["members"], *group["gaps"]):
        # A gap may be none of a role.
        named["role"] = named["role"] and names[named["role"]]
    return group
