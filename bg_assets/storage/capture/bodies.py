"""The bodies of the change-capture triggers: which rows of changes a statement leads to.

Each ``columns`` here maps a canonical column to the SQL that reads it, given the alias of a row:
``'{row}."Job Title"::text'``.
"""

from collections.abc import Mapping

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, named, watched
from bg_assets.storage.capture import beside
from bg_assets.storage.priorities import OF_WEBHOOK, WEBHOOK, by_kind

# One statement that changes more people of one company than this becomes one change ...
MANY_OF_ONE_COMPANY = 20
# ... and, in a statement that changes more people than this, two of one company do.
MANY_AT_ALL = 1000

# A person's columns by what a change of them is, and what a change tells of who joined or left.
ROLE = watched(PEOPLE, "role_change")
DEPARTMENT = watched(PEOPLE, "department_change")
WATCHED = watched(
    PEOPLE, "company_change", "role_change", "department_change", "contact_change", "presence"
)
_PROFILE = watched(COMPANIES, "company_profile_change")
ARRIVAL = named(one for one in PEOPLE if one.of_arrival)
DEPARTURE = named(one for one in PEOPLE if one.of_departure)

# Triggers run with an empty search path: a writer's schema can't stand in for ours.
_HEAD = """
declare
    writer text := coalesce(nullif(current_setting('bg.source', true), ''), '{writer}');
    trace text := nullif(current_setting('bg.trace_id', true), '');
    today date := (clock_timestamp() at time zone 'UTC')::date;
begin
"""
_TAIL = """
    return null;
end
"""

INTO = """insert into bg.changes
        (company_id, person_id, kind, source, old, new, priority, is_departure, trace_id)"""

# Few rows can't be many of one company. What a change says is put together last: of many rows of
# one company nothing of it is kept.
_KEEP = f"""
    if (select count(*) from (select from {{rows}} limit {MANY_OF_ONE_COMPANY + 1}) as few)
            <= {MANY_OF_ONE_COMPANY} then
        {INTO}
        select company_id, person_id, kind, writer, {{before}}, {{after}}, {{priority}},
            is_departure, trace
        from ({{facts}}) as s;
        return null;
    end if;
    {INTO}
    with facts as ({{facts}}), counted as (
        select *,
            count(*) over (partition by company_id) as of_company,
            count(*) over () as at_all
        from facts
    ), sorted as (
        select *, of_company > {MANY_OF_ONE_COMPANY}
            or (at_all > {MANY_AT_ALL} and of_company > 1) as many
        from counted
    )
    select company_id, person_id, kind, writer, {{before}}, {{after}}, {{priority}},
        is_departure, trace
    from sorted as s
    where not many or (is_departure and exists (
        select from bg.buyer_group_members as m
        where m.company_id = s.company_id and m.person_id = s.person_id))
    union all
    select company_id, null, 'resync', writer, null,
        jsonb_build_object('people', count(*)),
        case when writer = '{WEBHOOK}' then {OF_WEBHOOK} else 0 end, false, trace
    from sorted where many group by company_id;
"""

# How facts name the columns of the old and the new row: s.o_title, s.n_title.
_NOTED = {name: f"s.{{row}}_{name}" for name in ("id", *WATCHED)}

# How the canonical views name the columns.
CANONICAL = {name: f"{{row}}.{name}" for name in ("id", *WATCHED)}

# PL/pgSQL keeps the plan of a statement, made perhaps for one row, and may use it for a million:
# only a full join can't become a loop over both tables.
PAIRS = "old_rows as o full join new_rows as n on {old} = {new}"


