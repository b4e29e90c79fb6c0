"""Experiments as they are kept: which runs for a product, which version one left in force.

The row is the experiment: it starts by being written and is over by being stopped, so that nothing
can stay half. Ticks do what follows from it, as from a template that changes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.experiments.assignment import Split, Variant
from bg_assets.storage import audit

# A refresh that began so many seconds after an experiment may not have known of it yet: the
# experiment is stamped before it is committed.
UNAWARE_SECONDS = 10.0

# Served by one_experiment_at_a_time.
_START = sa.text("""
    insert into bg.experiments (product, share, a_hash, b_hash, started_by, arranged_at)
    values (:product, :share, :a_hash, :b_hash, :by,
        case when cast(:a_hash as text) = :b_hash then clock_timestamp() end)
    on conflict (product) where stopped_at is null do nothing
    returning id::text
""")
_STOP = sa.text("""
    update bg.experiments
    set stopped_at = clock_timestamp(), stopped_by = :by, kept = :kept,
        result = cast(:result as jsonb)
    where id = cast(:id as uuid) and stopped_at is null
    returning product
""")
_FORGET_GROUPS = sa.text("""
    delete from bg.experiment_groups where experiment_id = cast(:id as uuid)
""")
_NOW = sa.text("select clock_timestamp()")
_VERSION = sa.text("""
    insert into bg.template_versions (product, hash, text) values (:product, :hash, :text)
    on conflict (product, hash) do nothing
""")
# A row for every experiment there ever was, some dozens: a look at all of them is the fastest way.
_ALL = sa.text("""
    select e.id::text as id, e.product, e.share, e.started_at, e.started_by, e.arranged_at,
        e.stopped_at, e.stopped_by, e.kept, e.file_hash, e.overruled_at, e.result,
        e.a_hash, e.b_hash, a.text as a_text, b.text as b_text,
        not exists (
            select from bg.experiments as later
            where later.product = e.product and later.started_at > e.started_at) as latest
    from bg.experiments as e
    join bg.template_versions as a on a.product = e.product and a.hash = e.a_hash
    join bg.template_versions as b on b.product = e.product and b.hash = e.b_hash
    where not :in_effect or e.stopped_at is null
        or (e.kept is not null and e.overruled_at is null)
    order by e.started_at, e.id
""")
_FILE = sa.text("""
    update bg.experiments set file_hash = :hash
    where id = cast(:id as uuid) and stopped_at is not null and file_hash is null
""")
_OVERRULE = sa.text("""
    update bg.experiments set overruled_at = clock_timestamp()
    where id = cast(:id as uuid) and stopped_at is not null and overruled_at is null
""")
_VERSIONS_LIKE = sa.text("""
    select hash, text from bg.template_versions
    where product = :product and starts_with(hash, :start) order by hash
""")

_LOOKED = sa.text("""
    select looked_variant, looked_company, last_look from bg.experiments
    where id = cast(:id as uuid) and arranged_at is null
""")
# Served by one_refresh_at_a_time.
_ANY_UNAWARE = sa.text("""
    select exists (
        select from bg.buyer_group_refresh_log as r
        where r.status = 'running' and r.started_at < (
            select started_at + make_interval(secs => :unaware) from bg.experiments
            where id = cast(:id as uuid)))
""")
# Served by buyer_groups_by_template.
_PORTION = sa.text("""
    select company_id from bg.buyer_groups
    where product = :product and template_hash = :hash and company_id > :after
    order by company_id limit :most
""")
_LOOKED_UP_TO = sa.text("""
    update bg.experiments
    set looked_variant = :variant, looked_company = :company, last_look = :last_look,
        arranged_at = case when :over then clock_timestamp() end
    where id = cast(:id as uuid)
""")


@dataclass(frozen=True, slots=True)
class Arranging:
    """An experiment as far as groups are to be moved to the version that each company is shown."""

    product: str
    split: Split
    a_hash: str
    b_hash: str
    arranged: bool

    def wanted(self, company_id: str) -> str:
        """The hash of the version that the company is shown."""
        return self.a_hash if self.split.variant(company_id) == "a" else self.b_hash


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment. kept: the version that a stop left in force; file_hash: of the product's
    file at that time; overruled_at: when the file was another. result: what was known at the stop.
    latest: no later one is there for the product.
    """

    id: str
    product: str
    share: int
    started_at: datetime
    started_by: str
    arranged_at: datetime | None
    stopped_at: datetime | None
    stopped_by: str | None
    kept: Variant | None
    file_hash: str | None
    overruled_at: datetime | None
    result: Mapping[str, Any] | None
    a_hash: str
    b_hash: str
    a_text: str
    b_text: str
    latest: bool

    @property
    def in_force(self) -> bool:
        """Whether it has a say in which template is in force."""
        return self.latest and (self.runs or (self.kept is not None and self.overruled_at is None))

    @property
    def split(self) -> Split:
        """Who is shown which version."""
        return Split(self.id, self.share)

    @property
    def arranging(self) -> Arranging:
        """The same as far as groups are moved."""
        arranged = self.arranged_at is not None
        return Arranging(self.product, self.split, self.a_hash, self.b_hash, arranged=arranged)

    @property
    def runs(self) -> bool:
        """Whether it has not been stopped."""
        return self.stopped_at is None

    @property
    def rule(self) -> tuple[str, str]:
        """Hash and text of what it puts in the place of the product's file: a, or what is kept."""
        return (self.b_hash, self.b_text) if self.kept == "b" else (self.a_hash, self.a_text)


