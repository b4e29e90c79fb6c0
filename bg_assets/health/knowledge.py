"""What `status` tells of templates: those in force, how many groups are older, what is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.products.files import find_templates, unknown
from bg_assets.storage import experiments, instance_settings, resync, templates


def read(conn: sa.Connection, config: settings.Settings) -> dict[str, Any]:
    """in_force: product (as name), hash, loaded_at, old_groups; mistakes: mistake and since.

    experiments: those that run, or that left a version in force. A mistake that nobody who runs
    has met yet has no time. Writes nothing.
    """
    stored, old = templates.read(conn), resync.count_old(conn)
    told: dict[str, Any] = {**templates.read_mistakes(conn)}
    # The folder of another user's instance may be out of reach: what its tick met is told already.
    elsewhere = config.templates is not None and not config.templates.is_dir()
    if not (elsewhere and instance_settings.read(conn)):
        listing = find_templates(config.templates)
        for mistake in listing.mistakes or unknown(config.products, listing):
            told.setdefault(mistake, None)
    return {
        "in_force": [
            {
                "name": template.product,
                "hash": template.hash,
                "loaded_at": template.loaded_at,
                "old_groups": old.get(template.product, 0),
            }
            for template in stored.values()
        ],
        "experiments": [
            {
                "product": one.product,
                "id": one.id,
                "share": one.share,
                "started_at": one.started_at,
                "runs": one.runs,
                "kept": one.kept,
                "tracked": one.product in config.products,
            }
            for one in experiments.in_effect(conn).values()
        ],
        "mistakes": [{"mistake": what, "since": since} for what, since in sorted(told.items())],
    }


def in_words(known: Mapping[str, Any]) -> Iterator[str]:
    """The same for people: what is as it should be is left out."""
    for one in known["in_force"]:
        if one["old_groups"]:
            yield f"{one['name']}: {one['old_groups']} groups of an older template, to be refreshed"
    for one in known["experiments"]:
        yield f"{one['product']}: {_experiment(one)}"
        if one["runs"] and not one["tracked"]:
            yield untracked(one["product"])
    for one in known["mistakes"]:
        since = f" (since {one['since']:%Y-%m-%d %H:%M:%S %Z})" if one["since"] else ""
        yield f"template: {one['mistake']}{since}"
    if known["mistakes"] and known["in_force"]:
        names = ", ".join(one["name"] for one in known["in_force"])
        yield f"the last good ones stay in force: {names}"


def untracked(product: str) -> str:
    """What is to be said of an experiment that runs on a product without groups."""
    return (
        f"{product} is not in BG_PRODUCTS: its experiment has nothing to compare; put it back, or "
        f"end it: bg-assets experiment stop {product}"
    )


def _experiment(one: Mapping[str, Any]) -> str:
    if not one["runs"]:
        return f"version {one['kept']} of the last experiment is in force until the file changes"
    since = f"{one['started_at']:%Y-%m-%d %H:%M %Z}"
    return f"an experiment runs since {since}, {one['share']} of a hundred companies are shown b"
