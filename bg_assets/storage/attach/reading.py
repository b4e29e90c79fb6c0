"""How each canonical column is read from columns of other names and types, as SQL.

Plain functions of names and types: nothing is asked of the database. ``{row}`` stands for the alias
of a row; what reads a value raises for no value that its column may hold, since triggers with it
run in the owner's own statements.
"""

from collections.abc import Mapping, Sequence

from bg_assets.domain.values import habits
from bg_assets.domain.values.columns import COMPANIES, PEOPLE, Column, Form
from bg_assets.storage.attach import catalog
from bg_assets.storage.attach.catalog import CannotAttach

_FORMS: dict[str, tuple[Column, ...]] = {"people": PEOPLE, "companies": COMPANIES}
# Of pg_type: strings, enumerations, numbers, booleans, dates and times.
_TEXT, _NUMBER, _BOOLEAN, _TIME = ("S", "E"), "N", "B", "D"
# Without a number of repetitions, which makes PostgreSQL's expressions slow.
_COMPANY_ID, _LONGEST = "'^[A-Za-z0-9][A-Za-z0-9._:@-]*$'", 128
_EPOCH = "timestamptz 'epoch'"
# What a boolean column is called of which false means that somebody is gone, and true.
GONE_WHEN_FALSE = ("isactive", "active", "enabled", "isenabled", "iscurrent", "current")
GONE_WHEN_TRUE = (
    "isdeleted", "deleted", "isarchived", "archived", "discarded", "isdiscarded", "inactive",
    "isinactive", "disabled", "isdisabled", "isremoved", "removed",
)  # fmt: skip
_JOINED: tuple[Form, ...] = ("name", "title", "text", "company name")
_CALLED = {
    "day": "a date", "moment": "a date or a time", "headcount": "a number", "revenue": "a number",
}  # fmt: skip


def plain(name: str) -> str:
    """A column's name as it is compared: small letters and digits, no other signs."""
    return "".join(filter(str.isalnum, name.lower()))


def readers(
    kind: str, theirs: Mapping[str, Sequence[catalog.Column]], gone: Sequence[catalog.Column]
) -> dict[str, str]:
    """SQL for each canonical column of ``people`` or ``companies``.

    theirs: for each of ours the columns that it comes from, several being joined; ``gone``: those
    that tell that a row counts no more. Raises CannotAttach for a type that can't be read as that.
    """
    found = {}
    for column in _FORMS[kind]:
        source = theirs.get(column.name, ())
        found[column.name] = _of(column, source) if source else _nothing(column)
    if kind == "companies":
        found["name"] = f"coalesce({found['name']}, {found['id']})"
        found["workspace"] = f"coalesce({found['workspace']}, 'default')"
    unfit_ids = unfit(kind, theirs)
    signs = [found["deleted_at"]] if theirs.get("deleted_at") else []
    signs += [_gone(one) for one in gone]
    signs.append(f"case when {unfit_ids} then {_EPOCH} end")
    found["deleted_at"] = f"coalesce({', '.join(signs)})"
    return found


def can_be(column: Column, source: Sequence[catalog.Column]) -> bool:
    """Whether columns are of types that can be read as this one."""
    try:
        _of(column, source)
    except CannotAttach:
        return False
    return True


def fits_text(column: catalog.Column) -> bool:
    """Whether look-ups by its text are those by itself: an index on the column serves them."""
    return column.base in ("text", "varchar")


def unfit(kind: str, theirs: Mapping[str, Sequence[catalog.Column]]) -> str:
    """Whether a row has ids that can be none of ours: it counts as gone.

    A uuid always fits and a whole number but for its sign: rules by letters are for texts alone.
    """
    company = theirs["id" if kind == "companies" else "company_id"][0]
    signs = [*_not_of_company(company)]
    (one,) = theirs["id"]
    signs.append(f"{_raw(one)} is null")
    if kind == "people" and one.category in _TEXT:
        signs.append(f"char_length({_text(one)}) not between 1 and 200")
    return f"({' or '.join(signs)})"


def _not_of_company(one: catalog.Column) -> Sequence[str]:
    if one.base == "uuid":
        return ()
    if one.base in ("int2", "int4", "int8"):
        return (f"{_raw(one)} < 0",)
    text = _text(one)
    return f"{text} !~ {_COMPANY_ID}", f"strpos({text}, '..') > 0", f"length({text}) > {_LONGEST}"


