"""The groups that experiments compute beside those that are shown, and what partitions say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bg_assets.domain.experiments.assignment import unshown
from bg_assets.domain.groups.group import BuyerGroup, Company, Override, StaffMember
from bg_assets.domain.groups.outcome import Outcome, Unshown
from bg_assets.products.in_force import InForce, Running
from bg_assets.storage.refreshes import Held


def add(
    outcomes: Iterable[tuple[Held, Outcome]],
    force: InForce,
    known: Mapping[str, Company],
    people: Mapping[str, Sequence[StaffMember]],
    overrides: Mapping[str, Mapping[str, Sequence[Override]]],
) -> list[tuple[Held, Outcome]]:
    """The outcomes, each with the groups by the versions that its company is not shown.

    A version that fails at a company harms nothing that is shown: there is none to compare then.
    """

    def group(held: Held, product: str, one: Running) -> BuyerGroup | None:
        company = held.company_id
        given = overrides.get(company, {}).get(product, ())
        try:
            return unshown(
                known.get(company), people.get(company, ()), held.as_of, given, one.trial
            )
        except Exception:
            return None

    return [
        (
            held,
            replace(
                outcome,
                unshown=tuple(
                    Unshown(
                        one.trial.split.experiment_id,
                        product,
                        one.trial.split.variant(held.company_id),
                        group(held, product, one),
                    )
                    for product, one in force.experiments.items()
                ),
            ),
        )
        for held, outcome in outcomes
    ]


def tell(
    metadata: Mapping[str, dict[str, Any]],
    force: InForce,
    written: Iterable[tuple[Held, Outcome]],
) -> dict[str, dict[str, Any]]:
    """The metadata, with the version that each company is shown where an experiment runs."""
    told = {**metadata}
    for held, outcome in written:
        lines = [_in_words(one, force.experiments[one.product]) for one in outcome.unshown]
        if lines and held.company_id in told:
            told[held.company_id] = {**told[held.company_id], "experiment": "; ".join(lines)}
    return told


def _in_words(one: Unshown, running: Running) -> str:
    trial = running.trial
    template = trial.a if one.shown == "a" else trial.b
    beside = "" if one.group is not None else "; there is no group by the other one"
    return (
        f"{one.product}: version {one.shown} of an experiment is shown here "
        f"({template.hash}){beside}"
    )
