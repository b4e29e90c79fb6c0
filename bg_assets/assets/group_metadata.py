"""What a partition of buyer_groups shows in the UI: figures, gaps, differences, the members.

It ends in Dagster's event log, which can't forget a person: ids and titles, never names.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import dagster as dg

from bg_assets.assets import partition_metadata, product_figures, unseen
from bg_assets.domain import causes as words
from bg_assets.domain.groups.outcome import Outcome
from bg_assets.domain.vocabulary import ROLE_LABELS
from bg_assets.storage.groups import Cause
from bg_assets.storage.next_refreshes import NextRefresh
from bg_assets.storage.reports.partition import Facts
from bg_assets.storage.reports.shown import ShownGroup
from bg_assets.storage.verdicts import Verdict

# What a cell of Markdown would take for more than letters.
_MARKUP = {ord(sign): "\\" + sign for sign in "\\|`*_[]<>#!&~"}
_LONGEST = 300
_MOST_NEWS = 5


def describe(
    companies: Sequence[str],
    shown: Mapping[str, Sequence[ShownGroup]],
    outcomes: Mapping[str, Outcome],
    causes: Mapping[str, Cause],
    done: set[str],
    failed: Mapping[str, str],
    judged: Sequence[Verdict] = (),
    coming: Mapping[str, NextRefresh] | None = None,
    facts: Mapping[str, Facts] | None = None,
    titles: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """The metadata by company, from the groups as they stand after the refresh.

    ``fails``: the checks that a company's groups fail, where they were written and judged.
    ``next_refresh``: when it is refreshed though nothing is heard of it, and why so often.
    ``titles``: of people who are in none of the groups any more.
    """
    fails = _fails(judged)
    names = {who: one.name for who, one in (facts or {}).items() if one.name}
    described = {}
    for company in companies:
        outcome = outcomes.get(company)
        if company in failed:
            because = f"failed: {failed[company]}"
        elif company not in done or outcome is None:
            because = "left alone: another run is refreshing it, or has done so"
        elif outcome.gone:
            because = outcome.gone
        else:
            because = _because(causes.get(company), shown.get(company, ()), titles or {})
        cause = causes.get(company)
        described[company] = {
            "because": because,
            **partition_metadata.named(names, company),
            **figures(shown.get(company, ()), titles or {}),
            **partition_metadata.links(facts or {}, company),
            **({"fails": fails[company]} if company in fails else {}),
            **next_refresh(coming or {}, company),
            **({"not_sold": dict(outcome.not_sold)} if outcome and outcome.not_sold else {}),
            **({"lag_seconds": round(cause.lag_seconds, 3)} if cause and cause.lag_seconds else {}),
        }
    return described


def next_refresh(coming: Mapping[str, NextRefresh], company: str) -> dict[str, str]:
    """When a company is refreshed without news, and why so often; nothing where it is not to be."""
    said = unseen.in_words(coming.get(company))
    return {"next_refresh": said} if said else {}


def _fails(judged: Sequence[Verdict]) -> dict[str, list[str]]:
    """By company; with several products each check once, whichever group fails it."""
    found: dict[str, list[str]] = {}
    for one in judged:
        names = found.setdefault(one.company_id, [])
        names += [name for name in one.fails if name not in names]
    return found


def leavers(shown: Mapping[str, Sequence[ShownGroup]]) -> list[str]:
    """Who left a group, of whom nothing else is shown: their titles are read by themselves."""
    return sorted({who for groups in shown.values() for one in groups for who in one.diff["left"]})


def _because(
    cause: Cause | None, groups: Sequence[ShownGroup] = (), titles: Mapping[str, str] | None = None
) -> str:
    if cause is None:
        return "asked for by hand"
    members = {one.person_id: one.title for group in groups for one in group.members if one.title}
    return words.because(cause.told, {**members, **(titles or {})})


def figures(
    groups: Sequence[ShownGroup], titles: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What is shown of a company's groups as they stand.

    With several, the figures are sums and means, and each stands under the product's name and in
    the table ``products``. In the order in which the UI shows them, what people look for first.
    """
    if not groups:
        return {"members": 0, "dagster/row_count": 0}
    confidences = [group.confidence for group in groups if group.confidence is not None]
    cohesions = [group.cohesion for group in groups if group.cohesion is not None]
    members = sum(len(group.members) for group in groups)
    differences = _differences(groups, titles or {})
    metadata: dict[str, Any] = {
        "members": members,
        "news": _news(differences),
        "group": dg.MetadataValue.md("\n\n".join(_table(group) for group in groups)),
        "completeness": round(fmean(group.completeness for group in groups), 4),
    }
    if confidences:
        metadata["confidence"] = round(fmean(confidences), 4)
    if cohesions:
        metadata["cohesion"] = round(fmean(cohesions), 2)
    else:
        metadata["cohesion_reason"] = groups[0].cohesion_reason or "no group was measurable"
    if len(groups) > 1:
        metadata |= product_figures.described(groups)
    return metadata | {
        "gaps": [{"product": group.product, **gap} for group in groups for gap in group.gaps],
        "diff": _diff(differences),
        "as_of": groups[0].as_of.isoformat(),
        "refresh_id": groups[0].refresh_id,
        "template_hash": ", ".join(group.template_hash for group in groups),
        "dagster/row_count": members,
    }


