"""The UI that `up` opens: Dagster's own, behind a guard, since it has no login of its own."""
