"""The pages in docs name what there is."""

import re
from pathlib import Path

import pytest

from bg_assets.domain.kpis.catalogue import KPIS, Kpi
from bg_assets.domain.vocabulary import ROLE_LABELS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def cells(kpi: str) -> list[str]:
    """The row of the table in which the page of the KPIs explains this one."""
    (row,) = [
        line for line in page("kpis.md").splitlines()
        if line.startswith("|") and f"`{kpi}`" in line.split("|")[1]
    ]  # fmt: skip
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda kpi: kpi.name)
def test_each_kpi_is_explained_with_its_unit_target_and_severity(kpi: Kpi) -> None:
    name, formula, unit, target, severity, remedy = cells(kpi.name)
    assert formula
    assert remedy
    assert unit == kpi.unit
    place = re.findall(r"`(\w+)`", name).index(kpi.name)
    if kpi.target is None:
        assert (target, severity) == ("none", "")
    else:
        assert target.split(", ")[place] == kpi.target.in_words
        assert severity.split(", ")[place] == kpi.severity


def test_the_page_explains_no_kpi_that_is_not_there() -> None:
    named = {
        name
        for line in page("kpis.md").splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == set(KPIS)


@pytest.mark.parametrize(
    "word",
    [
        *ROLE_LABELS, "buyer group", "refresh", "change", "claim", "settle", "partition", "batch",
        "dead letter", "error budget", "burn rate", "outbox", "experiment", "gap", "template",
    ],
)  # fmt: skip
def test_the_glossary_has_the_word(word: str) -> None:
    assert f"**{word.replace('_', ' ')}**" in page("glossary.md")