def people_functions(columns: Mapping[str, str], *, attached: bool = False) -> dict[str, str]:
    """Trigger bodies for the people table, by event.

    attached: it is somebody else's. Of those of whom something was told their rows beside it tell.
    """
    head = _HEAD.format(writer="people_table")

    def body(rows: str, facts: str, before: str, after: str) -> str:
        texts = {"before": before, "after": after, "priority": by_kind("is_departure")}
        return head + _KEEP.format(rows=rows, facts=facts, **texts) + _TAIL

    departure = values_of("o", DEPARTURE, _NOTED)
    arrival = values_of("n", ARRIVAL, _NOTED)
    before, after = (changed_of(row, WATCHED, _NOTED) for row in ("o", "n"))
    updated = (
        f"case when new_id is null then {departure} when old_id is not null then {before} end",
        f"case when old_id is null then {arrival} when new_id is not null then {after} end",
    )
    functions = {
        "insert": body("new_rows", _arrived(columns, attached), "null::jsonb", arrival),
        "update": body("new_rows", _people_update(columns, attached), *updated),
        "delete": body("old_rows", _departed(columns, attached), departure, "null::jsonb"),
        "truncate": head + _PEOPLE_TRUNCATE + _TAIL,
    }
    if not attached:
        return functions
    return {
        event: text.replace("begin\n", f"begin\n{_followed(event, columns)}", 1)
        for event, text in functions.items()
    }


def observed_functions() -> dict[str, str]:
    """Trigger bodies for what is kept beside an attached table, by event.

    Who is copied there, or let go from it, changes only where that differs from the owner's row.
    """
    rows = "(select t.* from bg.attached_people() as t where t.id = any(array(select id from {})))"
    update = people_functions(CANONICAL)["update"]
    return {
        "insert": update.replace("old_rows as", rows.format("new_rows") + " as"),
        "update": update,
        "delete": update.replace("new_rows", rows.format("old_rows")).replace(
            f"from (select from {rows.format('old_rows')} limit", "from (select from old_rows limit"
        ),
    }


def _followed(event: str, columns: Mapping[str, str]) -> str:
    """What is kept beside follows what the owner writes."""
    if event == "truncate":
        return ""
    ids = " union ".join(
        f"select {column_of(row, 'id', columns)} from {table} as {row}"
        for row, table, events in (("o", "old_rows", "ud"), ("n", "new_rows", "iu"))
        if event[0] in events
    )
    followed = f"""    if exists (select from {beside.TABLE}) then
        perform bg.follow_owner(array({ids}));
    end if;
"""
    if event == "delete":
        return followed
    here, company, email, gone = (
        column_of("n", name, columns) for name in ("id", "company_id", "email", "deleted_at")
    )
    listed = ", ".join(f"array_agg({one})" for one in (here, company, email))
    return followed + (
        f"    perform bg.give_way({listed}) from new_rows as n\n"
        f"    where {email} is not null and {company} is not null and {gone} is null\n"
        f"    and exists (select from {beside.TABLE} as b where b.theirs is null);\n"
    )


def company_functions(columns: Mapping[str, str]) -> dict[str, str]:
    """Trigger bodies for the companies table, by event."""
    head = _HEAD.format(writer="company_table")

    def body(facts: str) -> str:
        return f"""{head}
    insert into bg.changes (company_id, kind, source, old, new, priority, trace_id)
    select company_id, kind, writer, before, after, {by_kind("false")}, trace
    from ({facts}) as facts;
{_TAIL}"""

    def deleted(table: str) -> str:
        return f"""
        select {column_of("o", "id", columns)} as company_id, 'company_deleted' as kind,
            null::jsonb as before, null::jsonb as after
        from {table} as o where {column_of("o", "deleted_at", columns)} is null"""

    return {
        "insert": body(f"""
        select {column_of("n", "id", columns)} as company_id, 'company_profile_change' as kind,
            null::jsonb as before, {values_of("n", _PROFILE, columns)} as after
        from new_rows as n where {column_of("n", "deleted_at", columns)} is null"""),
        "update": body(_companies_update(columns)),
        "delete": body(deleted("old_rows")),
        "truncate": body(
            "select id as company_id, 'company_deleted' as kind, null::jsonb as before, "
            "null::jsonb as after from bg.canonical_companies where deleted_at is null"
        ),
    }


def column_of(row: str, name: str, columns: Mapping[str, str]) -> str:
    return columns[name].format(row=row)


