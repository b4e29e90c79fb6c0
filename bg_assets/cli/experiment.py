"""`experiment`: two versions of a product's template side by side, started, compared, stopped."""

import re
from pathlib import Path

import click
import sqlalchemy as sa

from bg_assets import settings, terminal
from bg_assets.cli import experiment_report, lookups, session
from bg_assets.domain.experiments.assignment import VARIANTS, Variant
from bg_assets.domain.experiments.report import report
from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import Template, name_line, parse_template
from bg_assets.domain.values.near import near
from bg_assets.health import knowledge
from bg_assets.products import in_force
from bg_assets.products.files import find_templates, read_text
from bg_assets.storage import database, experiment_groups, experiments, instance_settings
from bg_assets.storage.experiments import Experiment

_HASH = re.compile("[0-9a-f]{4,16}")
_JSON = click.option("--json", "as_json", is_flag=True)


@click.group()
def experiment() -> None:
    """Experiments: two versions of a product's template side by side."""


@experiment.command()
@click.argument("product")
@click.option("--against", required=True, metavar="FILE|HASH",
              help="The other version: a file, or the hash of one that was in force.")  # fmt: skip
@click.option("--share", default=50, show_default=True, type=click.IntRange(1, 99),
              help="Of a hundred companies so many are shown the other version.")  # fmt: skip
@_JSON
def start(product: str, against: str, share: int, as_json: bool) -> None:
    """Compare the template of PRODUCT that is in force (a) with another version of it (b).

    Each company is shown one of them, by a hash of its id, and both groups are computed by each of
    its refreshes. Companies that are to be shown b are refreshed at once, behind everything more
    urgent. Both versions stay as they are now until the experiment is stopped: a file that changes
    meanwhile comes into force then.
    """
    by = lookups.who_types()
    with session.opened() as engine, database.connect(engine) as conn:
        config, _ = lookups.require_products(conn, product)
        if product not in config.products:
            session.fail(f"{product} is not in BG_PRODUCTS: it has no groups", session.USAGE)
        a, a_text = in_force.text_of(
            conn, config.templates, product, as_kept=bool(instance_settings.read(conn))
        )
        b, b_text = _other(conn, config, product, against)
        _require_same_countries(a, b)
        found = experiments.start(conn, product, (a.hash, a_text), (b.hash, b_text), share, by)
        if found is None:
            running = experiments.in_effect(conn)[product]
            session.fail(
                f"an experiment on {product} runs since {running.started_at:%Y-%m-%d %H:%M %Z}; "
                f"end it first: bg-assets experiment stop {product}",
                session.USAGE,
            )
        document = experiment_report.document(experiments.in_effect(conn)[product], None)
    if as_json:
        terminal.print_json(document)
        return
    terminal.tell(f"{product}: a is version {a.version} ({a.hash}), which is in force")
    terminal.tell(f"{product}: b is version {b.version} ({b.hash}), {against}")
    terminal.tell(
        f"{share} of a hundred companies are to be shown b and are refreshed now; "
        "`bg-assets experiment show` compares"
    )
    if a.hash == b.hash:
        session.say("both are the same template: whatever differs is a false alarm")


@experiment.command()
@click.argument("product", required=False)
@click.option("--template", "variant", type=click.Choice(VARIANTS),
              help="Print the template of this version, and nothing else.")  # fmt: skip
@_JSON
def show(product: str | None, variant: Variant | None, as_json: bool) -> None:
    """Print what experiments say, those that run and those that were stopped.

    Figures of both groups of a company are compared with each other (pairs); what humans said is
    compared between the companies that are shown one version and those that are shown the other.
    """
    if variant and not product:
        session.fail("say of which product: bg-assets experiment show PRODUCT --template b",
                     session.USAGE)  # fmt: skip
    with session.opened() as engine, database.connect(engine) as conn:
        found = _of(conn, product)
        if variant:
            with terminal.data_out() as out:
                out.write(found[-1].a_text if variant == "a" else found[-1].b_text)
            return
        products = session.settings_in_force(conn, "BG_PRODUCTS").products
        shown = [
            (one, report(experiment_groups.sums(conn, one)) if one.runs else None) for one in found
        ]
    if as_json:
        terminal.print_json(
            [
                experiment_report.document(*one) | {"tracked": one[0].product in products}
                for one in shown
            ]
        )
        return
    if not shown:
        terminal.tell("no experiment was ever started: see bg-assets experiment start --help")
    for one, said in shown:
        for line in experiment_report.in_words(one, said):
            terminal.tell(line)
        if one.runs and one.product not in products:
            terminal.tell(f"  {knowledge.untracked(one.product)}")


