"""`templates diff`: both groups of every company, computed from what is known, and nothing written.

What another template would change is printed as it is found, company by company.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date
from itertools import islice

import sqlalchemy as sa
from rich.progress import Progress

from bg_assets import terminal
from bg_assets.cli import session
from bg_assets.domain.groups.comparison import CompanyDifference, Person, Totals, compare
from bg_assets.domain.groups.group import BuyerGroup, Company, Override, StaffMember, decide
from bg_assets.domain.groups.outcome import not_sold
from bg_assets.domain.products.template import Template
from bg_assets.domain.vocabulary import ROLE_LABELS
from bg_assets.storage import claims, database, staff

BATCH = 200  # companies whose people are held in memory at once


class Comparison:
    """Two templates over companies; ``totals`` and ``failed`` stand once ``run`` is through."""

    def __init__(self, engine: sa.Engine, old: Template, new: Template) -> None:
        self._engine = engine
        self._old, self._new = old, new
        self.totals = Totals()
        self.failed: list[str] = []
        self.unread = 0

    def run(self, companies: Sequence[str]) -> Iterator[CompanyDifference]:
        """The difference of each company, in the order given; those not read yet are left out."""
        rest = iter(companies)
        bar = Progress(console=terminal.messages, disable=not session.is_terminal(), transient=True)
        with bar:
            task = bar.add_task("comparing", total=len(companies))
            while batch := list(islice(rest, BATCH)):
                yield from self._batch(batch)
                bar.advance(task, len(batch))

    def _batch(self, batch: Sequence[str]) -> Iterator[CompanyDifference]:
        with database.connect(self._engine) as conn:
            known = staff.read_companies(conn, batch)
            people = staff.read_staff(conn, batch)
            overrides = staff.read_overrides(conn, batch)
            today = claims.database_now(conn).astimezone(UTC).date()
        for company_id in batch:
            if company_id not in known or company_id not in people:
                self.unread += 1
                continue
            try:
                groups = self._groups(
                    known[company_id], people[company_id], today, overrides.get(company_id, {})
                )
            except Exception as err:
                # One that can't be judged takes nobody with it; what it says may hold data.
                self.failed.append(f"{company_id}: {type(err).__name__}")
                continue
            titles = {person.person_id: person.title for person in people[company_id]}
            difference = compare(company_id, titles, *groups)
            self.totals.add(*groups, difference)
            yield difference

    def _groups(
        self,
        company: Company,
        people: Sequence[StaffMember],
        today: date,
        overrides: dict[str, list[Override]],
    ) -> tuple[BuyerGroup | None, BuyerGroup | None]:
        def group(template: Template) -> BuyerGroup | None:
            if not_sold(company, template):
                return None
            return decide(company, people, template, today, overrides.get(template.name, []))

        return group(self._old), group(self._new)


def print_document(
    comparison: Comparison, old: Template, new: Template, found: Iterator[CompanyDifference]
) -> None:
    """One JSON document, written while companies are compared: those that differ, then totals."""
    sides = {
        side: {"name": template.name, "version": template.version, "hash": template.hash}
        for side, template in (("old", old), ("new", new))
    }
    with terminal.data_out() as out:
        out.write(f'{{"old": {_json(sides["old"])},\n "new": {_json(sides["new"])},\n')
        out.write(' "companies": [')
        between = "\n  "
        for difference in found:
            if difference.any:
                out.write(between + _json(_document(difference)))
                between = ",\n  "
        ending = {
            "totals": comparison.totals.figures(),
            "unread": comparison.unread,
            "failed": comparison.failed,
        }
        out.write("],\n " + _json(ending)[1:] + "\n")


def _json(document: object) -> str:
    return terminal.json_text(document, indent=None)


def _document(one: CompanyDifference) -> dict[str, object]:
    values = asdict(one)
    for gaps in ("gaps_opened", "gaps_closed"):
        values[gaps] = [{"role": role, "reason": reason} for role, reason in values[gaps]]
    return values


def print_lines(
    comparison: Comparison,
    found: Iterator[CompanyDifference],
    details: int,
    say: Callable[[str], None],
) -> None:
    """The same for people: the first companies that differ one by one, then the totals."""
    shown = 0
    for difference in found:
        if difference.any and shown < details:
            shown += 1
            for line in _lines(difference):
                say(line)
    totals = comparison.totals
    if totals.changed > shown:
        say(f"... and {totals.changed - shown} more companies; --details N shows more of them")
    say("")
    say(f"{totals.changed} of {totals.companies} companies would have another group:")
    say(f"  {totals.larger} larger, {totals.smaller} smaller")
    say(
        f"  people: {totals.joined} come, {totals.left} go, {totals.role_changed} change their role"
    )
    say(f"  gaps: {totals.gaps_opened} open, {totals.gaps_closed} close")
    say("")
    for line in _table(comparison):
        say(line)


def _lines(one: CompanyDifference) -> Iterator[str]:
    yield f"{one.company_id}: {one.old_size} -> {one.new_size} people"
    for sign, people in (("+", one.joined), ("-", one.left), ("~", one.role_changed)):
        for person in people:
            yield f"  {sign} {person.person_id}, {person.title or 'title unknown'}: {_role(person)}"
    for what, gaps in (("opens", one.gaps_opened), ("closes", one.gaps_closed)):
        for _, reason in gaps:
            yield f"  gap {what}: {reason}"


def _role(person: Person) -> str:
    roles = [ROLE_LABELS[role] for role in (person.old_role, person.new_role) if role]
    return " -> ".join(roles)


def _table(comparison: Comparison) -> Iterator[str]:
    old, new = comparison.totals.old.figures(), comparison.totals.new.figures()
    yield f"{'':<24}{'old':>10}{'new':>10}"
    for name in ("groups", "members", "mean_size", "completeness", "confidence"):
        yield f"{name.replace('_', ' '):<24}{_figure(old[name]):>10}{_figure(new[name]):>10}"
    for kind in ("roles", "gaps"):
        for role, label in ROLE_LABELS.items():
            name = f"{label}s" if kind == "roles" else f"gaps: {label}"
            yield f"{name:<24}{old[kind][role]:>10,}{new[kind][role]:>10,}"
    yield f"{'gaps: other':<24}{old['gaps']['other']:>10,}{new['gaps']['other']:>10,}"


def _figure(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
