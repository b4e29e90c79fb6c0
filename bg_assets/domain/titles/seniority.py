"""What a column of seniority says of somebody's level, in the words that CRMs and vendors have."""

import re
from functools import lru_cache

from bg_assets.domain.titles.weighing import read
from bg_assets.domain.values.folding import fold

# The vocabularies of LinkedIn, People Data Labs, Apollo, ZoomInfo and HubSpot; the first level is
# the likely one, and one word may stand for several of ours.
_SAID: dict[str, tuple[str, ...]] = {
    "owner": ("owner",),
    "founder": ("owner",),
    "partner": ("director", "owner"),
    "board": ("owner",),
    "board member": ("owner",),
    "c level": ("c_level",),
    "c level exec": ("c_level",),
    "c suite": ("c_level",),
    "clevel": ("c_level",),
    "cxo": ("c_level",),
    "chief": ("c_level",),
    "executive": ("c_level", "vp"),
    "top management": ("c_level",),
    "vp": ("vp",),
    "vp level exec": ("vp",),
    "vice president": ("vp",),
    "head": ("head",),
    "director": ("director",),
    "director level": ("director",),
    "senior management": ("director", "head"),
    "manager": ("manager",),
    "manager level": ("manager",),
    "management": ("manager",),
    "middle management": ("manager",),
    "mid management": ("manager",),
    "supervisor": ("manager",),
    "team lead": ("manager",),
    "mid senior level": ("senior", "manager"),
    "mid senior": ("senior", "manager"),
    "senior": ("senior",),
    "lead": ("senior",),
    "principal": ("senior",),
    "expert": ("senior",),
    "non manager": ("staff", "senior"),
    "individual contributor": ("staff", "senior"),
    "mid level": ("staff",),
    "employee": ("staff",),
    "staff": ("staff",),
    "associate": ("staff",),
    "junior": ("staff",),
    "entry": ("staff",),
    "entry level": ("staff",),
    "assistant": ("assistant",),
    "intern": ("intern",),
    "internship": ("intern",),
    "training": ("intern",),
    "trainee": ("intern",),
    "unpaid": ("intern",),
}
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=1 << 12)
def levels(text: str | None) -> tuple[str, ...]:
    """The levels that such a column can mean, the likely one first; none where it says none.

    A word that no vendor has is read as a title would be; a number or a grade of one company, such
    as `Band 5`, says nothing.
    """
    if not text or any(c.isdigit() for c in text):
        return ()
    words = " ".join(_WORD.findall(fold(text)))
    known = _SAID.get(words)
    if known is not None:
        return known
    found = read(text).level
    return found.values if found is not None else ()
