"""The bodies of the change-capture triggers: which rows of changes a statement leads to."""

from collections.abc import Mapping

PRIORITIES = {
    "manual": 100,
    "person_left": 50,
    "company_deleted": 50,
    "company_change": 40,
    "person_joined": 30,
    "promotion": 30,
    "role_change": 30,
    "department_change": 20,
    "company_profile_change": 20,
    "contact_change": 10,
    "resync": 0,
}

# One statement that changes more people of one company than this becomes one change ...
MANY_OF_ONE_COMPANY = 20
# ... and, in a statement that changes more people than this, two of one company do.
MANY_AT_ALL = 1000

_ROLE = ("title", "seniority", "manager_id", "start_date", "end_date")
_CONTACT = ("name", "email", "location")
_WATCHED = ("company_id", *_ROLE, "department", *_CONTACT, "status", "deleted_at")
_PROFILE = (
    "workspace", "name", "domain", "website", "industry", "employee_min", "employee_max",
    "revenue", "country",
)  # fmt: skip

# Triggers run with an empty search path: a writer's schema can't stand in for ours.
_HEAD = """
declare
    writer text := coalesce(nullif(current_setting('bg.source', true), ''), '{source}');
    trace text := nullif(current_setting('bg.trace_id', true), '');
begin
"""
_TAIL = """
    return null;
end
"""

_KEEP = f"""
    insert into bg.changes
        (company_id, person_id, kind, source, old, new, priority, is_departure, trace_id)
    with counted as (
        select *,
            count(*) over (partition by company_id) as of_company,
            count(*) over () as at_all
        from ({{facts}}) as facts
    ), sorted as (
        select *, of_company > {MANY_OF_ONE_COMPANY}
            or (at_all > {MANY_AT_ALL} and of_company > 1) as many
        from counted
    )
    select company_id, person_id, kind, writer, before, after, {{priority}}, is_departure, trace
    from sorted as s
    where not many or (is_departure and exists (
        select from bg.buyer_group_members as m
        where m.company_id = s.company_id and m.person_id = s.person_id))
    union all
    select company_id, null, 'resync', writer, null,
        jsonb_build_object('people', count(*)), 0, false, trace
    from sorted where many group by company_id;
"""


def _priority(kind: str = "kind") -> str:
    cases = " ".join(f"when '{name}' then {value}" for name, value in PRIORITIES.items())
    return f"case {kind} {cases} else 0 end"


def people_functions(columns: Mapping[str, str]) -> dict[str, str]:
    """Trigger bodies for the people table, by event; ``columns`` maps canonical to real names."""
    head = _HEAD.format(source="people_table")

    def body(facts: str) -> str:
        return head + _KEEP.format(facts=facts, priority=_priority()) + _TAIL

    return {
        "insert": body(_arrived("n", "new_rows", columns)),
        "update": body(_people_update(columns)),
        "delete": body(_departed("o", "old_rows", columns)),
        "truncate": head + _people_truncate(columns) + _TAIL,
    }


def company_functions(columns: Mapping[str, str]) -> dict[str, str]:
    """Trigger bodies for the companies table, by event."""
    head = _HEAD.format(source="company_table")

    def body(facts: str) -> str:
        return (
            head
            + f"""
    insert into bg.changes (company_id, kind, source, old, new, priority, trace_id)
    select company_id, kind, writer, before, after, {_priority()}, trace from ({facts}) as facts;
"""
            + _TAIL
        )

    key, gone = columns["id"], columns["deleted_at"]
    deleted = "'company_deleted' as kind, null::jsonb as before, null::jsonb as after"
    differs = " or ".join(_differs(name, columns) for name in _PROFILE)
    return {
        "insert": body(
            f"select n.{key} as company_id, 'company_profile_change' as kind, null::jsonb as before, "
            f"{_values('n', _PROFILE, columns)} as after from new_rows as n where n.{gone} is null"
        ),
        "update": body(
            f"""select n.{key} as company_id, 'company_profile_change' as kind,
            {_changed("o", _PROFILE, columns)} as before, {_changed("n", _PROFILE, columns)} as after
        from old_rows as o join new_rows as n on n.{key} = o.{key}
        where n.{gone} is null and (o.{gone} is not null or {differs})
        union all
        select o.{key}, {deleted}
        from old_rows as o left join new_rows as n on n.{key} = o.{key}
        where o.{gone} is null and (n.{key} is null or n.{gone} is not null)
        union all
        select n.{key}, 'company_profile_change', null, {_values("n", _PROFILE, columns)}
        from new_rows as n left join old_rows as o on n.{key} = o.{key}
        where o.{key} is null and n.{gone} is null"""
        ),
        "delete": body(
            f"select o.{key} as company_id, {deleted} from old_rows as o where o.{gone} is null"
        ),
        "truncate": body(
            f"select c.id as company_id, {deleted} from bg.canonical_companies as c "
            "where c.deleted_at is null"
        ),
    }


