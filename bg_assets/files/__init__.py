"""Reading the files that users import: bytes to checked rows. No SQL and no Dagster here."""
