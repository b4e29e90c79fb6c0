"""Which version of a template a company is shown while an experiment runs: by a stable hash."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bg_assets.domain.groups.group import (
    BuyerGroup,
    Company,
    Override,
    StaffMember,
    decide,
)
from bg_assets.domain.groups.outcome import not_sold
from bg_assets.domain.products.template import Template

Variant = Literal["a", "b"]
VARIANTS: tuple[Variant, Variant] = ("a", "b")


@dataclass(frozen=True, slots=True)
class Split:
    """How an experiment divides the companies: ``share`` of a hundred are shown b, the others a.

    A company is shown b where the first 32 bits of SHA-256 over ``EXPERIMENT COMPANY`` (both ids,
    a space between them, in UTF-8), modulo 100, are below the share. So it stays where it is
    whatever else happens, and another experiment divides anew. storage/experiments.py has the same
    in SQL.
    """

    experiment_id: str
    share: int

    def variant(self, company_id: str) -> Variant:
        """Which one the company is shown."""
        digest = hashlib.sha256(f"{self.experiment_id} {company_id}".encode()).hexdigest()
        return "b" if int(digest[:8], 16) % 100 < self.share else "a"


@dataclass(frozen=True, slots=True)
class Trial:
    """An experiment that runs: the two versions of its product's template, as they were when it
    started."""

    split: Split
    a: Template
    b: Template

    def shown(self, company_id: str) -> Template:
        """The version by which the company's group is built."""
        return self.a if self.split.variant(company_id) == "a" else self.b

    def other(self, company_id: str) -> Template:
        """The other one."""
        return self.b if self.split.variant(company_id) == "a" else self.a


def unshown(
    company: Company | None,
    people: Sequence[StaffMember],
    as_of: date,
    overrides: Sequence[Override],
    trial: Trial,
) -> BuyerGroup | None:
    """The group by the version that a company is not shown, of the inputs of the one it is shown.

    overrides: those of the product; they beat the rules of both versions. None where the company
    is tracked no more, or the product not sold there.
    """
    if company is None:
        return None
    template = trial.other(company.id)
    if not_sold(company, template):
        return None
    return decide(company, people, template, as_of, overrides)
