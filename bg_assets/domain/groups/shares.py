"""What part of a fit is left to whoever has a part of a function, or is hardly of it at all.

How much of it somebody has is remit.py.
"""

from collections.abc import Mapping

from bg_assets.domain.groups.remit import NAMED, Remit, does_its_work
from bg_assets.domain.titles.authority import stands_in
from bg_assets.domain.values.sectors import Sector

# Factors on who decides for a function, by how much of it somebody has. Of British public posts
# read as finance, HR and IT from director up, so many have that profession: of the whole 0.88, 0.94
# and 0.88, of a unit 0.84, 0.85 and 0.70, of a part 0.76, 0.82 and 0.49, unknown 0.07, 0.30 and
# 0.16; and so many that and one of the higher grades too: 0.44, 0.53 and 0.46; 0.33, 0.50 and 0.26;
# 0.23, 0.30 and 0.28; 0.01, 0.05 and 0.05. In business nobody makes policy of a function; no list
# is known.
_REMITS: Mapping[Remit, float] = {"whole": 1.0, "unit": 0.97, "part": 0.95, "unknown": 0.95}
_PUBLIC_REMITS: Mapping[Remit, float] = {"whole": 1.0, "unit": 0.9, "part": 0.65, "unknown": 0.4}
# Who runs a part of the company decides little beyond it; owners have no such name.
_EXECUTIVE_REMITS: Mapping[Remit, float] = {"whole": 1.0, "unit": 0.95, "part": 0.6, "unknown": 1.0}
# Of British public posts below director whose title and department have neither the name of the
# function nor a word for its work, so many have the profession: 0.05 of finance (auditors, tax
# specialists, whoever gives grants), 0.14 of HR (who teaches others), 0.18 of IT (web pages) and
# 0.02 of security (guards); of all others 0.84. Development there is of plans, land and skills:
# engineers of systems say so.
NOT_OF_IT = 0.25
DEPUTY = 0.75  # who only stands in for another decides after them, and wants it as much
_DEPUTIES = 5.0  # the rank of a deputy director: from it on no word for work replaces the name
_CALLED_SO = frozenset(("finance", "hr", "it", "security"))
# Security there is mostly that of the country, of buildings and of patients.
_GUARDED = frozenset(("public", "hospital", "university"))


def matters(role: str, function: str | None, sector: Sector | None) -> bool:
    """Whether it counts in a role how much of a function somebody has."""
    if function == "engineering":
        return sector == "public" and role in ("champion", "stakeholder")
    if function not in NAMED:
        return False
    if role in ("decision_maker", "champion"):
        return True
    if role == "blocker":
        return function == "security" and sector in _GUARDED
    if role == "stakeholder":
        return function == "executive" or (function in _CALLED_SO and _public(function, sector))
    return False


def called(function: str, sector: Sector | None) -> str:
    """The name under which remit.py knows the function in companies of a sector."""
    return "information_security" if function == "security" and sector in _GUARDED else function


def share(
    role: str,
    function: str,
    extent: Remit,
    sector: Sector | None,
    rank: float,
    title: str | None,
) -> float:
    """The factor on a fit, 0 to 1, for having so much of a function; see ``matters``.

    Who decides is measured by all of it, others only by whether they are of the function at all.
    """
    public = _public(function, sector)
    if role == "decision_maker":
        remits = _PUBLIC_REMITS if public else _REMITS
        whole = (_EXECUTIVE_REMITS if function == "executive" else remits)[extent]
        return whole * DEPUTY if stands_in(title) else whole
    if function == "executive" and role == "stakeholder":
        return _EXECUTIVE_REMITS[extent]
    if extent != "unknown" or not public or function == "executive":
        return 1.0
    if function == "engineering":
        return 1.0 if does_its_work(title, function) else NOT_OF_IT
    if function not in _CALLED_SO:
        return _PUBLIC_REMITS[extent] if rank >= _DEPUTIES else 1.0
    works = rank < _DEPUTIES and does_its_work(title, function)
    return 1.0 if works else NOT_OF_IT


def is_named(function: str | None, extent: Remit, left: float, sector: Sector | None) -> bool:
    """Whether a title or department had to call a function by its name or work, and does so.

    left: the ``share``.
    """
    asked = function in _CALLED_SO and function is not None and _public(function, sector)
    return asked and (extent != "unknown" or left == 1.0)


def _public(function: str, sector: Sector | None) -> bool:
    return sector == "public" or (function == "security" and sector in _GUARDED)