def _of(column: Column, source: Sequence[catalog.Column]) -> str:
    form = column.form
    if len(source) > 1:
        if form not in _JOINED:
            raise CannotAttach(f"{column.name} can't be joined of several columns: name one")
        return _trimmed(f"concat_ws(' ', {', '.join(_trimmed(_text(one)) for one in source)})")
    (one,) = source
    read = _read(form, one)
    if read is None:
        wanted = _CALLED.get(form, "text")
        raise CannotAttach(
            f"{column.name}: column {one.name} is {one.type}, which can't be read as {wanted}: "
            f"leave it out, or add a column that is {wanted} (generated ones will do)"
        )
    return read


def _read(form: Form, one: catalog.Column) -> str | None:
    text, category = _text(one), one.category
    if form in ("person id", "company id"):
        return text if category in (*_TEXT, _NUMBER) or one.base == "uuid" else None
    if form in ("day", "moment"):
        return _time(form, one) if category == _TIME else None
    if form in ("headcount", "revenue"):
        return _amount(form, one) if category == _NUMBER else None
    if form == "status":
        return _status(one)
    if category not in (*_TEXT, _NUMBER) and one.base != "uuid":
        return None
    if form == "country":
        return f"case when btrim({text}) ~ '^[A-Za-z]{{{{2}}}}$' then upper(btrim({text})) end"
    # As they stand, so that an index on them serves a look-up.
    return text if form in ("e-mail", "domain", "website") else _trimmed(text)


def _text(one: catalog.Column) -> str:
    return f"{_raw(one)}::text"


def _raw(one: catalog.Column) -> str:
    name = catalog.quoted(one.name).replace("{", "{{").replace("}", "}}")
    return f"{{row}}.{name}"


def _trimmed(text: str) -> str:
    return f"nullif(btrim({text}), '')"


def _time(form: Form, one: catalog.Column) -> str | None:
    """By UTC where the column has no zone, and never by the session's."""
    raw = _raw(one)
    if one.base not in ("date", "timestamp", "timestamptz"):
        return None
    if form == "day":
        return f"({raw} at time zone 'UTC')::date" if one.base == "timestamptz" else f"{raw}::date"
    if one.base == "timestamptz":
        return raw
    return f"({raw}::timestamp at time zone 'UTC')"


def _amount(form: Form, one: catalog.Column) -> str:
    raw = f"{_raw(one)}::numeric"
    if form == "revenue":
        return raw
    return f"case when {raw} between 0 and 2147483647 then {raw}::integer end"


def _status(one: catalog.Column) -> str | None:
    if one.category == _BOOLEAN:
        return f"case when {_raw(one)} is false then 'left' else 'active' end"
    if one.category not in _TEXT:
        return None
    return f"case when {has_left(one)} then 'left' else 'active' end"


def has_left(one: catalog.Column) -> str:
    """Whether the text says that somebody is gone, as SQL."""
    words = ", ".join(f"'{word}'" for word in (*habits.words_of("left"), "archived", "deleted"))
    return f"lower(btrim({_text(one)})) in ({words})"


def _gone(one: catalog.Column) -> str:
    """When a row was put away, by the kind of its column and, of a boolean, by its name."""
    if one.category == _TIME and (moment := _time("moment", one)) is not None:
        return moment
    if one.category in _TEXT:
        return f"case when {has_left(one)} then {_EPOCH} end"
    name = plain(one.name)
    says = {**dict.fromkeys(GONE_WHEN_FALSE, False), **dict.fromkeys(GONE_WHEN_TRUE, True)}
    if name not in says or one.category not in (_BOOLEAN, _NUMBER):
        known = "deleted_at, is_active, is_deleted, archived, status and the like"
        raise CannotAttach(
            f"column {one.name} ({one.type}) does not tell by its name and type who is gone: "
            f"--deleted takes {known}"
        )
    value = _raw(one) if one.category == _BOOLEAN else f"({_raw(one)} <> 0)"
    return f"case when {value} is {str(says[name]).lower()} then {_EPOCH} end"


def _nothing(column: Column) -> str:
    """What a column holds that nobody has: everybody is active, all else unknown."""
    if column.name == "status":
        return "'active'::text"
    return f"null::{column.type}"
