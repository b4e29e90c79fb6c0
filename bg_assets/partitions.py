"""The partition set of every asset: one partition a company, its key the company's id."""

import dagster as dg

companies = dg.DynamicPartitionsDefinition(name="companies")