def _employed(row: str, columns: Mapping[str, str]) -> str:
    """Whether a row of people counts as staff today, as far as its columns tell."""
    status, gone, end = (f"{row}.{columns[name]}" for name in ("status", "deleted_at", "end_date"))
    company = f"{row}.{columns['company_id']}"
    return (
        f"({company} is not null and {status} is distinct from 'left' and {gone} is null "
        f"and ({end} is null or {end} >= current_date))"
    )


def _differs(name: str, columns: Mapping[str, str]) -> str:
    return f"o.{columns[name]} is distinct from n.{columns[name]}"


def _values(row: str, names: tuple[str, ...], columns: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{name}', {row}.{columns[name]}" for name in names)
    return f"jsonb_strip_nulls(jsonb_build_object({pairs}))"


def _changed(row: str, names: tuple[str, ...], columns: Mapping[str, str]) -> str:
    """The values of one side, for the columns that differ; unknown is left out."""
    pairs = ", ".join(
        f"'{name}', case when {_differs(name, columns)} then {row}.{columns[name]} end"
        for name in names
    )
    return f"jsonb_strip_nulls(jsonb_build_object({pairs}))"


def _arrived(row: str, table: str, columns: Mapping[str, str]) -> str:
    names = ("title", "department", "seniority", "location", "manager_id")
    return f"""
        select {row}.{columns["company_id"]} as company_id, {row}.{columns["id"]} as person_id,
            'person_joined' as kind, null::jsonb as before, {_values(row, names, columns)} as after,
            false as is_departure
        from {table} as {row} where {_employed(row, columns)}"""


def _departed(row: str, table: str, columns: Mapping[str, str]) -> str:
    return f"""
        select {row}.{columns["company_id"]} as company_id, {row}.{columns["id"]} as person_id,
            'person_left' as kind, {_values(row, ("title", "department"), columns)} as before,
            null::jsonb as after, true as is_departure
        from {table} as {row} where {_employed(row, columns)}"""


def _people_update(columns: Mapping[str, str]) -> str:
    """Rows that differ in what is watched, were or are staff; a move counts for both companies."""
    company, key = columns["company_id"], columns["id"]
    was, now = _employed("o", columns), _employed("n", columns)

    def any_of(names: tuple[str, ...]) -> str:
        return "(" + " or ".join(_differs(name, columns) for name in names) + ")"

    old, new = _changed("o", _WATCHED, columns), _changed("n", _WATCHED, columns)
    moved = f"o.{company} is distinct from n.{company}"
    both = f"old_rows as o join new_rows as n on n.{key} = o.{key}"
    return f"""
        select n.{company} as company_id, n.{key} as person_id,
            case when not {was} then 'person_joined'
                when not {now} then 'person_left'
                when {any_of(_ROLE)} then 'role_change'
                when {_differs("department", columns)} then 'department_change'
                else 'contact_change' end as kind,
            {old} as before, {new} as after, {was} and not {now} as is_departure
        from {both}
        where not ({moved}) and ({was} or {now}) and {any_of(_WATCHED)}
        union all
        select o.{company}, o.{key}, 'company_change', {old}, {new}, true
        from {both} where {moved} and {was}
        union all
        select n.{company}, n.{key}, 'company_change', {old}, {new}, false
        from {both} where {moved} and {now}
        union all
        {_departed("o", f"(select o.* from old_rows as o where not exists (select from new_rows as n where n.{key} = o.{key}))", columns)}
        union all
        {_arrived("n", f"(select n.* from new_rows as n where not exists (select from old_rows as o where o.{key} = n.{key}))", columns)}"""


def _people_truncate(columns: Mapping[str, str]) -> str:
    return """
    insert into bg.changes (company_id, kind, source, new, priority, trace_id)
    select company_id, 'resync', writer, jsonb_build_object('people', count(*)), 0, trace
    from bg.canonical_people where company_id is not null group by company_id;
    insert into bg.changes
        (company_id, person_id, kind, source, priority, is_departure, trace_id)
    select m.company_id, m.person_id, 'person_left', writer, 50, true, trace
    from bg.buyer_group_members as m group by m.company_id, m.person_id;
"""
