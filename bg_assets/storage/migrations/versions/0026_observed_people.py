"""What is told of people while a table of somebody else's stands in for ours: kept beside it."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

OBSERVED = """
-- The people of whom something was told that their owner's table does not hold, as they are known:
-- what stands there, with what was told on top. See storage/capture/beside.py. The columns are
-- those of bg.people; in a table of somebody else's may stand anything, so that nothing is checked.
create table bg.observed_people (
    id text primary key,
    company_id text,
    name text,
    title text,
    department text,
    seniority text,
    email text,
    location text,
    manager_id text,
    start_date date,
    end_date date,
    status text not null default 'active',
    deleted_at timestamptz,
    observed_at timestamptz,
    updated_at timestamptz not null default now(),
    -- The cells of their row there, as they were read last; null: they are known to us alone.
    theirs jsonb,
    -- Since when that row is gone.
    gone_at timestamptz,
    -- Of each column that was told: by whom, and when that was seen.
    told jsonb not null default '{}'
);
create index observed_people_by_company on bg.observed_people (company_id);
create index observed_people_by_email on bg.observed_people (lower(email)) where email is not null;
create index observed_people_by_end_date on bg.observed_people (end_date)
    where end_date is not null;
create index observed_people_by_start_date on bg.observed_people (start_date)
    where start_date is not null;
create index observed_people_gone on bg.observed_people (gone_at) where gone_at is not null;
create index observed_people_alone on bg.observed_people (id) where theirs is null;
create index observed_people_untold on bg.observed_people (updated_at) where told = '{}';
create trigger touch_updated_at before update on bg.observed_people
    for each row when (old.* is distinct from new.*) execute function bg.touch_person();

-- A row is with those who write their table just now: it is looked at again once they are done.
create table bg.observed_unsettled (
    person_id text not null,
    -- Every transaction below this one is over; null until somebody has looked.
    after_xid xid8
);
"""

# The clock of what is told is the writer's; of what is followed nothing was told.
TOLD = """
create function bg.note_told() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
    before jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) else '{}' end;
    followed boolean := case when tg_op = 'UPDATE' then new.theirs is distinct from old.theirs
        or new.gone_at is distinct from old.gone_at else new.theirs is not null end;
    differing text[];
begin
    select coalesce(array_agg(n.key), '{}') into differing
    from jsonb_each(to_jsonb(new)) as n
    where n.value is distinct from coalesce(before -> n.key, 'null')
        and n.key <> all(array['id', 'observed_at', 'updated_at', 'theirs', 'gone_at', 'told']);
    if followed then
        new.told := new.told - differing - array(
            select t.key from jsonb_each(new.theirs) as t
            where t.value is distinct from coalesce(before -> 'theirs' -> t.key, 'null'));
    elsif differing <> '{}' then
        new.told := new.told || (
            select jsonb_object_agg(one, jsonb_build_object(
                'source', coalesce(nullif(current_setting('bg.source', true), ''), 'people_table'),
                'at', coalesce(new.observed_at, clock_timestamp())))
            from unnest(differing) as one);
    end if;
    return new;
end $$;
create trigger note_told before insert or update on bg.observed_people
    for each row execute function bg.note_told();

create view bg.observations as
select o.id as person_id, t.key as field, to_jsonb(o) ->> t.key as value,
    o.theirs ->> t.key as theirs, t.value ->> 'source' as source,
    (t.value ->> 'at')::timestamptz as seen_at
from bg.observed_people as o cross join lateral jsonb_each(o.told) as t;
comment on view bg.observations is
    'What was told of people beside an attached table: value, what it holds there, from whom.';
"""

WRITES = """
-- Of whose people something is kept, also while it is not attached.
alter table bg.capture_watch add column observed_of text;
update bg.capture_watch set observed_of = (
    select on_table from bg.attached_tables where kind = 'people');
-- How what is told of people is written to the table; null: it is only read.
alter table bg.attached_tables add column writes jsonb;
"""


def upgrade() -> None:
    for statements in (OBSERVED, TOLD, WRITES):
        op.execute(statements)
