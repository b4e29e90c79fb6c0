"""The tables of the main job: companies, people, changes, refreshes and buyer groups."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COMPANY_ID = r"'^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$'"

COMPANIES_AND_PEOPLE = rf"""
create table bg.companies (
    id text primary key check (id ~ {COMPANY_ID} and strpos(id, '..') = 0),
    workspace text not null default 'default' check (workspace <> ''),
    name text not null check (char_length(name) between 2 and 200),
    domain text,
    website text,
    industry text,
    employee_min integer check (employee_min >= 0),
    employee_max integer check (employee_max >= employee_min),
    revenue numeric,
    country text,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table bg.people (
    id text primary key check (char_length(id) between 1 and 200),
    company_id text check (company_id ~ {COMPANY_ID} and strpos(company_id, '..') = 0),
    name text,
    title text,
    department text,
    seniority text,
    email text,
    location text,
    manager_id text,
    start_date date,
    end_date date,
    status text not null default 'active' check (status in ('active', 'left')),
    deleted_at timestamptz,
    observed_at timestamptz,
    updated_at timestamptz not null default now()
);
create index people_by_company on bg.people (company_id);

create function bg.touch_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end $$;
create trigger touch_updated_at before update on bg.people
    for each row when (old.* is distinct from new.*) execute function bg.touch_updated_at();
create trigger touch_updated_at before update on bg.companies
    for each row when (old.* is distinct from new.*) execute function bg.touch_updated_at();
"""

REFRESHES_AND_CHANGES = """
create table bg.buyer_group_refresh_log (
    id uuid primary key default gen_random_uuid(),
    company_id text not null,
    status text not null check (
        status in ('requested', 'running', 'completed', 'failed', 'dead', 'cancelled')),
    reason text not null,
    triggered_by text not null,
    priority smallint not null default 0,
    attempt integer not null default 1 check (attempt >= 1),
    not_before timestamptz,
    as_of date,
    run_id text,
    run_key text,
    batch_id uuid,
    sensor text,
    asked_at timestamptz,
    requested_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    starts_interval boolean not null default false,
    diff jsonb,
    error text,
    check (status <> 'running' or (run_id is not null and started_at is not null)),
    check (status not in ('completed', 'failed', 'dead', 'cancelled') or finished_at is not null)
);
create unique index one_refresh_at_a_time on bg.buyer_group_refresh_log (company_id)
    where status in ('requested', 'running');
create index refreshes_that_defer on bg.buyer_group_refresh_log (company_id, finished_at)
    where status = 'completed' and starts_interval;
create index refreshes_dead on bg.buyer_group_refresh_log (company_id) where status = 'dead';
create index refreshes_by_company on bg.buyer_group_refresh_log (company_id, requested_at);
create index refreshes_by_batch on bg.buyer_group_refresh_log (batch_id)
    where batch_id is not null;
create index refreshes_by_request on bg.buyer_group_refresh_log (requested_at);

create table bg.changes (
    id bigint generated always as identity primary key,
    company_id text not null,
    person_id text,
    kind text not null check (kind in (
        'person_joined', 'person_left', 'role_change', 'promotion', 'department_change',
        'company_change', 'contact_change', 'company_profile_change', 'company_deleted',
        'resync')),
    source text not null,
    old jsonb,
    new jsonb,
    priority smallint not null default 0,
    is_departure boolean not null default false,
    occurred_at timestamptz not null default clock_timestamp(),
    trace_id text,
    refresh_id uuid references bg.buyer_group_refresh_log (id),
    handled_at timestamptz,
    check (handled_at is null or refresh_id is not null)
);
-- What no refresh has taken is unhandled: the check above. With handled_at in no index, handling
-- touches none.
create index changes_pending on bg.changes (company_id, occurred_at) where refresh_id is null;
create index changes_by_refresh on bg.changes (refresh_id) where refresh_id is not null;

-- Each row is updated a few times and then never again, and the small partial indexes over what is
-- under way are read all the time: they must not wait until a fifth of all history is dead.
alter table bg.changes set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 5000);
alter table bg.buyer_group_refresh_log set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 2000);
"""

GROUPS = """
create table bg.company_people (
    company_id text not null,
    person_id text not null,
    title text,
    department text,
    location text,
    manager_id text,
    start_date date,
    has_email boolean not null default false,
    function text,
    level text,
    confidence double precision not null check (confidence between 0 and 1),
    evidence jsonb not null default '[]',
    primary key (company_id, person_id)
);

create table bg.buyer_groups (
    company_id text not null,
    product text not null,
    refresh_id uuid not null references bg.buyer_group_refresh_log (id),
    template_hash text not null,
    as_of date not null,
    completeness double precision not null check (completeness between 0 and 1),
    confidence double precision check (confidence between 0 and 1),
    cohesion double precision check (cohesion between 0 and 10),
    cohesion_reason text,
    coverage double precision not null check (coverage between 0 and 1),
    gaps jsonb not null default '[]',
    updated_at timestamptz not null default now(),
    primary key (company_id, product),
    check ((cohesion is null) <> (cohesion_reason is null))
);
create index buyer_groups_by_refresh on bg.buyer_groups (refresh_id);

create table bg.buyer_group_members (
    company_id text not null,
    product text not null,
    person_id text not null,
    role text not null check (role in (
        'decision_maker', 'champion', 'stakeholder', 'blocker', 'introducer')),
    confidence double precision not null check (confidence between 0 and 1),
    influence double precision not null check (influence between 0 and 1),
    pinned boolean not null default false,
    reasons jsonb not null default '[]',
    primary key (company_id, product, person_id),
    foreign key (company_id, product) references bg.buyer_groups on delete cascade
);

create table bg.buyer_group_history (
    id bigint generated always as identity primary key,
    refresh_id uuid not null references bg.buyer_group_refresh_log (id),
    company_id text not null,
    product text not null,
    person_id text,
    event text not null check (
        event in ('joined', 'left', 'role_changed', 'gap_opened', 'gap_closed')),
    old jsonb,
    new jsonb,
    because text not null
);
create index history_by_company on bg.buyer_group_history (company_id, id);
create index history_by_refresh on bg.buyer_group_history (refresh_id);

create table bg.member_overrides (
    id bigint generated always as identity primary key,
    company_id text not null,
    product text not null,
    person_id text not null,
    action text not null check (action in ('pin', 'exclude')),
    role text check (role in (
        'decision_maker', 'champion', 'stakeholder', 'blocker', 'introducer')),
    by text not null check (by <> ''),
    reason text not null check (reason <> ''),
    created_at timestamptz not null default now(),
    removed_at timestamptz
);
create unique index one_override_at_a_time on bg.member_overrides (company_id, product, person_id)
    where removed_at is null;
"""


def upgrade() -> None:
    for statements in (COMPANIES_AND_PEOPLE, REFRESHES_AND_CHANGES, GROUPS):
        op.execute(statements)
