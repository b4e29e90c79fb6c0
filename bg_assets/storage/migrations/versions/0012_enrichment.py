"""Which companies are to be asked of providers, and what came of each question."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DUE = """
create table bg.enrichment_due (
    company_id text primary key,
    due_at timestamptz,
    wanted_at timestamptz not null default clock_timestamp(),
    enriched_at timestamptz,
    failures integer not null default 0 check (failures >= 0),
    error text,
    batch_id uuid,
    taken_at timestamptz,
    run_id text,
    check ((batch_id is null) = (taken_at is null)),
    check (batch_id is not null or run_id is null)
);
create index enrichment_due_next on bg.enrichment_due (due_at, company_id)
    where due_at is not null and batch_id is null;
create index enrichment_due_failing on bg.enrichment_due (failures) where failures >= 3;
create index enrichment_due_by_batch on bg.enrichment_due (batch_id) where batch_id is not null;
alter table bg.enrichment_due set (
    autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);

comment on table bg.enrichment_due is
    'Companies of which providers were or are to be asked; a batch is the work of one run.';
comment on column bg.enrichment_due.due_at is 'From when on to ask; null: nothing to ask.';
comment on column bg.enrichment_due.wanted_at is 'When a refresh last left something to ask.';
"""

ENRICHMENTS = """
create table bg.enrichments (
    company_id text not null,
    kind text not null check (kind in ('company', 'discovery', 'person')),
    person_id text not null default '',
    provider text not null,
    outcome text not null check (outcome in ('found', 'not_found', 'another', 'refused')),
    asked_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null,
    primary key (company_id, kind, person_id, provider)
);

comment on table bg.enrichments is
    'The last answer to each kind of question, settled: asked again once it has expired.';
comment on column bg.enrichments.person_id is 'Whom it was about; empty: the company.';
comment on column bg.enrichments.outcome is
    'another: the provider found somebody else; refused: it would not answer such a question.';
"""


def upgrade() -> None:
    op.execute(DUE)
    op.execute(ENRICHMENTS)
