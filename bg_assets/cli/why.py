"""`why`: why somebody is or is not in a company's group, and what would have changed it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date
from typing import Any

import click
import sqlalchemy as sa
from rich.markup import escape

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.domain.groups import employment
from bg_assets.domain.groups.why import Why, explain
from bg_assets.domain.products.template import Template
from bg_assets.domain.titles import languages
from bg_assets.domain.titles.verdict import TitleVerdict, classify
from bg_assets.domain.values import departments
from bg_assets.domain.vocabulary import ROLE_LABELS
from bg_assets.products import in_force
from bg_assets.storage import claims, database, instance_settings, overrides, staff
from bg_assets.storage.reports import finding, shown
from bg_assets.terminal import Terminal


@click.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("person_id", metavar="PERSON")
@click.option("--product", help="Only this product; else all of BG_PRODUCTS.")
@click.option("--json", "as_json", is_flag=True)
def why(company_id: str, person_id: str, product: str | None, as_json: bool) -> None:
    """Explain why somebody is or is not in a company's group, and what would have changed it."""
    with session.opened() as engine, database.connect(engine) as conn:
        lookups.require_companies(conn, (company_id,))
        person = lookups.require_known_person(conn, company_id, person_id)
        config, wanted = lookups.require_products(conn, product)
        running = in_force.as_kept(conn, wanted) if instance_settings.read(conn) else None
        force = running or in_force.in_force(engine, config.templates, wanted)
        if force.warning:
            session.say(force.warning)
        document = _document(conn, company_id, person, list(force.of(company_id).values()))
    if as_json:
        terminal.print_json(document)
    else:
        _print(terminal.results, document)


def _document(
    conn: sa.Connection,
    company_id: str,
    person: finding.FoundPerson,
    templates: Sequence[Template],
) -> dict[str, Any]:
    company = staff.read_companies(conn, [company_id])[company_id]
    known = staff.read_staff(conn, [company_id]).get(company_id, [])
    own_overrides = overrides.in_force(conn, company_id, person.person_id)
    today = claims.database_now(conn).astimezone(UTC).date()
    groups = {
        group.product: group
        for group in shown.read_shown(conn, [company_id], names=False).get(company_id, [])
    }
    given = staff.read_overrides(conn, [company_id]).get(company_id, {})
    spoken = languages.of_company(company.country, (one.title for one in known))
    department = departments.apart(person.department, company.name)
    verdict = classify(person.title, department, spoken)
    gone = _gone(company_id, person, today, verdict)
    answers = []
    for template in templates:
        answer = gone or explain(
            company, known, template, today, given.get(template.name, []), person.person_id
        )
        group = groups.get(template.name)
        answers.append(
            {
                "product": template.name,
                "in_group": group is not None
                and any(m.person_id == person.person_id for m in group.members),
                "as_of": group and group.as_of,
                "override": own_overrides.get(template.name),
                **asdict(answer),
            }
        )
    return {
        "company_id": company_id,
        "person_id": person.person_id,
        "title": person.title,
        "department": person.department,
        "function": verdict.function,
        "level": verdict.level,
        "title_confidence": verdict.confidence,
        "reasons": list(verdict.reasons),
        "pending_changes": shown.count_pending(conn, company_id),
        "groups": answers,
    }


def _gone(
    company_id: str, person: finding.FoundPerson, today: date, verdict: TitleVerdict
) -> Why | None:
    """Why somebody is not on the staff, None while they are."""
    if person.deleted:
        return Why(False, None, "gone", "deleted from the people table")
    if person.company_id != company_id:
        because = f"{lookups.where(person)}, not at {company_id}"
        return Why(False, None, "elsewhere", because, would_change=("a move to this company",))
    reason = employment.why_gone(person.status, person.end_date, today, verdict)
    if reason is not None:
        return Why(False, None, "gone", f"no longer on the staff: {reason}")
    later = employment.why_not_yet(person.start_date, today)
    if later is None:
        return None
    because = f"{later}, and today is {today.isoformat()}"
    return Why(False, None, "not-yet", because, would_change=("that day",))


def _print(out: Terminal, document: dict[str, Any]) -> None:
    title = document["title"] or "title unknown"
    unit = f" [{document['department']}]" if document["department"] else ""
    out.print(f"[bold]{escape(title + unit)}[/] ({escape(document['person_id'])})")
    out.print(
        f"read as {document['function'] or 'unknown function'}, "
        f"{document['level'] or 'unknown level'}; "
        f"title read with {document['title_confidence']:.0%}: "
        + escape("; ".join(document["reasons"]) or "nothing to read")
    )
    for group in document["groups"]:
        _print_answer(out, group)
    if document["pending_changes"]:
        number = document["pending_changes"]
        out.print(f"{number} {'change is' if number == 1 else 'changes are'} not in the group yet")


def _print_answer(out: Terminal, group: dict[str, Any]) -> None:
    verdict = "in the group" if group["member"] else "not in the group"
    out.one_line()
    sure = f" (membership {group['membership']:.0%})" if group["membership"] is not None else ""
    out.print(f"[bold]{group['product']}[/]: {verdict}{sure}: {escape(group['because'])}")
    if group["member"] != group["in_group"] and group["as_of"]:
        then = "in" if group["in_group"] else "not in"
        out.print(f"  (as of {group['as_of']} {then} it; the next refresh changes that)")
    if group["override"]:
        override = group["override"]
        out.print(escape(f"  {override['action']} by {override['by']}: {override['reason']}"))
    for role in group["roles"]:
        score = "   -" if role["score"] is None else f"{role['score']:.2f}"
        out.print(f"  {score}  {ROLE_LABELS[role['role']]:<19}{escape(role['because'])}")
    for number, change in enumerate(group["would_change"]):
        start = "  it would be otherwise with: " if number == 0 else "    or: "
        out.print(escape(start + change))
    if group["without"]:
        out.print(escape(f"  without this person: {group['without']}"))