def _differences(
    groups: Sequence[ShownGroup], titles: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Who joined, left or changed role in any of the groups: the event, who, and as what."""
    found = [
        (event, *_whom(event, one, group, titles))
        for group in groups
        for event, news in group.diff.items()
        for one in news
    ]
    return list(dict.fromkeys(found))


def _whom(event: str, one: Any, group: ShownGroup, titles: Mapping[str, str]) -> tuple[str, str]:
    person_id = one if isinstance(one, str) else one["person_id"]
    member = next((each for each in group.members if each.person_id == person_id), None)
    title = (member.title if member else None) or titles.get(person_id)
    who = f"{person_id} ({words.cleaned(title)})" if title else person_id
    if not isinstance(one, str):
        old, new = (ROLE_LABELS[one[when]["role"]] for when in ("old", "new"))
        return who, f": {old} -> {new}"
    return who, f" as {ROLE_LABELS[member.role]}" if event == "joined" and member else ""


def _diff(differences: Sequence[tuple[str, str, str]]) -> dict[str, list[str]]:
    together: dict[str, list[str]] = {"joined": [], "left": [], "role_changed": []}
    for event, who, what in differences:
        together[event].append(f"{who}{what}")
    return together


def _news(differences: Sequence[tuple[str, str, str]]) -> str:
    """The same in one line, for who only glances at it: who left comes first."""
    verbs = {"joined": " joined", "left": " left", "role_changed": ""}
    order = ("left", "joined", "role_changed")
    lines = [
        f"{who}{verbs[event]}{what}"
        for event, who, what in sorted(differences, key=lambda one: order.index(one[0]))
    ]
    more = f"; and {len(lines) - _MOST_NEWS} more" if len(lines) > _MOST_NEWS else ""
    return ("; ".join(lines[:_MOST_NEWS]) + more) or "the same people in the same roles"


def _table(group: ShownGroup) -> str:
    lines = [
        f"**{group.product}**",
        "",
        "| person | title | role | confidence | reasons |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(member.person_id)} | {_cell(member.title or 'unknown')} "
        f"| {ROLE_LABELS[member.role]} | {member.confidence:.2f} "
        f"| {_cell('; '.join(member.reasons))} |"
        for member in group.members
    ]
    lines += [f"| | | {_gap(gap)} | | {_cell(gap['reason'])} |" for gap in group.gaps]
    return "\n".join(lines)


def _gap(gap: Mapping[str, Any]) -> str:
    return f"gap: {ROLE_LABELS[gap['role']]}" if gap["role"] else "gap"


def _cell(text: str) -> str:
    """Text that stays inside its cell, whatever somebody wrote in a title."""
    cleaned = " ".join(text.split())
    if len(cleaned) > _LONGEST:
        cleaned = cleaned[:_LONGEST] + " …"
    return cleaned.translate(_MARKUP)
