"""What a partition of enriched_people shows in the UI: what was asked of whom, and what came of it.

It ends in Dagster's event log, which can't forget a person: ids and titles, never names.
"""

from collections import Counter
from typing import Any

from bg_assets.enriching.enrichment import Asked, Enriched
from bg_assets.storage.enrichment.writing import Written

_MOST = 50


def describe(enriched: Enriched) -> dict[str, Any]:
    """The metadata of one company. Costs are US dollars."""
    often = Counter(one.outcome for one in enriched.asked)
    written = enriched.written or Written()
    shown: dict[str, Any] = {
        "because": because(enriched),
        "asked": len(enriched.asked),
        "found": often["found"],
        "not_found": often["not_found"],
        "not_checked": often["not_checked"],
        "another": often["another"],
        "written": len(written.people) + len(written.created) + bool(written.company),
        "cost": float(enriched.cost),
    }
    if enriched.asked:
        shown["questions"] = [_question(one) for one in enriched.asked][:_MOST]
    if enriched.plan.left_out:
        shown["left_out"] = [
            {"person_id": one.item.person_id or None, "because": one.because}
            for one in enriched.plan.left_out
        ][:_MOST]
    values = _written(written)
    return shown | ({"values": values} if values else {})


def because(enriched: Enriched) -> str:
    """The one reason that people read first."""
    if enriched.plan.because:
        return f"nothing was asked: {enriched.plan.because}"
    if not enriched.plan.items:
        if enriched.plan.left_out:
            return f"nothing was asked: {enriched.plan.left_out[0].because}"
        return "nothing is missing or in doubt"
    if enriched.not_done is not None:
        return f"not all could be asked, so it is tried again later: {enriched.not_done}"
    return "what was missing or in doubt was asked"


def _question(one: Asked) -> dict[str, Any]:
    question = one.item.question
    return {
        "kind": question.kind.value,
        "person_id": one.item.person_id or None,
        "title": question.person.title if question.person else None,
        "why": "; ".join(one.item.reasons),
        "provider": one.provider,
        "outcome": one.outcome,
        "because": one.because,
        "cost": float(one.cost),
    }


def _written(written: Written) -> dict[str, Any]:
    """What was written of whom, by column; and what was not, with the reason."""
    shown: dict[str, Any] = {}
    if written.people:
        shown["people"] = {who: list(columns) for who, columns in sorted(written.people.items())}
    for name, ids in (("new", written.created), ("confirmed", written.confirmed)):
        if ids:
            shown[name] = sorted(ids)
    if written.company:
        shown["company"] = list(written.company)
    for name, told in (("refused", written.refused), ("kept", written.kept)):
        if told:
            shown[name] = [{"person_id": who or None, "because": why} for who, why in told]
    return shown
