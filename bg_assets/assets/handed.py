"""The staff that a run's first step has read, for its last one in the same process.

company_people holds the same: what is not here is read there, as by a step that is tried again.
"""

from collections.abc import Mapping, Sequence

from bg_assets.domain.groups.group import StaffMember
from bg_assets.storage.refreshes import Held

MOST_PEOPLE = 80_000  # that are kept at once, at about 0.5 kB each

_kept: dict[tuple[str, str, int], Sequence[StaffMember]] = {}


def keep(run_id: str, held: Sequence[Held], staff: Mapping[str, Sequence[StaffMember]]) -> None:
    """Keep the staff of the refreshes that a run holds; what an earlier run left is dropped."""
    _kept.clear()
    for one in held:
        if one.company_id in staff:
            _kept[run_id, one.refresh_id, one.attempt] = staff[one.company_id]


def take(run_id: str, held: Sequence[Held]) -> dict[str, Sequence[StaffMember]]:
    """What was kept of these refreshes, by company, once: no other has held them meanwhile."""
    found = {one.company_id: _kept.pop((run_id, one.refresh_id, one.attempt), None) for one in held}
    return {company: staff for company, staff in found.items() if staff is not None}
