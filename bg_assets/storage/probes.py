"""Rows of some companies, looked up company by company.

PostgreSQL takes "company_id = any(…)" of a hundred companies for half of a table of which it has no
figures yet, as just after people were first loaded, and reads all of it, each time. A probe for
each company is the same whatever it believes.
"""

# Each of the companies that a statement is asked for, once and in order; "offset 0" in what is
# joined to it keeps it a probe.
EACH = "(select distinct unnest(cast(:companies as text[])) order by 1) as each(company_id)"
