"""What a product needs: a template in YAML, read and checked with the line of every mistake."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from bg_assets.domain.near import near
from bg_assets.domain.template_yaml import BadTemplate, Place, root
from bg_assets.domain.vocabulary import FUNCTIONS, LEVELS, ROLES

SCHEMA: Final = 1
_CONDITION: Final = (
    "functions",
    "levels",
    "titles",
    "departments",
    "min_employees",
    "max_employees",
    "fit",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Who fits a role. Every named list must match; fit, 0 to 1, is how well.

    titles and departments: phrases matched as whole words. Employees: inclusive bounds; a company
    of unknown size is within all of them.
    """

    functions: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    min_employees: int | None = None
    max_employees: int | None = None
    fit: float = 1.0


@dataclass(frozen=True, slots=True)
class RoleRule:
    """A role of a template. required: how many a complete group has; priority: higher fills first.

    never_*: who can't have the role whatever the conditions say.
    """

    role: str
    required: int
    priority: int
    conditions: tuple[Condition, ...]
    never_functions: tuple[str, ...] = ()
    never_levels: tuple[str, ...] = ()
    never_titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A product as the rules see it.

    deal_size: US dollars. functions: (function, weight 0 to 1) of those that matter. regions: ISO
    country codes it is sold in, empty for all. hash: of the content, whatever its layout.
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

    def weight(self, function: str | None) -> float:
        """How much a function matters, 0 to 1; 0 for an unknown one or one that is not named."""
        return dict(self.functions).get(function or "", 0.0)


def load_template(path: Path) -> Template:
    """The template of a file. Raises BadTemplate with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTemplate(f"{path}, line 1: can't be read: {error}") from None
    return parse_template(text, str(path))


def load_templates(
    folder: Path | None = None, names: Sequence[str] | None = None
) -> dict[str, Template]:
    """The shipped templates and those of a folder of one's own, by name.

    names: only these, in this order. Raises BadTemplate for a mistake in a file, two templates of
    one name, a folder that is missing, and a name that no template has (with near matches).
    """
    files = sorted(Path(__file__).with_name("templates").glob("*.yaml"))
    if folder is not None:
        if not folder.is_dir():
            raise BadTemplate(f"{folder}: no such folder of templates; correct BG_TEMPLATES")
        files += sorted(p for p in folder.iterdir() if p.suffix in (".yaml", ".yml"))
    found: dict[str, Template] = {}
    origin: dict[str, Path] = {}
    for path in files:
        template = load_template(path)
        if template.name in found:
            raise BadTemplate(
                f"{path}, line 1: {origin[template.name]} has the name {template.name!r} too; "
                "rename one of them"
            )
        found[template.name], origin[template.name] = template, path
    if names is None:
        return found
    for name in names:
        if name not in found:
            raise BadTemplate(f"no template is named {name!r}; {near(name, found)}")
    return {name: found[name] for name in names}


@lru_cache(maxsize=64)
def parse_template(text: str, name: str) -> Template:
    """The template in a text; name says in errors where it stood. Raises BadTemplate."""
    top = root(text, name).mapping(
        required=("template", "name", "version", "does", "deal_size", "functions", "roles"),
        optional=("title", "disqualify", "regions"),
    )
    if top["template"].integer(1) != SCHEMA:
        raise top["template"].bad(f"this version reads template: {SCHEMA} only")
    weights = {
        key: place.number(0, 1)
        for key, place in top["functions"].entries(FUNCTIONS, "function").items()
    }
    if not any(weights.values()):
        raise top["functions"].bad("at least one function needs a weight above 0")
    disqualify = (
        top["disqualify"].mapping(optional=("titles", "levels")) if "disqualify" in top else {}
    )
    levels = disqualify["levels"].words(LEVELS, "level") if "levels" in disqualify else ()
    places = top["roles"].entries(ROLES, "role")
    if not places:
        raise top["roles"].bad("at least one role is needed")
    roles = [_role(role, place, weights, levels) for role, place in places.items()]
    roles.sort(key=lambda r: (-r.priority, ROLES.index(r.role)))
    template = Template(
        name=top["name"].identifier(),
        version=top["version"].integer(1),
        title=top["title"].text() if "title" in top else top["name"].text(),
        does=top["does"].text(),
        deal_size=top["deal_size"].integer(0),
        functions=tuple(sorted(weights.items())),
        roles=tuple(roles),
        disqualified_titles=disqualify["titles"].words() if "titles" in disqualify else (),
        disqualified_levels=levels,
        regions=tuple(r.upper() for r in top["regions"].words()) if "regions" in top else (),
    )
    return _hashed(template)


def _hashed(template: Template) -> Template:
    content: dict[str, Any] = asdict(template)
    content.pop("hash")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return replace(template, hash=hashlib.sha256(text.encode()).hexdigest()[:16])


def _role(
    role: str, place: Place, weights: Mapping[str, float], disqualified: Sequence[str]
) -> RoleRule:
    parts = place.mapping(required=("required", "any"), optional=("priority", "never"))
    never = (
        parts["never"].mapping(optional=("functions", "levels", "titles"))
        if "never" in parts
        else {}
    )
    rule = RoleRule(
        role=role,
        required=parts["required"].integer(0),
        priority=parts["priority"].integer(0) if "priority" in parts else 0,
        conditions=(),
        never_functions=never["functions"].words(FUNCTIONS, "function")
        if "functions" in never
        else (),
        never_levels=never["levels"].words(LEVELS, "level") if "levels" in never else (),
        never_titles=never["titles"].words() if "titles" in never else (),
    )
    items = parts["any"].items()
    if not items:
        raise parts["any"].bad(f"{role} needs at least one condition")
    barred = {*rule.never_levels, *disqualified}
    conditions = tuple(_condition(item, rule, weights, barred) for item in items)
    return replace(rule, conditions=conditions)


def _condition(
    place: Place, rule: RoleRule, weights: Mapping[str, float], barred_levels: set[str]
) -> Condition:
    parts = place.mapping(optional=_CONDITION)
    condition = Condition(
        functions=parts["functions"].words(FUNCTIONS, "function") if "functions" in parts else (),
        levels=parts["levels"].words(LEVELS, "level") if "levels" in parts else (),
        titles=parts["titles"].words() if "titles" in parts else (),
        departments=parts["departments"].words() if "departments" in parts else (),
        min_employees=parts["min_employees"].integer(1) if "min_employees" in parts else None,
        max_employees=parts["max_employees"].integer(1) if "max_employees" in parts else None,
        fit=parts["fit"].number(0, 1) if "fit" in parts else 1.0,
    )
    if not (condition.functions or condition.titles or condition.departments):
        raise place.bad("a condition needs functions, titles or departments, else all fit it")
    if condition.fit == 0:
        raise place.bad("this condition can never hold: fit is 0")
    low, high = condition.min_employees, condition.max_employees
    if low is not None and high is not None and low > high:
        raise place.bad(f"this condition can never hold: min_employees {low} is above {high}")
    if condition.levels and barred_levels.issuperset(condition.levels):
        raise place.bad("this condition can never hold: all its levels are excluded")
    if condition.functions and set(rule.never_functions).issuperset(condition.functions):
        raise place.bad("this condition can never hold: all its functions are excluded")
    if condition.titles and set(rule.never_titles).issuperset(condition.titles):
        raise place.bad("this condition can never hold: all its titles are excluded")
    for function in condition.functions:
        if not weights.get(function):
            raise parts["functions"].bad(
                f"this condition can never count: {function} has no weight under functions"
            )
    return condition