def employed(row: str, columns: Mapping[str, str], day: str, start_by: str | None = None) -> str:
    """Whether a row of people counts as staff on a day, as its columns tell; no row does not.

    Both the first and the last day count. ``start_by``: the first day that is early enough, where
    that is another one.
    """
    company, status, gone, start, end = (
        column_of(row, name, columns)
        for name in ("company_id", "status", "deleted_at", "start_date", "end_date")
    )
    # Most are active, and to compare costs a tenth of what it costs to trim.
    return (
        f"({company} is not null "
        f"and ({status} = 'active' or lower(btrim({status})) is distinct from 'left') "
        f"and {gone} is null and ({start} is null or {start} <= {start_by or day}) "
        f"and ({end} is null or {end} >= {day}))"
    )


def employed_today(row: str, columns: Mapping[str, str]) -> str:
    """For the triggers. Who starts tomorrow counts: if this commits after midnight, the look for
    those who start then (storage/dates.py) may have been before."""
    return employed(row, columns, "today", "today + 1")


def differs_in(name: str, columns: Mapping[str, str]) -> str:
    return f"{column_of('o', name, columns)} is distinct from {column_of('n', name, columns)}"


def any_differs(names: tuple[str, ...], columns: Mapping[str, str]) -> str:
    differing = " or ".join(differs_in(name, columns) for name in names)
    return differing if len(names) == 1 else f"({differing})"


