"""Bodies of triggers that go another way for one row, for few and for many.

The way for few, in bodies.py, is right for any number of rows. For one row a query with as many
parts costs more than its row; for many what they changed is counted first, company by company, and
put into words only for those of whom it is told one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bg_assets.storage.capture import bodies
from bg_assets.storage.capture.bodies import MANY_AT_ALL, MANY_OF_ONE_COMPANY
from bg_assets.storage.priorities import OF_WEBHOOK, WEBHOOK, by_kind

_OLD, _NEW = ("old_rows as o", "o"), ("new_rows as n", "n")
# What a row that is alone is called in PL/pgSQL: one.o_title, one.n_title.
_ONE = {name: f"one.{{row}}_{name}" for name in ("id", *bodies.WATCHED)}
_BEGIN = "begin\n"


@dataclass(frozen=True, slots=True)
class _Facts:
    """Of whom a statement tells, as SQL; ``joined``: their rows, of which the rest speaks."""

    facts: str
    joined: str
    kind: str
    before: str
    after: str


def people_functions(functions: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    """The bodies for a people table, by event, each with its other ways before it."""
    ways = {
        "insert": _many("new_rows", _one_sided(*_NEW, columns)),
        "update": _one(columns) + _many("new_rows", _two_sided(columns)),
        "delete": _many("old_rows", _one_sided(*_OLD, columns)),
    }
    return {
        event: body.replace(_BEGIN, _BEGIN + ways[event], 1) if event in ways else body
        for event, body in functions.items()
    }


def _more_than(number: int, rows: str) -> str:
    return f"(select count(*) from (select from {rows} limit {number + 1}) as few) > {number}"


def _one(columns: Mapping[str, str]) -> str:
    """For a person who is changed alone, and neither moves nor gets another id."""
    names = ("id", *bodies.WATCHED)
    differences = "\n".join(
        f"""        if {bodies.differs_in(name, _ONE)} then
            before := before || jsonb_build_object('{name}', {bodies.column_of("o", name, _ONE)});
            after := after || jsonb_build_object('{name}', {bodies.column_of("n", name, _ONE)});
        end if;"""
        for name in bodies.WATCHED
    )
    return f"""
    if not {_more_than(1, "new_rows")} then declare
        one record;
        before jsonb := '{{}}';
        after jsonb := '{{}}';
        was boolean;
        now_is boolean;
        kind text;
    begin
        select {bodies.noted("o", names, columns)}, {bodies.noted("n", names, columns)}
        into one from {_OLD[0]}, {_NEW[0]};
        if one.o_id = one.n_id and one.o_company_id is not distinct from one.n_company_id then
{differences}
            if before = '{{}}' and after = '{{}}' then
                return null;
            end if;
            was := {bodies.employed_today("o", _ONE)};
            now_is := {bodies.employed_today("n", _ONE)};
            if not (was or now_is) then
                return null;
            end if;
            kind := case when not was then 'person_joined' when not now_is then 'person_left'
                else {_kind(_ONE)} end;
            {bodies.INTO}
            values (one.n_company_id, one.n_id, kind, writer, jsonb_strip_nulls(before),
                jsonb_strip_nulls(after), {by_kind("(was and not now_is)")}, was and not now_is,
                trace);
            return null;
        end if;
    end; end if;
