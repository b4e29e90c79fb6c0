"""`enrich`: ask providers of outside data about companies now, or show what would be asked."""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import click
import sqlalchemy as sa

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.domain.enrichment.asking import Kind
from bg_assets.domain.enrichment.plan import Item, LeftOut, Plan
from bg_assets.enriching import enrichment, plans
from bg_assets.enriching.enrichment import Asked, Enriched
from bg_assets.enriching.ready import NO_LEVEL, NO_PROVIDER, Ready, ready
from bg_assets.settings import Settings
from bg_assets.storage import claims, database
from bg_assets.storage.enrichment.writing import Written
from bg_assets.storage.operations import bill
from bg_assets.storage.operations.policy import policy_of

_MOST_LEFT_OUT = 5
_ADVICE = {
    NO_PROVIDER: "; name one, as in BG_PROVIDERS=csv with BG_ENRICH_CSV=people.csv, or "
    "BG_PROVIDERS=pdl with BG_PDL_KEY",
    NO_LEVEL: "; write it into the template of a product (`bg-assets templates show PRODUCT`)",
}


@click.command()
@click.argument("ids", metavar="COMPANY...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only show what would be asked, at which price.")
@click.option("--json", "as_json", is_flag=True)
def enrich(ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Ask providers what is missing or in doubt at companies, and write what they saw.

    At most three people a company, those who matter most and whose employment is most in doubt,
    within BG_ENRICH_BUDGET and the caps. A provider never overwrites what was written or seen after
    it looked. The groups follow in seconds. Costs are US dollars.

    Ends with exit code 1 where not all could be asked, or of a company nothing was answered.
    """
    with session.opened() as engine:
        with database.connect(engine) as conn:
            lookups.require_companies(conn, ids)
            config = session.settings_in_force(conn, "BG_PRODUCTS", "BG_TEMPLATES")
        have = ready(engine, config)
        if isinstance(have, str):
            session.fail(have + _ADVICE.get(have, ""), session.USAGE)
        for mistake in have.mistakes:
            session.say(mistake)
        made = plans.make(
            engine, have.templates, have.asking.providers, sorted(set(ids)), have.budget
        )
        document: dict[str, Any] = {"dry_run": dry_run, "companies": []}
        not_done, unanswered = [], {}
        for plan in made.values():
            enriched = None if dry_run else _carried_out(engine, plan, have)
            if enriched is not None and enriched.not_done is not None:
                not_done.append(plan.company_id)
            elif enriched is not None and enriched.unanswered:
                unanswered[plan.company_id] = enriched.unanswered
            if as_json:
                document["companies"].append(_company(plan, enriched))
            else:
                _print(plan, enriched)
        _end(engine, config, have, made.values(), document, as_json=as_json)
    lines = [
        f"no question about {company} was answered: {why}; nothing was taken in, and the same is "
        "not asked again before an answer would have expired"
        for company, why in unanswered.items()
    ]
    if not_done:
        lines.append(
            f"not all could be asked about {', '.join(not_done)}: that is tried again by itself "
            "while bg-assets runs, and by this command"
        )
    if lines:
        session.fail(lines, session.FAILED)


def _carried_out(engine: sa.Engine, plan: Plan, have: Ready) -> Enriched:
    with session.working(f"asking about {plan.company_id}"):
        return enrichment.carry_out(engine, plan, have.asking)


def _end(
    engine: sa.Engine,
    config: Settings,
    have: Ready,
    made: Iterable[Plan],
    document: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """The sums, and what the caps leave to each provider."""
    caps = _caps(engine, config, have)
    most = sum((plan.most for plan in made), Decimal(0))
    if as_json:
        terminal.print_json({**document, "most": most, "providers": caps})
        return
    if document["dry_run"]:
        terminal.tell(f"together {most:.2f} US dollars at most; nothing was asked")
    for one in caps:
        terminal.tell(_cap_line(one))


def _caps(engine: sa.Engine, config: Settings, have: Ready) -> list[dict[str, Any]]:
    policy = policy_of(config)
    found = []
    with database.connect(engine) as conn:
        now = claims.database_now(conn)
        for name in have.asking.providers:
            caps, spent = policy.caps(name), bill.spent(conn, name, now)
            found.append(
                {
                    "name": name,
                    "daily": caps.daily,
                    "spent_today": spent.today,
                    "left_today": _left(caps.daily, spent.today),
                    "monthly": caps.monthly,
                    "spent_this_month": spent.month,
                    "left_this_month": _left(caps.monthly, spent.month),
                }
            )
    return found


def _left(cap: Decimal | None, spent: Decimal) -> Decimal | None:
    return None if cap is None else max(Decimal(0), cap - spent)


def _cap_line(one: dict[str, Any]) -> str:
    parts = [
        f"{one[f'left_{when}']:.2f} of {one[cap]:.2f} US dollars left {words}"
        for when, cap, words in (
            ("today", "daily", "today"),
            ("this_month", "monthly", "this month"),
        )
        if one[cap] is not None
    ]
    said = ", ".join(parts) or "no cap is set, so that only what is free is asked"
    return f"{one['name']}: {said}"


def _print(plan: Plan, enriched: Enriched | None) -> None:
    terminal.results.one_line(f"{plan.company_id}: {_headline(plan, enriched)}")
    if enriched is None:
        for item in plan.items:
            offers = ", else ".join(f"{one.provider} {one.price:.2f}" for one in item.offers)
            terminal.tell(f"  {offers}  {_whom(item)}: {'; '.join(item.reasons)}")
    else:
        for asked in enriched.asked:
            terminal.tell(
                f"  {asked.provider} {asked.cost:.2f}  {_whom(asked.item)}: {_came(asked)}"
            )
        for line in _written_lines(enriched.written or Written()):
            terminal.tell(f"  {line}")
    for left in plan.left_out[:_MOST_LEFT_OUT]:
        terminal.tell(f"  not asked  {_whom(left.item)}: {left.because}")
    if len(plan.left_out) > _MOST_LEFT_OUT:
        terminal.tell(f"  and {len(plan.left_out) - _MOST_LEFT_OUT} more not asked (--json)")


def _headline(plan: Plan, enriched: Enriched | None) -> str:
    number = len(plan.items)
    if plan.because:
        return f"nothing to ask: {plan.because}"
    if not number:
        return "nothing to ask" if plan.left_out else "nothing is missing or in doubt"
    questions = "1 question" if number == 1 else f"{number} questions"
    if enriched is None:
        return f"{questions}, {plan.most:.2f} US dollars at most (budget {plan.budget:.2f})"
    return f"{questions}, cost {enriched.cost:.2f} US dollars"


def _whom(item: Item) -> str:
    person = item.question.person
    if person is None:
        what = "the company" if item.question.kind is Kind.COMPANY else "who else works there"
        return f"{what}, {item.question.company.name}"
    return f"{person.name or 'name unknown'} ({person.id}), {person.title or 'title unknown'}"


_CAME = {
    "found": "found",
    "not_found": "nobody found",
    "another": "not the one that was asked for",
    "refused": "not answered",
    "not_checked": "could not be checked",
}


def _came(asked: Asked) -> str:
    said = _CAME[asked.outcome]
    if asked.outcome == "not_found" and asked.item.question.kind is Kind.COMPANY:
        said = "not found"
    return f"{said}: {asked.because}" if asked.because else said


def _written_lines(written: Written) -> list[str]:
    lines = [f"written  {who}: {', '.join(columns)}" for who, columns in written.people.items()]
    lines += [f"confirmed  {who}" for who in written.confirmed]
    lines += [f"new  {who}" for who in written.created]
    if written.company:
        lines.append(f"written  the company: {', '.join(written.company)}")
    for said, told in (("refused", written.refused), ("kept", written.kept)):
        lines += [f"{said}  {who or 'the company'}: {why}" for who, why in told]
    return lines


def _company(plan: Plan, enriched: Enriched | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "company_id": plan.company_id,
        "budget": plan.budget,
        "price": plan.price,
        "most": plan.most,
        "because": plan.because or None,
        "items": [_item(item) for item in plan.items],
        "left_out": [_left_out(one) for one in plan.left_out],
    }
    if enriched is None:
        return document
    return document | {
        "cost": enriched.cost,
        "not_done": enriched.not_done,
        "asked": [
            {
                "kind": one.item.question.kind.value,
                "person_id": one.item.person_id or None,
                "provider": one.provider,
                "outcome": one.outcome,
                "because": one.because or None,
                "cost": one.cost,
            }
            for one in enriched.asked
        ],
        "written": _written(enriched.written),
    }


def _written(written: Written | None) -> dict[str, Any] | None:
    if written is None:
        return None
    document = asdict(written)
    for name in ("refused", "kept"):
        document[name] = [{"person_id": who or None, "because": why} for who, why in document[name]]
    return document


def _item(item: Item) -> dict[str, Any]:
    person = item.question.person
    return {
        "kind": item.question.kind.value,
        "person_id": item.person_id or None,
        "name": person.name if person else None,
        "title": person.title if person else None,
        "why": list(item.reasons),
        "worth": item.worth,
        "most": item.question.most or None,
        "offers": [{"provider": one.provider, "price": one.price} for one in item.offers],
    }


def _left_out(left: LeftOut) -> dict[str, Any]:
    return {**_item(left.item), "because": left.because}
