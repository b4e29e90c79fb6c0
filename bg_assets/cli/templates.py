"""`templates`: which there are, what is in each, what is wrong, what another would change."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bg_assets import settings, terminal
from bg_assets.cli import kept_versions, lookups, session, template_diff
from bg_assets.domain.enrichment.asking import Level
from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import Condition, RoleRule, Template
from bg_assets.domain.values.currencies import money
from bg_assets.domain.vocabulary import ROLE_LABELS, in_words
from bg_assets.products.files import (
    SHIPPED,
    Found,
    find_templates,
    load_template,
    load_templates,
    unknown,
)
from bg_assets.storage import companies, database

_JSON = click.option("--json", "as_json", is_flag=True)
_ENRICHMENT = {
    Level.IDENTIFY: "identify: own rows only, nothing is asked of providers",
    Level.ENRICH: "enrich: contact data and present employment of likely members are asked for",
    Level.DEEP_RESEARCH: "deep_research: as enrich, careers too, and who else works there",
}


@click.group()
def templates() -> None:
    """Templates: what a product is, and whom its buyer groups need."""


@templates.command("list")
@_JSON
def list_(as_json: bool) -> None:
    """List the templates: the shipped ones and those of BG_TEMPLATES.

    Where an experiment runs, or has left another version in force than the file's, it says so.
    """
    with session.clear_errors():
        config = settings.read()
        listing = _all(config)
        effects = kept_versions.read(config)
        rows = [
            _row(template, listing, config) | {"experiment": effects.get(template.name)}
            for template in listing.templates.values()
        ]
    if as_json:
        terminal.print_json(rows)
        return
    for row in rows:
        used = "in use" if row["in_use"] else "not in BG_PRODUCTS"
        terminal.tell(f"{row['name']} (version {row['version']}, {row['hash']}, {used})")
        terminal.tell(f"  {row['does']}")
        terminal.tell(f"  {money(row['deal_size'], row['currency'])}; {row['file']}")
        if row["experiment"]:
            terminal.tell(f"  {kept_versions.in_words(row['experiment'], row['hash'])}")


@templates.command()
@click.argument("product")
@_JSON
def show(product: str, as_json: bool) -> None:
    """Print the template of a product: the functions that matter, and who fits each role."""
    with session.clear_errors():
        config = settings.read()
        template = load_templates(config.templates, [product])[product]
        row = _row(template, _all(config), config)
    if as_json:
        terminal.print_json(asdict(template) | row)
    else:
        _print(template, row)


@templates.command()
@click.argument(
    "paths", metavar="[FILE|FOLDER]...", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
@_JSON
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check files or folders of templates, or all that are in use; a line for each mistake.

    A folder is checked together with the shipped templates, whose names it can't take.
    """
    with session.clear_errors():
        listings = [_checked(path) for path in paths] or [_in_use(settings.read())]
    mistakes = list(dict.fromkeys(what for listing in listings for what in listing.mistakes))
    good = {
        str(listing.files[name]): template
        for listing in listings
        for name, template in listing.templates.items()
    }
    if as_json:
        terminal.print_json(
            {
                "mistakes": mistakes,
                "templates": [
                    {
                        "name": template.name,
                        "version": template.version,
                        "hash": template.hash,
                        "file": file,
                    }
                    for file, template in good.items()
                ],
            }
        )
    else:
        for what in mistakes:
            terminal.tell(what)
        if not mistakes:
            terminal.tell(
                f"{len(good)} {'template is' if len(good) == 1 else 'templates are'} fine"
            )
    if mistakes:
        raise SystemExit(session.FAILED)


@templates.command()
@click.argument("old")
@click.argument("new")
@click.option("--company", "ids", metavar="ID", multiple=True, help="Only these companies.")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Only N, spread over all.")
@click.option("--details", default=20, show_default=True, type=click.IntRange(0),
              help="Companies that are shown one by one; --json has all that differ.")  # fmt: skip
