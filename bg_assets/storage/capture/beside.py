"""What is told of people whose table is somebody else's: the functions that keep it beside.

Whoever something was told of has a row in bg.observed_people, which the canonical view shows in
place of the owner's: a copy of that, with what was told on top. Of each cell the copy knows what it
was; once the owner writes another value there, that one counts. Triggers on their table see to it.
"""

from bg_assets.domain.values.columns import PEOPLE
from bg_assets.domain.webhooks.seen import OF_THE_PERSON

TABLE = "bg.observed_people"
# What a row of theirs says; the times are of our own reading.
_CELLS = tuple(one.name for one in PEOPLE if one.name not in ("id", "observed_at", "updated_at"))
# JSON writes times by the zone of the session, and it is any writer's.
_SETTINGS = "set search_path = pg_catalog, pg_temp set timezone = 'UTC'"
FUNCTIONS = (
    "take_people(text[], boolean)", "follow_people(text[])", "follow_owner(text[])",
    "give_way(text[], text[], text[])",
)  # fmt: skip


def functions() -> list[str]:
    """The functions by which rows are copied and followed, for an attached table."""
    return [*dropped(), _take(), _follow(), _follow_owner(), _give_way()]


def dropped() -> list[str]:
    """None of them is there."""
    return [f"drop function if exists bg.{one}" for one in FUNCTIONS]


def apart(person_id: str) -> str:
    """Whether somebody is as the owner's table has them; served by the primary key."""
    return f"not exists (select from {TABLE} as b where b.id = {person_id})"


def _theirs(row: str) -> str:
    pairs = ", ".join(f"'{name}', {row}.{name}" for name in _CELLS)
    return f"jsonb_build_object({pairs})"


def _take() -> str:
    """Copies the rows of some people who have none here. strict: all of them must be copied by
    this call, else somebody else was faster and the caller is to read them anew."""
    read = ", ".join(
        "coalesce(t.status, 'active')" if name == "status" else f"t.{name}" for name in _CELLS
    )
    return f"""create function bg.take_people(ids text[], strict boolean) returns void
language plpgsql {_SETTINGS} as $take$
declare
    taken bigint;
begin
    insert into {TABLE} (id, {", ".join(_CELLS)}, observed_at, theirs)
    select distinct on (t.id) t.id, {read}, t.observed_at, {_theirs("t")}
    from bg.attached_people() as t where t.id = any(ids)
    order by t.id, t.deleted_at nulls first
    on conflict (id) do nothing;
    get diagnostics taken = row_count;
    if strict and taken < cardinality(ids) then
        raise exception using errcode = 'serialization_failure',
            message = 'somebody else told of the same people';
    end if;
    insert into bg.observed_unsettled (person_id) select unnest(ids);
end $take$"""


def _follow() -> str:
    """Takes over what the owner has written since, cell by cell. Of who works elsewhere now
    nothing that was told of the old job stays."""
    differs = {
        name: f"coalesce(o.theirs -> '{name}', 'null') is distinct from f.theirs -> '{name}'"
        for name in _CELLS
    }
    moved = f"(o.theirs is not null and {differs['company_id']})"
    sets = []
    for name in _CELLS:
        counts = differs[name] if name in OF_THE_PERSON else f"({differs[name]} or {moved})"
        theirs = "coalesce(f.status, 'active')" if name == "status" else f"f.{name}"
        if name == "deleted_at":
            sets.append(
                "deleted_at = case when not f.there then coalesce(o.deleted_at, now()) "
                f"when o.gone_at is not null or {counts} then f.deleted_at else o.deleted_at end"
            )
        else:
            sets.append(f"{name} = case when f.there and {counts} then {theirs} else o.{name} end")
    listed = ", ".join(f"t.{name}" for name in _CELLS)
    return f"""create function bg.follow_people(ids text[]) returns void
language plpgsql {_SETTINGS} as $follow$
begin
    with found as (
        select distinct on (o.id) o.id, t.id is not null as there, {listed},
            case when t.id is null then o.theirs else {_theirs("t")} end as theirs
        from {TABLE} as o left join bg.attached_people() as t on t.id = o.id
        where o.id = any(ids) order by o.id, t.deleted_at nulls first
    )
    update {TABLE} as o set {", ".join(sets)}, theirs = f.theirs,
        gone_at = case when not f.there then now() end, observed_at = clock_timestamp()
    from found as f
    where o.id = f.id and case
        when f.there then o.gone_at is not null or o.theirs is distinct from f.theirs
        else o.theirs is not null and o.gone_at is null end;
end $follow$"""


def _follow_owner() -> str:
    """For the triggers on the owner's table: it waits for nobody, and fails for none of ours."""
    return f"""create function bg.follow_owner(ids text[]) returns void
language plpgsql {_SETTINGS} as $follow$
declare
    held text[] := array(select o.id from {TABLE} as o where o.id = any(ids));
    free text[] := '{{}}';
begin
    if held = '{{}}' then
        return;
    end if;
    begin
        free := array(
            select o.id from {TABLE} as o where o.id = any(held) order by o.id
            for update skip locked);
        perform bg.follow_people(free);
    exception when serialization_failure or lock_not_available or deadlock_detected then
        free := '{{}}';
    end;
    insert into bg.observed_unsettled (person_id)
    select one from unnest(held) as one where one <> all(free);
end $follow$"""


def _give_way() -> str:
    """Somebody whom only we know ends where their owner has a row with the same e-mail at the same
    company: they are one, and all that sources call ours leads to that row. Nobody is waited for.
    """
    return f"""create function bg.give_way(ids text[], companies text[], emails text[]) returns void
language plpgsql {_SETTINGS} as $give$
declare
    one record;
begin
    for one in
        select b.id as ours, min(t.id) as theirs
        from unnest(ids, companies, emails) as t(id, company_id, email)
        join {TABLE} as b on lower(b.email) = lower(t.email) and b.theirs is null
            and b.company_id = t.company_id and b.id <> t.id
        group by b.id having count(*) = 1
    loop
        delete from {TABLE} where id = (
            select o.id from {TABLE} as o where o.id = one.ours and o.theirs is null
            for update skip locked);
        if found then
            update bg.webhook_identities set our_id = one.theirs
            where kind = 'person' and our_id = one.ours;
        end if;
    end loop;
exception when serialization_failure or lock_not_available or deadlock_detected then
    -- Two they stay until the row is written again.
    return;
end $give$"""
