"""Which template is in force for each product: its file's, or the last good one.

A product is a name that a user types; a template is the document of that name, and may change.
While an experiment runs two versions of it are in force, as they were when it started, and each
company is shown one of them; what its stop has kept stays until the file is another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from bg_assets.domain.experiments.assignment import Trial
from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import Template, parse_template
from bg_assets.domain.values import regions
from bg_assets.products.files import Found, find_templates, unknown
from bg_assets.storage import database, experiments, resync, templates
from bg_assets.storage.experiments import Arranging, Experiment


@dataclass(frozen=True, slots=True)
class Running:
    """An experiment that runs, and how far companies are asked for that it moves."""

    trial: Trial
    arranging: Arranging


@dataclass(frozen=True, slots=True)
class InForce:
    """The template of each product, in the order of BG_PRODUCTS, and what is wrong with files.

    ``last_good``: the products whose own file can't be used at the moment. ``experiments``: those
    that run, by product, whose template above is version a. ``notes``: where a file is not in
    force because of one.
    """

    templates: dict[str, Template]
    mistakes: tuple[str, ...]
    last_good: tuple[str, ...]
    experiments: Mapping[str, Running] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, company_id: str) -> Mapping[str, Template]:
        """The template of each product by which the company's groups are built."""
        if not self.experiments:
            return self.templates
        shown = {name: one.trial.shown(company_id) for name, one in self.experiments.items()}
        return self.templates | shown

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
        return choose(_look(conn, folder, products), products)


def keep(engine: sa.Engine, folder: Path | None, products: Sequence[str]) -> InForce:
    """What is in force, with good templates and all mistakes kept for others to read.

    Only a tick of the running system keeps them: who just asks may ask about other products, or
    with another folder. Raises what ``in_force`` raises, the mistakes being kept.
    """
    with database.connect(engine) as conn:
        seen = _look(conn, folder, products)
        good = [
            (product, template.hash, seen.found.texts[product])
            for product, template in seen.found.templates.items()
            if product in products and product not in seen.rules
        ]
        good += [(name, *rule) for name, rule in seen.rules.items() if name in products]
        kept = {(product, row.hash, row.text) for product, row in seen.stored.items()}
        if not kept.issuperset(good):
            templates.write(conn, good)
        templates.write_mistakes(conn, seen.mistakes)
        for product, one in seen.experiments.items():
            if product in seen.found.templates:
                experiments.follow_file(conn, one, seen.found.templates[product].hash)
    return choose(seen, products)


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
    effects = experiments.in_effect(conn)
    running = {name: _running(one) for name, one in effects.items() if one.runs and name in kept}
    kept |= {name: one.trial.a for name, one in running.items()}
    return InForce(kept, tuple(templates.read_mistakes(conn)), (), running)


def text_of(
    conn: sa.Connection, folder: Path | None, product: str, *, as_kept: bool
) -> tuple[Template, str]:
    """The template of one product that is in force and its text.

    as_kept: by what the running instance goes, whatever the files say. Raises BadTemplate.
    """
    seen = _look(conn, folder, [product])
    if as_kept and product in seen.stored:
        text = seen.stored[product].text
    elif product in seen.rules:
        _, text = seen.rules[product]
    elif product in seen.found.texts:
        text = seen.found.texts[product]
    else:
        raise BadTemplate(*seen.mistakes)
    return parse_template(text, f"{product} in force"), text


@dataclass(frozen=True, slots=True)
class Seen:
    """The files, the templates that were kept, what is wrong, and the experiments that count.

    ``rules``: hash and text of what an experiment puts in the place of a product's file.
    """

    found: Found
    stored: Mapping[str, templates.Stored]
    mistakes: Sequence[str]
    experiments: Mapping[str, Experiment]
    rules: Mapping[str, tuple[str, str]]


def _look(conn: sa.Connection, folder: Path | None, products: Sequence[str]) -> Seen:
    found = find_templates(folder)
    stored = templates.read(conn)
    effects = experiments.in_effect(conn)
    # A product whose file was there and is bad now is not unknown: its mistake says enough.
    asked = [product for product in products if not found.mistakes or product not in stored]
    mistakes = [*found.mistakes, *unknown(asked, found)]
    return Seen(found, stored, mistakes, effects, _rules(effects, found))


def _rules(effects: Mapping[str, Experiment], found: Found) -> dict[str, tuple[str, str]]:
    rules = {}
    for product, one in effects.items():
        file = found.templates.get(product)
        if not one.runs and one.file_hash is not None and file and file.hash != one.file_hash:
            continue
        digest, text = one.rule
        # What the file says beside, of which no group is made, may be newer.
        rules[product] = (digest, found.texts[product] if file and file.hash == digest else text)
    return rules


def choose(seen: Seen, products: Sequence[str]) -> InForce:
    """The template of each product: an experiment's, its file's, or as it was kept.

    Raises BadTemplate.
    """
    chosen: dict[str, Template] = {}
    running: dict[str, Running] = {}
    notes: list[str] = []
    for product in products:
        file = seen.found.templates.get(product)
        if product in seen.rules:
            one = seen.experiments[product]
            digest, text = seen.rules[product]
            chosen[product] = parse_template(text, f"{product} of an experiment")
            if one.runs:
                running[product] = _running(one, chosen[product])
            if file and file.hash != digest:
                notes.append(_not_in_force(product, one))
        elif file:
            chosen[product] = file
        elif product in seen.stored:
            text = seen.stored[product].text
            chosen[product] = parse_template(text, f"the last good {product}")
        else:
            raise BadTemplate(*seen.mistakes)
    last_good = tuple(one for one in products if one not in seen.found.templates)
    return InForce(chosen, tuple(seen.mistakes), last_good, running, tuple(notes))


def _running(one: Experiment, a: Template | None = None) -> Running:
    a = a or parse_template(one.a_text, f"version a of {one.product}")
    b = parse_template(one.b_text, f"version b of {one.product}")
    return Running(Trial(one.split, a, b), one.arranging)


def _not_in_force(product: str, one: Experiment) -> str:
    if one.runs:
        return (
            f"the file of {product} is another than version a of the experiment that runs: it "
            "comes into force when that is stopped"
        )
    return (
        f"{product} is as its last experiment left it (version {one.kept}) until its file changes"
    )


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
        moving = [one.arranging for one in force.experiments.values()]
        return resync.raise_changes(conn, current, outside, incomplete, experiments=moving)
