"""`show` and `status`: what there is."""

import socket
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bg_assets import settings
from bg_assets.cli import session
from bg_assets.domain.roles import ROLE_LABELS
from bg_assets.storage import database, overview, shown


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.option("--json", "as_json", is_flag=True)
def show(company_id: str, as_json: bool) -> None:
    """Print a company's buyer groups with the reason for each member and gap."""
    interval = timedelta(seconds=settings.read().refresh_interval)
    with session.opened() as engine, database.connect(engine) as conn:
        company = shown.read_company(conn, company_id)
        if company is None or company.pop("deleted_at") is not None:
            session.require_companies(conn, (company_id,))
        groups = shown.read_shown(conn, [company_id], names=True).get(company_id, [])
        refresh = shown.read_last_refresh(conn, company_id)
        last = shown.last_deferring(conn, company_id)
        pending = shown.count_pending(conn, company_id)
    if refresh is not None:
        refresh = {
            "id": refresh["id"],
            "status": refresh["status"],
            "not_before": last + interval if last else None,
            "finished_at": refresh["finished_at"],
        }
    document = {
        "company": company,
        "refresh": refresh,
        "pending_changes": pending,
        "groups": [_group(group) for group in groups],
    }
    if as_json:
        session.print_json(document)
    else:
        _print(document)


def _group(group: shown.ShownGroup) -> dict[str, Any]:
    values = asdict(group)
    values.pop("refresh_id")
    return values


def _print(document: dict[str, Any]) -> None:
    out = Console(highlight=False)
    company, refresh = document["company"], document["refresh"]
    size = _size(company["employee_min"], company["employee_max"])
    out.print(f"[bold]{session.escape(company['name'])}[/] ({company['id']}), {size}")
    if refresh is None:
        out.print("not refreshed yet")
    else:
        when = refresh["finished_at"]
        out.print(f"refresh {refresh['status']}" + (f" {when:%Y-%m-%d %H:%M:%S %Z}" if when else ""))
    if document["pending_changes"]:
        out.print(f"{document['pending_changes']} changes are not in the group yet")
    for group in document["groups"]:
        out.print(_table(group))
        for gap in group["gaps"]:
            out.print(f"gap: no {ROLE_LABELS[gap['role']]}: {session.escape(gap['reason'])}")
        out.print(_figures(group))


def _table(group: dict[str, Any]) -> Table:
    table = Table(title=f"{group['product']} as of {group['as_of']}", title_justify="left")
    for heading in ("role", "person", "title", "confidence", "reasons"):
        table.add_column(heading, justify="right" if heading == "confidence" else "left")
    for member in group["members"]:
        table.add_row(
            ROLE_LABELS[member["role"]] + (" (pinned)" if member["pinned"] else ""),
            session.escape(member["name"] or member["person_id"]),
            session.escape(member["title"] or "unknown"),
            f"{member['confidence']:.0%}",
            session.escape("; ".join(member["reasons"])),
        )
    return table


def _figures(group: dict[str, Any]) -> str:
    confidence = group["confidence"]
    cohesion = group["cohesion"]
    return session.escape(
        f"completeness {group['completeness']:.0%}, coverage {group['coverage']:.0%}, "
        f"confidence {'unknown' if confidence is None else format(confidence, '.0%')}, cohesion "
        + (f"{cohesion:.1f} of 10" if cohesion is not None else f"unknown: {group['cohesion_reason']}")
    )


def _size(least: int | None, most: int | None) -> str:
    if least is None and most is None:
        return "size unknown"
    if most is None:
        return f"{least:,} employees or more"
    return f"{most:,} employees" if least in (most, None) else f"{least:,} to {most:,} employees"


@click.command()
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """Print what is pending, under way, failed, and whether Dagster runs."""
    config = settings.read()
    with session.opened() as engine, database.connect(engine) as conn:
        counts = overview.read_overview(conn, config.refresh_interval)
        dead = overview.read_dead(conn)
        from bg_assets.storage import dagster_state

        state = dagster_state.read(database.dagster_url())
    urls = {"ui": f"http://127.0.0.1:{config.web_port}"} if _listens(config.web_port) else {}
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
                "daemon": state.daemon,
                "sensors": state.sensors,
                "urls": urls,
            }
        )
        return
    out = Console(highlight=False)
    out.print(f"changes not in a group yet  {counts.changes}")
    for name, value in (
        ("companies pending", counts.companies),
        ("  deferred", counts.deferred),
        ("  requested", counts.requested),
        ("  running", counts.running),
        ("  failed, tried again", counts.failed),
        ("  dead", counts.dead),
    ):
        out.print(f"{name:<27} {value}")
    if counts.oldest_pending_seconds is not None:
        out.print(f"oldest pending change       {counts.oldest_pending_seconds:.0f} s")
    out.print(f"daemon                      {state.daemon}")
    for name, value in state.sensors.items():
        out.print(f"sensor {name:<20} {value}")
    for name, url in urls.items():
        out.print(f"{name:<27} {url}")
    for row in dead:
        out.print(
            session.escape(f"dead: {row['company_id']} after {row['attempt']} attempts: {row['error']}")
        )
    if dead:
        out.print("try them again with `bg-assets requeue COMPANY`")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False
