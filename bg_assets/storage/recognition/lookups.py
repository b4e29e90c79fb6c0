"""Who is meant by a source's own id, an e-mail or a domain: one rule for events and for files.

Each is a lateral part of a statement: for one row ``w`` it gives the few who may be meant.
"""

import sqlalchemy as sa

# A probe for each row asked for, of tables of any size of which the planner may know nothing yet:
# on its guesses a scan for each e-mail looked cheap. A bitmap would read a crowd to its end.
PROBE = sa.text("""
    select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)
""")
PROBED = sa.text("set local enable_seqscan to default; set local enable_bitmapscan to default")
# All rows of a file against all: never one by one, whatever the planner knows of a table that was
# filled a moment ago.
WHOLE = sa.text("""
    select set_config('enable_seqscan', 'on', true), set_config('enable_nestloop', 'off', true)
""")
WHOLE_DONE = sa.text("set local enable_nestloop to default; set local enable_seqscan to default")

# Of w(source, kind, external_id). Served by the unique key of the identities.
BY_IDENTITY = """
    select our_id, merged_at from bg.webhook_identities as i
    where i.source = w.source and i.kind = w.kind and i.external_id = w.external_id
    limit 1
"""
# Of w(workspace, value). Served by people_by_email and the primary key of the companies.
BY_EMAIL = """
    select p.id from bg.canonical_people as p
    where lower(p.email) = lower(w.value) and p.deleted_at is null
        and w.workspace = (
            select c.workspace from bg.canonical_companies as c where c.id = p.company_id)
    limit :most
"""
# Of w(workspace, value), those that are tracked first. Served by companies_by_domain.
BY_DOMAIN = """
    select c.id, c.deleted_at is not null as deleted from bg.canonical_companies as c
    where lower(c.domain) = lower(w.value) and c.workspace = w.workspace
    order by c.deleted_at is not null
    limit :most
"""
