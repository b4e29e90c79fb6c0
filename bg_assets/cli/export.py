"""`export`: all groups as a file for other systems."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.domain.values.formulas import is_formula
from bg_assets.domain.values.near import near
from bg_assets.domain.vocabulary import EXPORTED_ROLES
from bg_assets.storage import database
from bg_assets.storage.reports import export as exporting
from bg_assets.writing import WholeFile

_OF_GROUP = ("workspace", "company_id", "company_name", "company_domain", "product", "as_of")
_OF_MEMBER = (
    "person_id", "name", "email", "title", "department", "function", "level", "role",
    "confidence", "influence", "pinned", "reasons",
)  # fmt: skip


@click.command(name="export")
@click.argument("file", metavar="[FILE|-]", default="-", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["csv", "json"]), help="Else by FILE, or csv.")
@click.option("--product", help="Only this product.")
@click.option("--workspace", help="Only companies of this workspace.")
@click.option("--company", "companies", multiple=True, help="Only this company; repeatable.")
@click.option(
    "--roles", type=click.Choice(list(EXPORTED_ROLES)), default="ours", help="Whose role names."
)
def export(
    file: Path,
    form: str | None,
    product: str | None,
    workspace: str | None,
    companies: tuple[str, ...],
    roles: str,
) -> None:
    """Write all groups: a row for each member in CSV, a document for each group in JSON.

    Names and addresses are in the file. A text that a spreadsheet would take for a formula gets an
    apostrophe before it in CSV. The file appears whole or not at all; a device or a pipe is written
    through.
    """
    to_json = (form or ("json" if file.suffix == ".json" else "csv")) == "json"
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
            counts = _write_json(out, named) if to_json else _write_csv(out, named)
    where = "" if str(file) == "-" else f" to {file}"
    what = (_counted(number, one) for number, one in zip(counts, ("group", "member"), strict=True))
    session.say(f"{' with '.join(what)} written{where}")


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


def _write_csv(out: TextIO, groups: Iterable[dict[str, Any]]) -> tuple[int, int]:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*_OF_GROUP, *_OF_MEMBER))
    written = members = 0
    for group in groups:
        written += 1
        for member in group["members"]:
            members += 1
            cells = [group[name] for name in _OF_GROUP] + [member[name] for name in _OF_MEMBER]
            writer.writerow([_cell(cell) for cell in cells])
    return written, members


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and is_formula(value):
        return f"'{value}"
    return value


def _write_json(out: TextIO, groups: Iterable[dict[str, Any]]) -> tuple[int, int]:
    written = members = 0
    out.write("[")
    for group in groups:
        out.write(("," if written else "") + "\n" + terminal.json_text(group))
        written += 1
        members += len(group["members"])
    out.write("\n]\n")
    return written, members
