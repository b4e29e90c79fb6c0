"""Who types a command, and which companies, person and products it means."""

import os
import pwd
from collections.abc import Sequence

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.cli import session
from bg_assets.domain.values.near import near
from bg_assets.products.files import load_templates
from bg_assets.storage import companies, instance_settings, templates
from bg_assets.storage.reports import finding


def who_types() -> str:
    """The user of this computer, for what is kept with a name: ``uid 5`` where it has none."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def require_companies(conn: sa.Connection, wanted: Sequence[str]) -> None:
    """End with exit code 2 and near matches where a company is not tracked."""
    unknown = companies.unknown(conn, wanted)
    if unknown:
        lines = [finding.no_company(conn, company_id) for company_id in unknown]
        session.fail(lines, session.USAGE)


def require_known_person(
    conn: sa.Connection, company_id: str, person_id: str
) -> finding.FoundPerson:
    """The person, wherever they work now, even if they are deleted.

    Ends with exit code 2 where no person has this id: with near matches among the company's people.
    """
    person = finding.find_person(conn, person_id)
    if person is None:
        close = finding.near_people(conn, company_id, person_id)
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        session.fail(f"no person {person_id} at {company_id}{hint}", session.USAGE)
    return person


def require_person(conn: sa.Connection, company_id: str, person_id: str) -> finding.FoundPerson:
    """The person, if they are among the company's people, even if they left.

    Ends with exit code 2 otherwise: with near matches, or with the company they are at.
    """
    person = require_known_person(conn, company_id, person_id)
    if person.deleted:
        session.fail(f"{person_id} is deleted: nothing is known of them any more", session.USAGE)
    if person.company_id != company_id:
        session.fail(
            f"{person_id} {where(person)}, not at {company_id}: name that company", session.USAGE
        )
    return person


def where(person: finding.FoundPerson) -> str:
    """Where somebody works, in words that follow their id."""
    return f"works at {person.company_id}" if person.company_id else "works at no company"


def require_products(
    conn: sa.Connection, product: str | None
) -> tuple[settings.Settings, tuple[str, ...]]:
    """The settings in force and the products that an option means: all of BG_PRODUCTS without it.

    Ends with exit code 2 and near matches where there is no such product.
    """
    config = session.settings_in_force(conn, "BG_PRODUCTS", "BG_TEMPLATES", "BG_TITLE_TAIL")
    if product is None:
        return config, config.products
    # The folder of templates may be out of reach from here.
    if product not in _products_that_run(conn):
        known = load_templates(config.templates)
        if product not in known:
            session.fail(f"no template is named {product!r}; {near(product, known)}", session.USAGE)
    return config, (product,)


def _products_that_run(conn: sa.Connection) -> frozenset[str]:
    """The products whose templates are in force where bg-assets runs."""
    return frozenset(templates.read(conn)) if instance_settings.read(conn) else frozenset()
