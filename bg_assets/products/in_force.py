"""Which template is in force for each product: its file's, or the last good one.

A product is a name that a user types; a template is the document of that name, and may change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import Template, parse_template
from bg_assets.domain.values import regions
from bg_assets.products.files import Found, find_templates, unknown
from bg_assets.storage import database, resync, templates


@dataclass(frozen=True, slots=True)
class InForce:
    """The template of each product, in the order of BG_PRODUCTS, and what is wrong with files.

    ``last_good``: the products whose own file can't be used at the moment.
    """

    templates: dict[str, Template]
    mistakes: tuple[str, ...]
    last_good: tuple[str, ...]

    @property
    def warning(self) -> str | None:
        """What people have to be told, None when all is well."""
        if not self.mistakes:
            return None
        kept = f" (the last good one is used for {', '.join(self.last_good)})"
        return "; ".join(self.mistakes) + (kept if self.last_good else "")


def in_force(engine: sa.Engine, folder: Path | None, products: Sequence[str]) -> InForce:
    """The files' templates, or the ones that were kept where a file is bad. Writes nothing.

    Raises BadTemplate where a product has neither, DatabaseUnreachable.
    """
    with database.connect(engine) as conn:
        found, stored, mistakes = _look(conn, folder, products)
    return choose(found, stored, products, mistakes)


def keep(engine: sa.Engine, folder: Path | None, products: Sequence[str]) -> InForce:
    """What is in force, with good templates and all mistakes kept for others to read.

    Only a tick of the running system keeps them: who just asks may ask about other products, or
    with another folder. Raises what ``in_force`` raises, the mistakes being kept.
    """
    with database.connect(engine) as conn:
        listing, stored, mistakes = _look(conn, folder, products)
        good = [
            (product, template.hash, listing.texts[product])
            for product, template in listing.templates.items()
            if product in products
        ]
        kept = {(product, row.hash, row.text) for product, row in stored.items()}
        if not kept.issuperset(good):
            templates.write(conn, good)
        templates.write_mistakes(conn, mistakes)
    return choose(listing, stored, products, mistakes)


def as_kept(conn: sa.Connection, products: Sequence[str]) -> InForce | None:
    """What the running instance goes by, whatever the files say that its next tick will see.

    Its folder may be out of reach from here. None where it has no template for one of the products.
    """
    stored = templates.read(conn)
    if any(product not in stored for product in products):
        return None
    kept = {
        product: parse_template(stored[product].text, f"{product} in force") for product in products
    }
    return InForce(kept, tuple(templates.read_mistakes(conn)), ())


def _look(
    conn: sa.Connection, folder: Path | None, products: Sequence[str]
) -> tuple[Found, dict[str, templates.Stored], list[str]]:
    """The files, the templates that were kept, and what is wrong with these products'."""
    found = find_templates(folder)
    stored = templates.read(conn)
    # A product whose file was there and is bad now is not unknown: its mistake says enough.
    asked = [product for product in products if not found.mistakes or product not in stored]
    return found, stored, [*found.mistakes, *unknown(asked, found)]


def choose(
    found: Found,
    stored: dict[str, templates.Stored],
    products: Sequence[str],
    mistakes: Sequence[str],
) -> InForce:
    """The template of each product, from its file or as it was kept. Raises BadTemplate."""
    chosen: dict[str, Template] = {}
    kept = [product for product in products if product not in found.templates]
    for product in products:
        if product in found.templates:
            chosen[product] = found.templates[product]
        elif product in stored:
            chosen[product] = parse_template(stored[product].text, f"the last good {product}")
        else:
            raise BadTemplate(*mistakes)
    return InForce(chosen, tuple(mistakes), tuple(kept))


def raise_changes(engine: sa.Engine, force: InForce) -> int:
    """Ask for what a changed template makes old and a new product lacks; returns how many."""
    current = {product: template.hash for product, template in force.templates.items()}
    with database.connect(engine) as conn:
        stored = templates.read(conn)
        incomplete = [
            product
            for product in current
            if product in stored and stored[product].complete_at is None
        ]
        spelled = resync.countries(conn) if incomplete else ()
        outside = {
            product: regions.outside(force.templates[product].regions, spelled)
            for product in incomplete
        }
        return resync.raise_changes(conn, current, outside, incomplete)
