"""Clients of those who sell or hold data on people and companies. No SQL and no Dagster here."""
