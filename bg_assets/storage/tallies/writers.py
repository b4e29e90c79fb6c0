"""Who wrote a change, as one of a few words, though writers name themselves as they like."""

OTHER = "other"
# What our own code writes; see storage/capture/bodies.py for those of the triggers.
NAMED = (
    "people_table", "company_table", "webhook", "manual", "schedule", "template", "import",
)  # fmt: skip
PROVIDER = "provider"


def word(column: str) -> str:
    """The word in SQL, of a column that holds a writer's own name."""
    named = ", ".join(f"'{one}'" for one in NAMED)
    return (
        f"case when {column} in ({named}) then {column} "
        f"when {column} like 'provider:%' then '{PROVIDER}' else '{OTHER}' end"
    )