"""


def _kind(columns: Mapping[str, str]) -> str:
    """What it is when somebody stays who is there."""
    return f"""case when {bodies.any_differs(bodies.ROLE, columns)} then 'role_change'
                when {bodies.any_differs(bodies.DEPARTMENT, columns)} then 'department_change'
                else 'contact_change' end"""


def _one_sided(table: str, row: str, columns: Mapping[str, str]) -> _Facts:
    """Who came or went: facts, where their values are, and what is told of them."""
    came = row == "n"
    company, person = (bodies.column_of(row, name, columns) for name in ("company_id", "id"))
    facts = f"""facts as materialized (
        select {company} as company_id, {person} as person_id, {person} as {row}_id,
            {"'person_joined'" if came else "'person_left'"} as kind, {not came} as is_departure
        from {table} where {_employed(row, columns)}
    )"""
    values = bodies.values_of(row, bodies.ARRIVAL if came else bodies.DEPARTURE, columns)
    told = ("null::jsonb", values) if came else (values, "null::jsonb")
    return _Facts(facts, f"join {table} on {person} = f.{row}_id", "f.kind", *told)


def _two_sided(columns: Mapping[str, str]) -> _Facts:
    """The same of an update: a move counts for both companies, another id as another person."""
    old_id, new_id = (bodies.column_of(row, "id", columns) for row in ("o", "n"))
    old, new = (bodies.column_of(row, "company_id", columns) for row in ("o", "n"))
    moved = "o_company_id is distinct from n_company_id"
    facts = f"""compared as materialized (
        select * from (
            select {old_id} as o_id, {new_id} as n_id, {old} as o_company_id,
                {new} as n_company_id, {_employed("o", columns)} as was,
                {_employed("n", columns)} as now_is
            from {bodies.PAIRS.format(old=old_id, new=new_id)}
            where {bodies.any_differs(("id", *bodies.WATCHED), columns)} offset 0
        ) as s where was or now_is
    ), facts as (
        select n_company_id as company_id, n_id as person_id, o_id, n_id,
            case when not was then 'person_joined' when not now_is then 'person_left' end as kind,
            was and not now_is as is_departure
        from compared where o_id = n_id and o_company_id = n_company_id
        union all
        select o_company_id, o_id, o_id, n_id,
            case when n_id is null then 'person_left' else 'company_change' end, true
        from compared where was and (n_id is null or {moved})
        union all
        select n_company_id, n_id, o_id, n_id,
            case when o_id is null then 'person_joined' else 'company_change' end, false
        from compared where now_is and (o_id is null or {moved})
    )"""
    departure = bodies.values_of("o", bodies.DEPARTURE, columns)
    arrival = bodies.values_of("n", bodies.ARRIVAL, columns)
    before, after = (bodies.changed_of(row, bodies.WATCHED, columns) for row in ("o", "n"))
    return _Facts(
        facts,
        f"left join {_OLD[0]} on {old_id} = f.o_id left join {_NEW[0]} on {new_id} = f.n_id",
        f"coalesce(f.kind, {_kind(columns)})",
        f"case when f.n_id is null then {departure} when f.o_id is not null then {before} end",
        f"case when f.o_id is null then {arrival} when f.n_id is not null then {after} end",
    )


def _employed(row: str, columns: Mapping[str, str]) -> str:
    """As in the other ways; no column may be called like a parameter of a statement."""
    return bodies.employed(row, columns, "$3", "$3 + 1")


def _many(rows: str, what: _Facts) -> str:
    """For so many rows that two of one company are one change.

    Planned anew each time, which takes a millisecond or two: a plan that was kept from few rows
    could be a loop over both tables, since not all that is joined here takes a full join.
    """
    return f"""
    if {_more_than(MANY_AT_ALL, rows)} then
        execute $many$
    {bodies.INTO}
    with {what.facts}, counted as materialized (
        select company_id, count(*) as people from facts group by company_id
    ), judged as materialized (
        select company_id, people, people > {MANY_OF_ONE_COMPANY} or people > 1
            and (select sum(people) from counted) > {MANY_AT_ALL} as many
        from counted
    ), told as (
        select f.*, {what.kind} as what, {what.before} as before, {what.after} as after
        from facts as f join judged as j using (company_id) {what.joined}
        where not j.many or (f.is_departure and exists (
            select from bg.buyer_group_members as m
            where m.company_id = f.company_id and m.person_id = f.person_id))
    ), worded as (
        select company_id, person_id, what as kind, before, after, is_departure, $1 as writer
        from told
    )
    select company_id, person_id, kind, writer, before, after, {by_kind("is_departure")},
        is_departure, $2
    from worded
    union all
    select company_id, null, 'resync', $1, null, jsonb_build_object('people', people),
        case when $1 = '{WEBHOOK}' then {OF_WEBHOOK} else 0 end, false, $2
    from judged where many
        $many$ using writer, trace, today;
        return null;
    end if;
"""