def values_of(row: str, names: tuple[str, ...], columns: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{name}', {column_of(row, name, columns)}" for name in names)
    return f"jsonb_strip_nulls(jsonb_build_object({pairs}))"


def changed_of(row: str, names: tuple[str, ...], columns: Mapping[str, str]) -> str:
    """The values of one side, for the columns that differ; unknown is left out."""
    pairs = ", ".join(
        f"'{name}', case when {differs_in(name, columns)} then {column_of(row, name, columns)} end"
        for name in names
    )
    return f"jsonb_strip_nulls(jsonb_build_object({pairs}))"


def noted(row: str, names: tuple[str, ...], columns: Mapping[str, str]) -> str:
    """The columns of one side as the facts carry them, o_title or n_title."""
    return ", ".join(f"{column_of(row, name, columns)} as {row}_{name}" for name in names)


def _unless_beside(attached: bool, person_id: str) -> str:
    return f" and {beside.apart(person_id)}" if attached else ""


def _arrived(columns: Mapping[str, str], attached: bool) -> str:
    return f"""
        select {column_of("n", "company_id", columns)} as company_id,
            {column_of("n", "id", columns)} as person_id, 'person_joined' as kind,
            false as is_departure, {noted("n", ARRIVAL, columns)}
        from new_rows as n
        where {employed_today("n", columns)}
            {_unless_beside(attached, column_of("n", "id", columns))}"""


def _departed(columns: Mapping[str, str], attached: bool) -> str:
    return f"""
        select {column_of("o", "company_id", columns)} as company_id,
            {column_of("o", "id", columns)} as person_id, 'person_left' as kind,
            true as is_departure, {noted("o", DEPARTURE, columns)}
        from old_rows as o
        where {employed_today("o", columns)}
            {_unless_beside(attached, column_of("o", "id", columns))}"""


def _people_update(columns: Mapping[str, str], attached: bool) -> str:
    """Rows that differ in what is watched, were or are staff; a move counts for both companies.

    A person whose id changed has left by the old one and joined by the new one.
    """
    old_id, new_id = column_of("o", "id", columns), column_of("n", "id", columns)
    moved = "o_company_id is distinct from n_company_id"
    return f"""
        with compared as materialized (
            select {old_id} as old_id, {new_id} as new_id,
                {employed_today("o", columns)} as was, {employed_today("n", columns)} as now_is,
                {noted("o", WATCHED, columns)}, {noted("n", WATCHED, columns)}
            from {PAIRS.format(old=old_id, new=new_id)}
            where ({employed_today("o", columns)} or {employed_today("n", columns)})
                and {any_differs(("id", *WATCHED), columns)}
                {_unless_beside(attached, f"coalesce({new_id}, {old_id})")}
        )
        select n_company_id as company_id, new_id as person_id,
            case when not was then 'person_joined'
                when not now_is then 'person_left'
                when {any_differs(ROLE, _NOTED)} then 'role_change'
                when {any_differs(DEPARTMENT, _NOTED)} then 'department_change'
                else 'contact_change' end as kind,
            was and not now_is as is_departure, s.*
        from compared as s where old_id = new_id and o_company_id = n_company_id
        union all
        select o_company_id, old_id,
            case when new_id is null then 'person_left' else 'company_change' end, true, s.*
        from compared as s where was and (new_id is null or {moved})
        union all
        select n_company_id, new_id,
            case when old_id is null then 'person_joined' else 'company_change' end, false, s.*
        from compared as s where now_is and (old_id is null or {moved})"""


def _companies_update(columns: Mapping[str, str]) -> str:
    """Profiles that differ and companies that came back, are deleted, or changed their id."""
    old_id, new_id = column_of("o", "id", columns), column_of("n", "id", columns)
    old_gone, new_gone = (column_of(row, "deleted_at", columns) for row in ("o", "n"))
    was = f"({old_id} is not null and {old_gone} is null)"
    now_is = f"({new_id} is not null and {new_gone} is null)"
    return f"""
        with compared as materialized (
            select {old_id} as old_id, {new_id} as new_id, {was} as was, {now_is} as now_is,
                {changed_of("o", _PROFILE, columns)} as before,
                {changed_of("n", _PROFILE, columns)} as after
            from {PAIRS.format(old=old_id, new=new_id)}
            where ({was} or {now_is})
                and {any_differs(("id", *_PROFILE, "deleted_at"), columns)}
        )
        select new_id as company_id, 'company_profile_change' as kind,
            case when old_id is not null then before end as before, after
        from compared where now_is
        union all
        select old_id, 'company_deleted', null, null from compared where was and not now_is"""


_PEOPLE_TRUNCATE = """
    insert into bg.changes (company_id, kind, source, new, priority, trace_id)
    select company_id, 'resync', writer, jsonb_build_object('people', count(*)), 0, trace
    from bg.canonical_people where company_id is not null group by company_id;
    insert into bg.changes
        (company_id, person_id, kind, source, priority, is_departure, trace_id)
    select m.company_id, m.person_id, 'person_left', writer, 50, true, trace
    from bg.buyer_group_members as m group by m.company_id, m.person_id;
"""

# In a table of somebody else's the statement goes on, whatever became of the columns: what is
# missed is noted and found by comparison. Whatever else fails is as if it were our own table.
_GUARDED = """
    return null;
exception when syntax_error_or_access_rule_violation or data_exception then
    insert into bg.capture_failures (on_table, event, code)
    values (tg_relid::regclass::text, lower(tg_op), sqlstate) on conflict do nothing;
    return null;
end
"""


def guarded(functions: Mapping[str, str]) -> dict[str, str]:
    """The same bodies, for a table whose owner may change it at any time."""
    return {event: body.removesuffix(_TAIL) + _GUARDED for event, body in functions.items()}


def part_truncated(what: str, columns: Mapping[str, str], table: str) -> str:
    """The body for TRUNCATE where each part of a table, and it itself, tells of its own rows."""
    gone, company, one = (
        column_of("t", name, columns)
        for name in ("deleted_at", "company_id" if what == "people" else "id", "id")
    )
    rows = f"from {table} as t where t.tableoid = tg_relid and {gone} is null"
    if what == "companies":
        return f"""{_HEAD.format(writer="company_table")}
    insert into bg.changes (company_id, kind, source, priority, trace_id)
    select {company}, 'company_deleted', writer, 50, trace {rows};
{_TAIL}"""
    return f"""{_HEAD.format(writer="people_table")}
    update {beside.TABLE} as b set gone_at = now(), deleted_at = coalesce(b.deleted_at, now())
    where b.gone_at is null
        and b.id in (select {one} from {table} as t where t.tableoid = tg_relid);
    insert into bg.changes (company_id, kind, source, new, priority, trace_id)
    select {company}, 'resync', writer, jsonb_build_object('people', count(*)), 0, trace
    {rows} and {company} is not null group by 1;
    insert into bg.changes
        (company_id, person_id, kind, source, priority, is_departure, trace_id)
    select m.company_id, m.person_id, 'person_left', writer, 50, true, trace
    from bg.buyer_group_members as m
    where (m.company_id, m.person_id) in (select {company}, {one} {rows})
    group by m.company_id, m.person_id;
{_TAIL}"""
