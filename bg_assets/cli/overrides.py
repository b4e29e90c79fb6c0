"""`pin`, `exclude` and `unpin`: a human's word on who is in a group; it beats the rules."""

import click
import sqlalchemy as sa

from bg_assets import terminal
from bg_assets.cli import lookups, session
from bg_assets.domain.vocabulary import ROLE_LABELS, ROLES, role_meant
from bg_assets.storage import database, overrides
from bg_assets.storage.reports import finding


class _Role(click.Choice[str]):
    """A role by its name, or by a synonym in any case."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(role_meant(value), param, ctx)


_COMPANY = click.argument("company_id", metavar="COMPANY")
_PERSON = click.argument("person_id", metavar="PERSON")
_PRODUCT = click.option("--product", help="Only this product; else all of BG_PRODUCTS.")
_REASON = click.option("--reason", required=True, help="Why; kept with it.")
_BY = click.option("--by", help="Who says so; else the user of this computer.")


@click.command()
@_COMPANY
@_PERSON
@click.option("--role", type=_Role(ROLES), help="Else the one that fits best.")
@_PRODUCT
@_REASON
@_BY
def pin(
    company_id: str,
    person_id: str,
    role: str | None,
    product: str | None,
    reason: str,
    by: str | None,
) -> None:
    """Put somebody into a company's group, whatever the rules say, while they work there."""
    with session.opened() as engine, database.connect(engine) as conn:
        person, word, then = _word(conn, company_id, person_id, product, by, reason)
        overrides.give(conn, word, "pin", role)
    as_what = f" as {ROLE_LABELS[role]}" if role else ""
    terminal.tell(f"{person_id} is pinned{as_what} in {_of(word)}; {then}")
    if person.status == "left":
        session.say(f"{person_id} has left {company_id}: the pin waits until they are back")


@click.command()
@_COMPANY
@_PERSON
@_PRODUCT
@_REASON
@_BY
def exclude(
    company_id: str, person_id: str, product: str | None, reason: str, by: str | None
) -> None:
    """Keep somebody out of a company's group, whatever the rules say."""
    with session.opened() as engine, database.connect(engine) as conn:
        _, word, then = _word(conn, company_id, person_id, product, by, reason)
        overrides.give(conn, word, "exclude")
    terminal.tell(f"{person_id} is excluded from {_of(word)}; {then}")


@click.command()
@_COMPANY
@_PERSON
@click.option("--product", help="Only this product; else all that have one.")
@click.option("--reason", default="taken back", help="Why; kept in the audit log.")
@_BY
def unpin(
    company_id: str, person_id: str, product: str | None, reason: str, by: str | None
) -> None:
    """Take back a pin or an exclusion: the rules decide again."""
    with session.opened() as engine, database.connect(engine) as conn:
        lookups.require_companies(conn, (company_id,))
        in_force = overrides.products_of(conn, company_id, person_id)
        if not in_force:
            # Whoever was pinned may have moved or be deleted since.
            lookups.require_person(conn, company_id, person_id)
        wanted = (product,) if product else tuple(in_force)
        word = overrides.Word(
            company_id, person_id, wanted, _said(by, "--by"), _said(reason, "--reason")
        )
        products = overrides.take_back(conn, word)
        if not products:
            other = f"; there is one for {', '.join(in_force)}" if in_force else ""
            where = f" for {product}" if product else ""
            session.fail(
                f"no pin or exclusion of {person_id} at {company_id}{where}{other}", session.USAGE
            )
    terminal.tell(f"the rules decide again on {person_id} in {company_id}: {', '.join(products)}")


def _word(
    conn: sa.Connection,
    company_id: str,
    person_id: str,
    product: str | None,
    by: str | None,
    reason: str,
) -> tuple[finding.FoundPerson, overrides.Word, str]:
    """The person, what is said of them, and when that counts.

    Ends with exit code 2 where something is unknown.
    """
    lookups.require_companies(conn, (company_id,))
    person = lookups.require_person(conn, company_id, person_id)
    config, products = lookups.require_products(conn, product)
    texts = _said(by, "--by"), _said(reason, "--reason")
    built = any(one in config.products for one in products)
    then = (
        "the group follows in seconds" if built else f"no group before {product} is in BG_PRODUCTS"
    )
    return person, overrides.Word(company_id, person_id, products, *texts), then


def _said(text: str | None, option: str) -> str:
    found = (lookups.who_types() if text is None else text).strip()
    if not found or "\0" in found:
        session.fail(f"{option} is empty: say it in a few words", session.USAGE)
    return found


def _of(word: overrides.Word) -> str:
    return f"{word.company_id}: {', '.join(sorted(word.products))}"
