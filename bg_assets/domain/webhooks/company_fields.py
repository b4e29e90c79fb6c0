"""How the fields of a company in an event are read: as in an import, and numbers as numbers too."""

from collections.abc import Callable, Mapping
from typing import Any

from bg_assets.domain.values import companies
from bg_assets.domain.values.columns import COMPANIES, Form, in_files
from bg_assets.domain.values.companies import Headcount
from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks import fields
from bg_assets.domain.webhooks.fields import Field, UnfitField

LONGEST_FIGURE = 60
# Of the columns that one field of an event fills, where these are others.
_FILLS = {"employee_count": ("employee_min", "employee_max")}


def _parsed(parse: Callable[[str], Any], most: int) -> Callable[[object, str], Any]:
    def read(value: object, field: str) -> Any:
        found = fields.text(value, field, most)
        if found is None:
            return None
        made = parse(found)
        if isinstance(made, Unfit):
            raise UnfitField(field, made.reason)
        return made

    return read


def _figure(parse: Callable[[str], Any]) -> Callable[[object, str], Any]:
    read = _parsed(parse, LONGEST_FIGURE)

    def figure(value: object, field: str) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A whole number of more digits than Python writes is too large in any case.
            if not 0 <= value < 10**16:
                raise UnfitField(field, "takes a number from 0 up, in its bounds")
            value = str(int(value)) if value == int(value) else str(value)
        return read(value, field)

    return figure


def _website(text: str) -> str | Unfit:
    """A website as it is, with https:// in front of it where it has no scheme, as in a file."""
    found = companies.parse_website(text)
    if isinstance(found, str) or "://" in text or text.lower().startswith("mailto:"):
        return found
    return companies.parse_website(f"https://{text.removeprefix('//')}")


def _text(parse: Callable[[str], Any], most: int) -> Field[Any]:
    return Field(_parsed(parse, most), {"type": "string", "maxLength": most})


def _number(parse: Callable[[str], Any], meaning: str) -> Field[Any]:
    schema = {"type": ["string", "number"], "maxLength": LONGEST_FIGURE, "description": meaning}
    return Field(_figure(parse), schema)


_BY_FORM: Mapping[Form, Field[Any]] = {
    "company name": _text(companies.parse_name, companies.LONGEST_NAME),
    "domain": fields.DOMAIN,
    "website": _text(_website, companies.LONGEST_URL),
    "text": fields.TEXT,
    "headcount": _number(companies.parse_headcount, "Employees: 250, 5,001-10,000, 10001+, 5k"),
    "revenue": _number(companies.parse_revenue, "A year: 1200000, 1.2m, 3bn"),
    "country": _text(companies.parse_country, companies.LONGEST_COUNTRY),
}
# What `changes` of an event about a company may tell: what a file may.
COMPANY_CHANGES: Mapping[str, Field[Any]] = {
    name: _BY_FORM[column.form] for name, column in in_files(COMPANIES) if name != "id"
}


def values(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What `changes` says of a company as it is now, by column; what we keep not is passed over.

    Raises UnfitField.
    """
    found: dict[str, Any] = {}
    for name, part in COMPANY_CHANGES.items():
        at = f"changes.{name}"
        change = fields.mapping(changes.get(name), at)
        if change is None:
            continue
        part.read(change.get("old"), f"{at}.old")
        if "new" not in change:
            continue
        value = part.read(change["new"], f"{at}.new")
        if name == "name":
            fields.required(value, f"{at}.new")
        columns = _FILLS.get(name, (name,))
        ends = value if isinstance(value, Headcount) else (value,) * len(columns)
        found |= zip(columns, ends, strict=True)
    return found
