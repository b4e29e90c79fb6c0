"""Buyer groups as Dagster assets, partitioned by company and kept right as people change jobs."""
