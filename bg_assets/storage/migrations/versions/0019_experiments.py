"""Two versions of a template side by side: which experiments there are, and what they brought."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

VERSIONS = """
-- Every template that was ever in force, or that an experiment tried, so that a hash names one.
create table bg.template_versions (
    product text not null,
    hash text not null,
    text text not null,
    first_at timestamptz not null default clock_timestamp(),
    primary key (product, hash)
);
insert into bg.template_versions (product, hash, text, first_at)
select name, hash, text, loaded_at from bg.templates;
"""

EXPERIMENTS = """
create table bg.experiments (
    id uuid primary key default gen_random_uuid(),
    product text not null,
    -- Of a hundred companies so many are shown b; see domain/experiments/assignment.py.
    share smallint not null check (share between 1 and 99),
    a_hash text not null,
    b_hash text not null,
    started_by text not null check (started_by <> ''),
    started_at timestamptz not null default clock_timestamp(),
    -- Since when every company has been asked for that is to be shown another version than before;
    -- until then, how far the look came, and whether it is the last one.
    arranged_at timestamptz,
    looked_variant text not null default '' check (looked_variant in ('', 'a', 'b')),
    looked_company text not null default '',
    last_look boolean not null default false,
    stopped_by text,
    stopped_at timestamptz,
    -- The version that stays in force until the product's file is another than at the stop.
    kept text check (kept in ('a', 'b')),
    file_hash text,
    overruled_at timestamptz,
    -- What was known at the stop; its groups are not kept.
    result jsonb,
    check ((stopped_at is null) = (stopped_by is null)),
    check (stopped_at is not null or (kept is null and result is null)),
    foreign key (product, a_hash) references bg.template_versions (product, hash),
    foreign key (product, b_hash) references bg.template_versions (product, hash)
);
create unique index one_experiment_at_a_time on bg.experiments (product) where stopped_at is null;

-- Of a company of a running experiment: figures of both groups, made of the same inputs by one
-- refresh, and the members of the one that is not shown.
create table bg.experiment_groups (
    experiment_id uuid not null references bg.experiments (id) on delete cascade,
    company_id text not null,
    shown text not null check (shown in ('a', 'b')),
    refresh_id uuid not null,
    updated_at timestamptz not null default clock_timestamp(),
    size_a integer not null check (size_a >= 0),
    size_b integer not null check (size_b >= 0),
    completeness_a double precision not null,
    completeness_b double precision not null,
    confidence_a double precision,
    confidence_b double precision,
    cohesion_a double precision,
    cohesion_b double precision,
    -- Those in both against those in either, 0 to 1; null where there is nobody in either.
    members_overlap double precision check (members_overlap between 0 and 1),
    decision_makers_overlap double precision check (decision_makers_overlap between 0 and 1),
    -- Person id to role.
    members jsonb not null,
    primary key (experiment_id, company_id)
);

create index member_overrides_by_time on bg.member_overrides (product, created_at);
"""


def upgrade() -> None:
    for statements in (VERSIONS, EXPERIMENTS):
        op.execute(statements)
