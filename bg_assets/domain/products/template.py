"""What a product needs: a template in YAML, read and checked with the line of every mistake."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from bg_assets.domain.enrichment.asking import Level
from bg_assets.domain.products import mistakes
from bg_assets.domain.products.places import Place, part, root
from bg_assets.domain.values import countries, currencies
from bg_assets.domain.values.near import near
from bg_assets.domain.values.sectors import SECTORS
from bg_assets.domain.vocabulary import FUNCTIONS, LEVELS, ROLES, role_meant

SCHEMA = 1
_LISTS = ("functions", "levels", "titles", "departments", "sectors", "not_sectors")
_CONDITION = (*_LISTS, "min_employees", "max_employees", "fit")

_LATER = ("sectors", "not_sectors", "never_in")


@dataclass(frozen=True, slots=True)
class Condition:
    """Who fits a role. Every named list must match; fit, 0 to 1, is how well.

    titles and departments: phrases matched as whole words. sectors, not_sectors: of the company;
    one that is of none, or of which nothing tells, is in no sector. Employees: inclusive bounds; a
    company of unknown size is within all of them.
    """

    functions: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    not_sectors: tuple[str, ...] = ()
    min_employees: int | None = None
    max_employees: int | None = None
    fit: float = 1.0


@dataclass(frozen=True, slots=True)
class RoleRule:
    """A role of a template. required: how many a complete group has; priority: higher fills first.

    never_*: who can't have the role whatever the conditions say. never_in: phrases of titles that
    rule somebody out in companies of one sector only, with it.
    """

    role: str
    required: int
    priority: int
    conditions: tuple[Condition, ...]
    never_functions: tuple[str, ...] = ()
    never_levels: tuple[str, ...] = ()
    never_titles: tuple[str, ...] = ()
    never_in: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def ruling_out(self, sector: str | None) -> tuple[str, ...]:
        """The phrases that rule somebody out in a company of this sector."""
        here = (phrases for one, phrases in self.never_in if one == sector)
        return (*self.never_titles, *(phrase for phrases in here for phrase in phrases))


@dataclass(frozen=True, slots=True)
class Template:
    """What the rules know of a product.

    name: the product. title, does: what people call it, and a sentence on what it does.
    deal_size: in ``currency``, one of currencies.DOLLARS. functions: (function, weight 0 to 1) of
    those that matter. regions: ISO codes of the countries it is sold in, empty for all. hash: of
    all that a group hangs on, whatever its layout. enrichment: how much is asked of providers,
    which no group hangs on.
    """

    name: str
    version: int
    title: str
    does: str
    deal_size: int
    functions: tuple[tuple[str, float], ...]
    roles: tuple[RoleRule, ...]
    disqualified_titles: tuple[str, ...]
    disqualified_levels: tuple[str, ...]
    regions: tuple[str, ...]
    hash: str = ""
    enrichment: Level = Level.IDENTIFY
    currency: str = "USD"

    @property
    def deal_dollars(self) -> int:
        """The size of the deal, in about so many US dollars."""
        return currencies.in_dollars(self.deal_size, self.currency)

    def weight(self, function: str | None) -> float:
        """How much a function matters, 0 to 1; 0 for an unknown one or one that is not named."""
        return dict(self.functions).get(function or "", 0.0)


def name_line(text: str) -> int:
    """The line in which a template that is fine says its name."""
    entries = root(text, "").entries((*_REQUIRED, *_OPTIONAL), "key")
    return entries["name"].node.start_mark.line + 1


_REQUIRED = ("template", "name", "version", "does", "deal_size", "functions", "roles")
_OPTIONAL = ("title", "disqualify", "regions", "enrichment", "currency")


@lru_cache(maxsize=256)
def parse_template(text: str, name: str) -> Template:
    """The template in a text; name says in errors where it stood. Raises BadTemplate."""
    place = root(text, name)
    top = place.mapping(required=_REQUIRED, optional=_OPTIONAL)
    if "template" in top and top["template"].integer(1) not in (SCHEMA, None):
        top["template"].bad(f"this version of bg_assets reads template: {SCHEMA} only")
    deal_size = _integer(top, "deal_size", 0)
    currency = _currency(top)
    deal = currencies.in_dollars(deal_size, currency)
    weights = _weights(top)
    disqualify = (
        top["disqualify"].mapping(optional=("titles", "levels")) if "disqualify" in top else {}
    )
    barred = {key: _words(disqualify, key) for key in ("titles", "levels")}
    places = top["roles"].entries(ROLES, "role", role_meant) if "roles" in top else {}
    if "roles" in top and not places:
        top["roles"].bad(f"at least one role is needed; allowed: {', '.join(ROLES)}")
    rules = [_role(role, at, weights, barred, deal) for role, at in places.items()]
    rules.sort(key=lambda r: (-r.priority, ROLES.index(r.role)))
    title = top.get("title", top.get("name"))
    template = Template(
        name=top["name"].identifier() if "name" in top else "",
        version=_integer(top, "version", 1),
        title=(title.text() if title else None) or "",
        does=(top["does"].text() if "does" in top else None) or "",
        deal_size=deal_size,
        functions=tuple(sorted(weights.items())),
        roles=tuple(rules),
        disqualified_titles=barred["titles"],
        disqualified_levels=barred["levels"],
        regions=_regions(top),
        enrichment=_enrichment(top),
        currency=currency,
    )
    place.mistakes.check()
    return _hashed(template)


def _hashed(template: Template) -> Template:
    content: dict[str, Any] = asdict(template)
    for name in ("hash", "enrichment"):
        content.pop(name)
    if template.currency == "USD":
        content.pop("currency")  # as it was before templates could name one
    # What came later and is not said leaves the hash as it was, and so the groups of old.
    parts = [one for role in content["roles"] for one in (role, *role["conditions"])]
    for one, name in itertools.product(parts, _LATER):
        if not one.get(name, True):
            one.pop(name)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return replace(template, hash=hashlib.sha256(text.encode()).hexdigest()[:16])


_KNOWN: Mapping[str, Sequence[str]] = {
    "functions": FUNCTIONS, "levels": LEVELS, "sectors": SECTORS, "not_sectors": SECTORS,
}  # fmt: skip


def _integer(parts: Mapping[str, Place], key: str, low: int, otherwise: int | None = None) -> int:
    value = parts[key].integer(low) if key in parts else otherwise
    return low if value is None else value


def _words(parts: Mapping[str, Place], key: str) -> tuple[str, ...]:
    known = _KNOWN.get(key)
    words = part(parts, key, known)
    for phrase in mistakes.wordless(words):
        parts[key].bad(f"{phrase!r} holds no word, so no title or department can hold it")
    return words


def _weights(top: Mapping[str, Place]) -> dict[str, float]:
    if "functions" not in top:
        return {}
    places = top["functions"].entries(FUNCTIONS, "function")
    read = {function: place.number(0, 1) for function, place in places.items()}
    # One that can't be read is reported once, not again by each condition that counts on it.
    weights = {function: 1.0 if weight is None else weight for function, weight in read.items()}
    if places and not any(weights.values()):
        top["functions"].bad("at least one function needs a weight above 0")
    return weights


def _regions(top: Mapping[str, Place]) -> tuple[str, ...]:
    found: set[str] = set()
    for word in part(top, "regions"):
        code = countries.code(word)
        if code is None:
            top["regions"].bad(
                f"unknown region {word!r}; allowed: countries by ISO code or name, like US, GB, DE"
            )
        else:
            found.add(code)
    return tuple(sorted(found))


def _enrichment(top: Mapping[str, Place]) -> Level:
    if "enrichment" not in top:
        return Level.IDENTIFY
    word = top["enrichment"].text()
    levels = [level.value for level in Level]
    if word in levels:
        return Level(word)
    if word is not None:
        top["enrichment"].bad(f"unknown enrichment {word!r}; {near(word, levels)}")
    return Level.IDENTIFY


def _currency(top: Mapping[str, Place]) -> str:
    word = top["currency"].text() if "currency" in top else None
    if word is not None and word.upper() not in currencies.DOLLARS:
        known = ", ".join(currencies.DOLLARS)
        top["currency"].bad(f"unknown currency {word!r}; allowed: {known}")
        return "USD"
    return (word or "USD").upper()


def _role(
    role: str,
    place: Place,
    weights: Mapping[str, float],
    barred: Mapping[str, Sequence[str]],
    deal_size: int,
) -> RoleRule:
    parts = place.mapping(required=("required", "any"), optional=("priority", "never"))
    never = (
        parts["never"].mapping(optional=("functions", "levels", "titles", "sectors"))
        if "never" in parts
        else {}
    )
    required = _integer(parts, "required", 0)
    most = mistakes.most(role, deal_size)
    if required > most:
        parts["required"].bad(
            f"{required} can never be reached: the largest group for such a deal has "
            f"{most} {role}; allowed: 0 to {most}"
        )
    excluded = {key: _words(never, key) for key in ("functions", "levels", "titles")}
    void = {
        "functions": excluded["functions"],
        "levels": (*excluded["levels"], *barred["levels"]),
        "titles": (*excluded["titles"], *barred["titles"]),
    }
    items = parts["any"].items() if "any" in parts else []
    return RoleRule(
        role=role,
        required=required,
        priority=_integer(parts, "priority", 0, 0),
        conditions=tuple(_condition(item, void, weights) for item in items),
        never_functions=excluded["functions"],
        never_levels=excluded["levels"],
        never_titles=excluded["titles"],
        never_in=_never_in(never),
    )


def _never_in(never: Mapping[str, Place]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if "sectors" not in never:
        return ()
    sectors = never["sectors"].entries(SECTORS, "sector")
    return tuple((sector, _words(sectors, sector)) for sector in SECTORS if sector in sectors)


def _condition(
    place: Place, never: Mapping[str, Sequence[str]], weights: Mapping[str, float]
) -> Condition:
    before = len(place.mistakes.found)
    parts = place.mapping(optional=_CONDITION)
    words = {key: _words(parts, key) for key in _LISTS}
    low, high = (
        parts[key].integer(1) if key in parts else None
        for key in ("min_employees", "max_employees")
    )
    fit = parts["fit"].number(0, 1) if "fit" in parts else 1.0
    for function in words["functions"]:
        if not weights.get(function):
            parts["functions"].bad(
                f"this condition can never count: {function} has no weight above 0 under functions"
            )
    if len(place.mistakes.found) == before:
        for key, sentence in mistakes.never_holds(words, never, (low, high), fit):
            parts.get(key, place).bad(sentence)
    return Condition(
        **words, min_employees=low, max_employees=high, fit=1.0 if fit is None else fit
    )
