"""The SQL that keeps the truth: tables, migrations, and named statements that take a connection."""
