"""Which changes are more urgent: the priority of each kind, and of what is asked for.

Of companies that are due, those with the highest are taken first. A trigger writes its kind's.
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

# Above everything that happens: somebody waits for it.
BY_HAND = 100
# Below everything that happens to people, above backfills.
OF_TEMPLATE = -5
BACKFILL = -10
# Below all else: nobody has told anything.
WITHOUT_NEWS = -20
