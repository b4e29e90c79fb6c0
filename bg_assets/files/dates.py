"""How days are written in a file: by its format, or as all rows of a column allow."""

from collections.abc import Iterable, Mapping

from bg_assets.domain.values import days
from bg_assets.domain.values.days import Order
from bg_assets.files.records import Record


def orders(records: Iterable[Record], places: Mapping[str, int]) -> dict[str, Order]:
    """Which of day and month stands first in each column in which all rows fit one order only.

    ``places``: where each column of days stands. Looks no further than to the first day where the
    columns are written with the year first, as ours are.
    """
    able = dict.fromkeys(places, (True, True))
    waiting, several = dict(places), set[str]()
    for _, fields, problem in records:
        for name, place in list(waiting.items()):
            cell = fields[place].strip() if problem is None and place < len(fields) else ""
            found = days.evidence(cell) if cell else None
            if found is not None:
                several.add(name)
                able[name] = (able[name][0] and found[0], able[name][1] and found[1])
            elif cell and name not in several:
                del waiting[name]
        if not waiting:
            break
    told: dict[tuple[bool, bool], Order] = {(True, False): "day", (False, True): "month"}
    return {name: told[able[name]] for name in several if able[name] in told}