@experiment.command()
@click.argument("product", required=False)
@click.option("--keep", type=click.Choice(VARIANTS),
              help="The version that stays in force; else the product's file is.")  # fmt: skip
@_JSON
def stop(product: str | None, keep: Variant | None, as_json: bool) -> None:
    """End an experiment and keep what it says; PRODUCT may be left out where only one runs.

    What is kept with --keep stays in force until the file of the product is another than now.
    Companies that are shown another version than that are refreshed at once.
    """
    by = lookups.who_types()
    with session.opened() as engine:
        with database.connect(engine) as conn:
            one = _running(conn, product)
            said = report(experiment_groups.sums(conn, one))
            result = experiment_report.result(said)
            if not experiments.stop(conn, one.id, by, keep, result):
                session.fail(f"the experiment on {one.product} is over already", session.USAGE)
        with database.connect(engine) as conn:
            over = next(each for each in experiments.read(conn) if each.id == one.id)
    if as_json:
        terminal.print_json(experiment_report.document(over, None))
        return
    for line in experiment_report.in_words(over, None):
        terminal.tell(line)


def _of(conn: sa.Connection, product: str | None) -> list[Experiment]:
    """The experiments of a product, or all; ends with exit code 2 where it never had one."""
    known = experiments.read(conn)
    found = [one for one in known if product in (None, one.product)]
    if product is not None and not found:
        products = sorted({one.product for one in known})
        hint = f"; {near(product, products)}" if products else ""
        session.fail(f"there never was an experiment on {product!r}{hint}", session.USAGE)
    return found


def _running(conn: sa.Connection, product: str | None) -> Experiment:
    """The one that is meant; ends with exit code 2 where none runs or it could be another."""
    found = [one for one in _of(conn, product) if one.runs]
    if not found:
        where = f" on {product}" if product else ""
        session.fail(f"no experiment{where} runs", session.USAGE)
    if len(found) > 1:
        products = ", ".join(sorted(one.product for one in found))
        session.fail(f"several run: say which, of {products}", session.USAGE)
    return found[0]


def _other(
    conn: sa.Connection, config: settings.Settings, product: str, against: str
) -> tuple[Template, str]:
    """The other version and its text, from a file or by a hash. Raises BadTemplate."""
    path = Path(against)
    if path.is_file():
        text = read_text(path)
        template = parse_template(text, against)
        if template.name != product:
            raise BadTemplate(
                f"{against}, line {name_line(text)}: this is a template of {template.name!r}; an "
                f"experiment compares two versions of one product: name it {product}"
            )
        return template, text
    if not _HASH.fullmatch(against):
        raise BadTemplate(f"{against}: no such file, and no hash of a template")
    known = experiments.versions_like(conn, product, against)
    files = find_templates(config.templates)
    if product in files.templates and files.templates[product].hash.startswith(against):
        known[files.templates[product].hash] = files.texts[product]
    if len(known) != 1:
        raise BadTemplate(
            f"no template of {product} with the hash {against} is known: name its file"
            if not known
            else f"{against} could be any of {', '.join(sorted(known))}: say more of it"
        )
    ((digest, text),) = known.items()
    return parse_template(text, f"{product} {digest}"), text


def _require_same_countries(a: Template, b: Template) -> None:
    """A company is to have a group whichever version it is shown."""
    if a.regions != b.regions:
        said = [", ".join(one.regions) or "all countries" for one in (a, b)]
        session.fail(
            f"a is sold in {said[0]}, b in {said[1]}: companies elsewhere would lose or gain their "
            "group by the experiment; give both the same regions",
            session.USAGE,
        )
