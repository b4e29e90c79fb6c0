"""The plans of companies: what is known of them, weighed, with who may answer at which price."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date
from decimal import Decimal

import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    CompanyAsked,
    Kind,
    Level,
    PersonAsked,
    Providers,
    Question,
)
from bg_assets.domain.enrichment.plan import Known, Membership, Offer, Plan, Situation, plan
from bg_assets.domain.groups import employment
from bg_assets.domain.products import sizes
from bg_assets.domain.products.template import Template
from bg_assets.domain.values import regions
from bg_assets.storage import claims, database
from bg_assets.storage.capture import attached
from bg_assets.storage.enrichment import reading

_HEIGHT = tuple(Level)


def asking(templates: Iterable[Template]) -> tuple[Template, ...]:
    """The templates by which anything is asked at all."""
    return tuple(one for one in templates if one.enrichment is not Level.IDENTIFY)


def make(
    engine: sa.Engine,
    templates: Sequence[Template],
    providers: Providers,
    companies: Sequence[str],
    budget: Decimal,
) -> dict[str, Plan]:
    """The plan of each company that is tracked, in order of id; asks and writes nothing.

    ``budget`` is in US dollars a company. Raises DatabaseUnreachable.
    """
    wanted = asking(templates)
    with database.connect(engine) as conn:
        today = claims.database_now(conn).astimezone(UTC).date()
        found = reading.read(conn, companies, [template.name for template in wanted])
        theirs = attached.refusal(conn, "companies") is not None

    def offers(question: Question) -> list[Offer]:
        # What can't be kept of a company in somebody else's table is not paid for.
        if theirs and question.kind is Kind.COMPANY:
            return []
        prices = ((name, one.price(question)) for name, one in providers.items())
        return [Offer(name, price) for name, price in prices if price is not None]

    return {
        company_id: plan(_situation(found, company_id, wanted, today), offers, budget)
        for company_id in found.companies
    }


def _situation(
    found: reading.Found, company_id: str, templates: Collection[Template], today: date
) -> Situation:
    row = found.companies[company_id]
    levels = [
        template.enrichment
        for template in templates
        if regions.not_sold(template.regions, row.country) is None
    ]
    size = sizes.staff_size(row.employee_min, row.employee_max)
    return Situation(
        CompanyAsked(row.id, row.name, row.domain, row.website, row.country),
        max(levels, key=_HEIGHT.index, default=Level.IDENTIFY),
        size_known=size is not None,
        built=row.built,
        staffed=row.staffed,
        people=tuple(_known(person, today) for person in found.people.get(company_id, ())),
        open_roles=tuple(found.gaps.get(company_id, ())),
        lately=frozenset(
            (Kind(kind), who, provider) for kind, who, provider in found.lately.get(company_id, ())
        ),
    )


def _known(person: reading.Person, today: date) -> Known:
    return Known(
        PersonAsked(person.person_id, person.name, person.title, person.email, person.location),
        read=person.function is not None and person.level is not None,
        seen=person.seen,
        there=employment.still_there(person.seen, today),
        memberships=tuple(Membership(**one) for one in person.memberships),
    )


def news(causes: Collection[str]) -> bool:
    """Whether these causes of a refresh leave anything to ask that was not asked just now.

    Causes read ``role_change (import)``. What providers told themselves leaves nothing, but for
    somebody whom they brought.
    """
    return any("(provider:" not in one or one.startswith("person_joined ") for one in causes)
