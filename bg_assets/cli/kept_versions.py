"""What experiments put in the place of templates' files, where there is a database to ask."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.cli import session
from bg_assets.domain.products.places import BadTemplate
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.products import in_force
from bg_assets.storage import database, experiments
from bg_assets.storage.experiments import Experiment

_AWAY = (
    EmbeddedUnavailable, DatabaseUnreachable, DatabaseNotMade, database.SchemaMismatch,
)  # fmt: skip


def read(config: settings.Settings) -> dict[str, dict[str, Any]]:
    """By product what an experiment that runs, or that left a version in force, says.

    runs; kept: the version that a stop has kept; hash, version: of the template that is in force,
    of a while it runs; other: the hash of b while it runs. Where the database can't be asked, that
    is said and nothing is known; one that was never made has no experiments, and is not made.
    """
    if config.database_url is None and not EmbeddedPostgres(config.home).is_made():
        return {}
    try:
        return _read(config)
    except _AWAY as err:
        reason = str(err).partition("\n")[0]
        session.say(f"whether experiments keep other versions is not known: {reason}")
        return {}


def in_words(one: Mapping[str, Any], file_hash: str) -> str:
    """The same of one product for people, beside its file."""
    if one["runs"]:
        return (
            f"an experiment runs: a is {one['hash']}, b {one['other']}; the file is in force again "
            "when that is stopped"
        )
    template = f"version {one['kept']} of its last experiment"
    if one["hash"] == file_hash:
        return f"this is {template}, which was kept"
    return (
        f"not in force: {template} is ({one['hash']}, version {one['version']}), until this file "
        "changes"
    )


def _read(config: settings.Settings) -> dict[str, dict[str, Any]]:
    engine = database.make_engine(database.bg_url(), pool_size=1)
    try:
        with database.connect(engine) as conn:
            database.check_schema(conn)
            effects = experiments.in_effect(conn)
            found = {one.product: _of(conn, config, one) for one in effects.values()}
    finally:
        engine.dispose()
    return {product: one for product, one in found.items() if one is not None}


def _of(conn: sa.Connection, config: settings.Settings, one: Experiment) -> dict[str, Any] | None:
    """What one says; None where its product's file is bad, or has changed since its stop."""
    try:
        template, _ = in_force.text_of(conn, config.templates, one.product, as_kept=False)
    except BadTemplate:
        return None
    if not one.runs and template.hash != one.rule[0]:
        return None
    return {
        "runs": one.runs,
        "kept": one.kept,
        "hash": template.hash,
        "version": template.version,
        "other": one.b_hash if one.runs else None,
    }
