"""Which changes are more urgent: by hand, departures, webhooks, tables, templates, without news.

Of companies that are due, those with the highest are taken first. A trigger writes what ``by_kind``
says.
"""

OF_KIND = {
    "person_left": 50,
    "company_deleted": 50,
    "company_change": 40,
    "person_joined": 30,
    "promotion": 30,
    "role_change": 30,
    "department_change": 20,
    "company_profile_change": 20,
    "contact_change": 10,
    "resync": 0,
}

# Somebody has gone, by whatever source: above all else that happens.
DEPARTURE = 50
# What an event of the door tells, a tenth of its kind's added: above all that tables tell.
OF_WEBHOOK = 41
WEBHOOK = "webhook"
# Above everything that happens: somebody waits for it.
BY_HAND = 100
# Below everything that happens to people, above backfills.
OF_TEMPLATE = -5
BACKFILL = -10
# Below all else: nobody has told anything.
WITHOUT_NEWS = -20


def by_kind(departure: str) -> str:
    """The priority of a change in SQL, by the names kind and writer; ``departure``: whether it is
    one, in SQL too."""
    cases = " ".join(f"when '{name}' then {value}" for name, value in OF_KIND.items())
    of_kind = f"case kind {cases} else 0 end"
    return (
        f"case when {departure} or kind in ('person_left', 'company_deleted') then {DEPARTURE} "
        f"when writer = '{WEBHOOK}' then {OF_WEBHOOK} + ({of_kind}) / 10 else {of_kind} end"
    )
