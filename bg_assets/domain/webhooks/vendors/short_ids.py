"""Ids of Salesforce, which its reports write with 15 characters and everything else with 18.

The last three tell which of the first are capitals, as Salesforce documents it: each of them is
five bits, the first of five characters the lowest, as a letter or one of 0 to 5.
"""

import re
import string

from bg_assets.domain.webhooks.vendors.table import VENDORS, shipped

_SHORT = re.compile(r"[A-Za-z0-9]{15}")
_FIVE = 5
_DIGITS = string.ascii_uppercase + string.digits[:6]


def whole(text: str) -> str:
    """The id with all its characters; what is no short one as it is."""
    if not _SHORT.fullmatch(text):
        return text
    fives = (text[at : at + _FIVE] for at in range(0, len(text), _FIVE))
    return text + "".join(
        _DIGITS[sum(1 << bit for bit, letter in enumerate(five) if letter.isupper())]
        for five in fives
    )


def length(system: str | None) -> int:
    """So many characters of the system's ids are the same id; 0 where all of them count."""
    return next((shipped(one).short_ids for one in VENDORS if one == system), 0)
