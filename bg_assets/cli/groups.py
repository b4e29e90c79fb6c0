"""A company's groups as a document, and as a person reads them."""

from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from bg_assets import settings
from bg_assets.cli import session
from bg_assets.domain.groups.renewal import LastRefresh, Renewal, Rules, in_words, renewal
from bg_assets.domain.vocabulary import ROLE_LABELS
from bg_assets.storage import claims, next_refreshes
from bg_assets.storage.capture import attached
from bg_assets.storage.reports import shown
from bg_assets.terminal import Terminal


def read(conn: sa.Connection, company_id: str) -> tuple[dict[str, Any], Renewal | None] | None:
    """The document of `show --json`, and when the group is renewed if it is to be.

    None where no such company is tracked.
    """
    company = shown.read_company(conn, company_id)
    if company is None or company.pop("deleted_at") is not None:
        return None
    refresh = shown.read_last_refresh(conn, company_id)
    last = shown.last_deferring(conn, company_id)
    config = session.settings_in_force(
        conn,
        *("BG_REFRESH_INTERVAL", "BG_SETTLE", "BG_MAX_ATTEMPTS", "BG_PRODUCTS"),
        "BG_REFRESH_WITHOUT_NEWS",
    )
    coming = _renewal(conn, company_id, refresh, last, config)
    return {
        "company": company,
        "refresh": refresh
        and {
            "id": refresh["id"],
            "status": refresh["status"],
            "not_before": _not_before(coming, last, config),
            "finished_at": refresh["finished_at"],
        },
        "next_refresh": _next_refresh(conn, company_id) if config.refresh_without_news else None,
        "pending_changes": shown.count_pending(conn, company_id),
        "groups": [_group(group) for group in _shown(conn, company_id)],
    }, coming


def _shown(conn: sa.Connection, company_id: str) -> list[shown.ShownGroup]:
    """The groups as they stand; without names, and a line on why, where these can't be read."""
    try:
        with conn.begin_nested():
            return shown.read_shown(conn, [company_id], names=True).get(company_id, [])
    except sa.exc.DBAPIError as err:
        lines = attached.unread(conn, err)
        if not lines:
            raise
    session.say(f"names can't be read, and groups stay as they are: {'; '.join(lines)}")
    return shown.read_shown(conn, [company_id], names=False).get(company_id, [])


def _renewal(
    conn: sa.Connection,
    company_id: str,
    refresh: dict[str, Any] | None,
    last: datetime | None,
    config: settings.Settings,
) -> Renewal | None:
    rules = Rules(config.settle, config.refresh_interval, config.max_attempts)
    known = None
    if refresh is not None:
        known = LastRefresh(**{field.name: refresh[field.name] for field in fields(LastRefresh)})
    pending = shown.read_pending(conn, company_id, config.settle)
    return renewal(claims.database_now(conn), pending, known, last, rules)


def _not_before(
    coming: Renewal | None, last: datetime | None, config: settings.Settings
) -> datetime | None:
    """Until when the company waits, or would wait with its next change."""
    if coming is not None:
        return coming.at
    return last + timedelta(seconds=config.refresh_interval) if last else None


def _next_refresh(conn: sa.Connection, company_id: str) -> dict[str, Any] | None:
    """When the company is refreshed though nothing is heard of it, and why so often."""
    found = next_refreshes.read(conn, [company_id]).get(company_id)
    if found is None:
        return None
    return {"at": found.at, "rhythm": found.rhythm, "because": found.because}


def _group(group: shown.ShownGroup) -> dict[str, Any]:
    values = asdict(group)
    values.pop("refresh_id")
    return values


def show(out: Terminal, conn: sa.Connection, company_id: str) -> None:
    """Print a company's groups for a person; nothing where no such company is tracked."""
    found = read(conn, company_id)
    if found is not None:
        print_groups(out, *found)


def print_groups(out: Terminal, document: dict[str, Any], coming: Renewal | None) -> None:
    """Print the document for a person: who, in which role, and why; and when that is renewed."""
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
    for line in _waiting(document, coming):
        out.print(escape(line), soft_wrap=True)
    then = document["next_refresh"]
    if then is not None:
        told = f"without news refreshed at {then['at'].astimezone(UTC):%Y-%m-%d %H:%M %Z}"
        out.print(escape(f"{told}; {then['because']}"), soft_wrap=True)
    for group in document["groups"]:
        out.print(_table(group))
        for gap in group["gaps"]:
            out.print(f"gap: {escape(gap['reason'])}")
        out.print(_figures(group))


def _waiting(document: dict[str, Any], coming: Renewal | None) -> Iterator[str]:
    """What is not in the group yet, when it will be, why not sooner, and what to type."""
    number = document["pending_changes"]
    if number:
        yield f"{number} {'change is' if number == 1 else 'changes are'} not in the group yet"
    if coming is None:
        return
    when = "renewal: "
    if coming.at is not None:
        left = max(0.0, (coming.at - datetime.now(UTC)).total_seconds())
        when += f"at {coming.at:%Y-%m-%d %H:%M:%S %Z}, in {in_words(left)}; "
    yield when + coming.because
    if coming.command is not None:
        yield f"renew it now: `bg-assets {coming.command} {document['company']['id']}`"


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