@_JSON
def diff(
    old: str, new: str, ids: tuple[str, ...], sample: int | None, details: int, as_json: bool
) -> None:
    """Say what template NEW would change against OLD: each a product, or a file. Writes nothing.

    Computed from the people as the last refresh of each company read them, with pins and
    exclusions of the two products.
    """
    if ids and sample:
        session.fail("say --company or --sample, not both", session.USAGE)
    with session.clear_errors():
        config = settings.read()
        before, after = _one(old, config), _one(new, config)
    with session.opened() as engine:
        with database.connect(engine) as conn:
            lookups.require_companies(conn, ids)
            session.settings_in_force(conn, "BG_TITLE_TAIL")
            wanted = sorted(set(ids))
            if not ids:
                wanted = companies.sample_ids(conn, sample) if sample else companies.all_ids(conn)
        comparison = template_diff.Comparison(engine, before, after)
        differences = comparison.run(wanted)
        if as_json:
            template_diff.print_document(comparison, before, after, differences)
        else:
            template_diff.print_lines(comparison, differences, details, terminal.tell)
    if comparison.unread:
        session.say(f"left out, since nobody of their people was read: {comparison.unread}")
    if comparison.failed:
        session.fail(comparison.failed, session.FAILED)


def _all(config: settings.Settings) -> Found:
    found = find_templates(config.templates)
    if found.mistakes:
        raise BadTemplate(*found.mistakes)
    return found


def _in_use(config: settings.Settings) -> Found:
    found = find_templates(config.templates)
    found.mistakes += unknown(config.products, found)
    return found


def _checked(path: Path) -> Found:
    """What lies in a folder, or in one file, which may be meant to replace another."""
    if path.is_dir():
        listing = find_templates(path)
        if not path.samefile(SHIPPED):
            own = {name for name, file in listing.files.items() if file.parent != SHIPPED}
            listing.templates = {name: listing.templates[name] for name in sorted(own)}
        return listing
    listing = Found()
    try:
        template = load_template(path)
    except BadTemplate as bad:
        listing.mistakes += bad.lines
    else:
        listing.templates[template.name], listing.files[template.name] = template, path
    return listing


def _one(what: str, config: settings.Settings) -> Template:
    """The template of a product or of a file. Raises BadTemplate."""
    known = find_templates(config.templates)
    if what in known.templates:
        return known.templates[what]
    path = Path(what)
    if path.is_file():
        return load_template(path)
    if path.suffix or len(path.parts) > 1:
        raise BadTemplate(f"{what}: no such file")
    raise BadTemplate(*known.mistakes, *unknown([what], known))


def _row(template: Template, found: Found, config: settings.Settings) -> dict[str, Any]:
    file = found.files[template.name]
    return {
        "name": template.name,
        "title": template.title,
        "version": template.version,
        "does": template.does,
        "deal_size": template.deal_size,
        "currency": template.currency,
        "hash": template.hash,
        "regions": list(template.regions),
        "enrichment": template.enrichment.value,
        "shipped": file.parent == SHIPPED,
        "in_use": template.name in config.products,
        "file": str(file),
    }


def _print(template: Template, row: dict[str, Any]) -> None:
    out = terminal.results
    out.one_line(f"{template.title} ({template.name}, version {template.version}, {template.hash})")
    out.one_line(template.does)
    out.one_line(f"deal       {money(template.deal_size, template.currency)}")
    out.one_line(f"sold in    {', '.join(template.regions) or 'all countries'}")
    out.one_line(f"enrichment {_ENRICHMENT[template.enrichment]}")
    out.one_line(f"file       {row['file']}")
    weights = sorted(template.functions, key=lambda one: -one[1])
    out.one_line(
        "functions  " + ", ".join(f"{in_words(name)} {weight:g}" for name, weight in weights)
    )
    barred = (*template.disqualified_levels, *template.disqualified_titles)
    if barred:
        out.one_line(f"never      {', '.join(barred)}")
    for rule in template.roles:
        out.one_line()
        out.one_line(
            f"{ROLE_LABELS[rule.role]}: {rule.required} required, priority {rule.priority}"
        )
        for condition in rule.conditions:
            out.one_line(f"  {condition.fit:g}  {_condition(condition)}")
        never = _never(rule)
        if never:
            out.one_line(f"  never {never}")


def _condition(one: Condition) -> str:
    parts = []
    if one.functions:
        parts.append(" or ".join(in_words(function) for function in one.functions))
    if one.levels:
        parts.append(f"at level {' or '.join(one.levels)}")
    if one.titles:
        parts.append(f"titles with {' or '.join(one.titles)}")
    if one.departments:
        parts.append(f"departments with {' or '.join(one.departments)}")
    if one.min_employees is not None:
        parts.append(f"from {one.min_employees:,} employees")
    if one.max_employees is not None:
        parts.append(f"up to {one.max_employees:,} employees")
    return ", ".join(parts)


def _never(rule: RoleRule) -> str:
    return ", ".join((*rule.never_functions, *rule.never_levels, *rule.never_titles))
