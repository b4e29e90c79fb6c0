"""A company's groups as a document, and as a person reads them."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from bg_assets import settings
from bg_assets.cli.terminal import Terminal
from bg_assets.domain.roles import ROLE_LABELS
from bg_assets.storage import shown


def read(conn: sa.Connection, company_id: str) -> dict[str, Any] | None:
    """The document of `show --json`; None where no such company is tracked."""
    company = shown.read_company(conn, company_id)
    if company is None or company.pop("deleted_at") is not None:
        return None
    refresh = shown.read_last_refresh(conn, company_id)
    last = shown.last_deferring(conn, company_id)
    interval = timedelta(seconds=settings.read().refresh_interval)
    return {
        "company": company,
        "refresh": refresh
        and {
            "id": refresh["id"],
            "status": refresh["status"],
            "not_before": last + interval if last else None,
            "finished_at": refresh["finished_at"],
        },
        "pending_changes": shown.count_pending(conn, company_id),
        "groups": [
            _group(group)
            for group in shown.read_shown(conn, [company_id], names=True).get(company_id, [])
        ],
    }


def _group(group: shown.ShownGroup) -> dict[str, Any]:
    values = asdict(group)
    values.pop("refresh_id")
    return values


def print_groups(out: Terminal, document: dict[str, Any] | None) -> None:
    """Print the document for a person: who, in which role, and why."""
    if document is None:
        return
    company, refresh = document["company"], document["refresh"]
    size = _size(company["employee_min"], company["employee_max"])
    out.print(f"[bold]{escape(company['name'])}[/] ({escape(company['id'])}), {size}")
    if refresh is None:
        out.print("not refreshed yet")
    else:
        when = refresh["finished_at"]
        out.print(
            f"refresh {refresh['status']}" + (f" {when:%Y-%m-%d %H:%M:%S %Z}" if when else "")
        )
    if document["pending_changes"]:
        out.print(f"{document['pending_changes']} changes are not in the group yet")
    for group in document["groups"]:
        out.print(_table(group))
        for gap in group["gaps"]:
            out.print(f"gap: {escape(gap['reason'])}")
        out.print(_figures(group))


def _table(group: dict[str, Any]) -> Table:
    table = Table(
        title=f"{group['product']} as of {group['as_of']}", title_justify="left", box=None
    )
    for heading in ("role", "who and why", "membership"):
        justify: Literal["left", "right"] = "right" if heading == "membership" else "left"
        # An id is for copying: folded, never cut.
        table.add_column(heading, justify=justify, overflow="fold")
    for member in group["members"]:
        name = (
            f"{member['name']} ({member['person_id']})" if member["name"] else member["person_id"]
        )
        table.add_row(
            ROLE_LABELS[member["role"]] + (" (pinned)" if member["pinned"] else ""),
            Group(
                f"[bold]{escape(member['title'] or 'title unknown')}[/]",
                escape(name),
                f"[dim]{escape('; '.join(member['reasons']))}[/]",
            ),
            f"{member['confidence']:.0%}",
        )
    return table


def _figures(group: dict[str, Any]) -> str:
    confidence = group["confidence"]
    cohesion = group["cohesion"]
    return escape(
        f"completeness {group['completeness']:.0%}, coverage {group['coverage']:.0%}, "
        f"membership {'unknown' if confidence is None else format(confidence, '.0%')} on average, "
        "cohesion "
        + (
            f"{cohesion:.1f} of 10"
            if cohesion is not None
            else f"unknown: {group['cohesion_reason']}"
        )
    )


def _size(least: int | None, most: int | None) -> str:
    if least is None and most is None:
        return "size unknown"
    if most is None:
        return f"{least:,} employees or more"
    return f"{most:,} employees" if least in (most, None) else f"{least:,} to {most:,} employees"