def start(
    conn: sa.Connection,
    product: str,
    a: tuple[str, str],
    b: tuple[str, str],
    share: int,
    by: str,
) -> str | None:
    """Start one, of two versions as (hash, text) each; returns its id.

    None, and nothing is done, where one runs for the product already.
    """
    for digest, text in (a, b):
        conn.execute(_VERSION, {"product": product, "hash": digest, "text": text})
    values = {"product": product, "share": share, "a_hash": a[0], "b_hash": b[0], "by": by}
    found: str | None = conn.execute(_START, values).scalar()
    if found is not None:
        detail = {"product": product, "share": share, "a": a[0], "b": b[0]}
        audit.record(conn, by, "experiment.started", found, detail=detail)
    return found


def stop(
    conn: sa.Connection, experiment_id: str, by: str, kept: Variant | None, result: object
) -> bool:
    """End one: its groups go, ``result`` stays. False where it is over already."""
    values = {"id": experiment_id, "by": by, "kept": kept, "result": json.dumps(result)}
    product = conn.execute(_STOP, values).scalar()
    if product is None:
        return False
    conn.execute(_FORGET_GROUPS, {"id": experiment_id})
    detail = {"product": product, "kept": kept}
    audit.record(conn, by, "experiment.stopped", experiment_id, detail=detail)
    return True


def read(conn: sa.Connection) -> list[Experiment]:
    """All that there ever were, the oldest first."""
    return _read(conn, in_effect=False)


def running_or_stopped_since(conn: sa.Connection, hours: float) -> list[Experiment]:
    """Those that run, and those that were stopped within the last so many hours."""
    since = conn.execute(_NOW).scalar_one() - timedelta(hours=hours)
    return [one for one in read(conn) if one.stopped_at is None or one.stopped_at > since]


def in_effect(conn: sa.Connection) -> dict[str, Experiment]:
    """By product the experiment that runs, or that left a version in force."""
    return {one.product: one for one in _read(conn, in_effect=True) if one.in_force}


def arranging(conn: sa.Connection) -> list[Arranging]:
    """Those that run, as far as groups are moved."""
    return [one.arranging for one in in_effect(conn).values() if one.runs]


def follow_file(conn: sa.Connection, one: Experiment, file_hash: str) -> None:
    """Keep what the product's file says after a stop, and that it says something else by now."""
    if one.runs:
        return
    if one.file_hash is None:
        conn.execute(_FILE, {"id": one.id, "hash": file_hash})
    elif one.file_hash != file_hash:
        conn.execute(_OVERRULE, {"id": one.id})


def versions_like(conn: sa.Connection, product: str, start: str) -> dict[str, str]:
    """The texts of the product's templates whose hash starts so, by hash."""
    rows = conn.execute(_VERSIONS_LIKE, {"product": product, "start": start})
    return {row.hash: row.text for row in rows}


def to_arrange(conn: sa.Connection, one: Arranging, most: int) -> list[dict[str, str]]:
    """Of the next groups those whose company is to be shown the other version.

    A look goes through all groups of both, ``most`` at a time. What was being refreshed when the
    experiment started may be written by the old rule after the look has passed it: the look that
    begins when no such refresh is left is the last one.
    """
    state = conn.execute(_LOOKED, {"id": one.split.experiment_id}).mappings().first()
    if state is None:
        return []
    variant, last_look = state["looked_variant"], state["last_look"]
    if not variant:
        asked = {"id": one.split.experiment_id, "unaware": UNAWARE_SECONDS}
        variant, last_look = "a", not conn.execute(_ANY_UNAWARE, asked).scalar()
    was = one.a_hash if variant == "a" else one.b_hash
    portion = {
        "product": one.product,
        "hash": was,
        "after": state["looked_company"],
        "most": most,
    }
    companies = conn.execute(_PORTION, portion).scalars().all()
    after = companies[-1] if len(companies) == most else ""
    if not after:
        variant = "b" if variant == "a" else ""
    conn.execute(
        _LOOKED_UP_TO,
        {
            "id": one.split.experiment_id,
            "variant": variant,
            "company": after,
            "last_look": last_look,
            "over": not variant and last_look,
        },
    )
    return [
        {"company_id": company, "product": one.product, "was": was, "hash": one.wanted(company)}
        for company in companies
        if one.wanted(company) != was
    ]


def _read(conn: sa.Connection, *, in_effect: bool) -> list[Experiment]:
    rows = conn.execute(_ALL, {"in_effect": in_effect})
    return [Experiment(**row._mapping) for row in rows]
