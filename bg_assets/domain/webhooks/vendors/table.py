"""The table of a vendor: how it signs, which of its events mean what, which fields are which."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from bg_assets.domain.webhooks.company_fields import COMPANY_CHANGES
from bg_assets.domain.webhooks.events import CHANGES, NEEDED
from bg_assets.domain.webhooks.secrets import Vendor

VENDORS: tuple[Vendor, ...] = get_args(Vendor)
JOIN = " + "
# The section of a user's fields of companies, below that of their vendor.
_COMPANIES = "companies"
_SHIPPED: dict[Vendor, Path] = {
    "hubspot": Path(__file__).with_name("hubspot.toml"),
    "pipedrive": Path(__file__).with_name("pipedrive.toml"),
    "salesforce": Path(__file__).with_name("salesforce.toml"),
}


class BadTable(Exception):
    """A table of a user's own that can't be used; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a vendor shows who it is.

    kind: hmac (base64 of HMAC-SHA256 over the parts ``signed``, in ``header``, with milliseconds in
    the header ``time``), basic (user and password), token (in the URL, as ``parameter``). secret:
    what it is and where the vendor shows it. older: a header that is no longer enough.
    """

    kind: str
    secret: str
    header: str = ""
    time: str = ""
    signed: tuple[str, ...] = ()
    parameter: str = ""
    older: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What events of a type mean, where ``when``, ``has`` and ``lacks`` hold too.

    All but means and ignored are paths into the vendor's event. person: whom it is about, with
    ``company``, where they work; or firm: the company that it is about itself. property and value:
    where one property stands; record: where a whole one does, "" for the event itself; before:
    where the former values of what changed stand.
    """

    type: str
    means: str = ""
    ignored: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    firm: tuple[str, ...] = ()
    company: str = ""
    into: tuple[str, ...] = ()
    property: str = ""
    value: str = ""
    record: str | None = None
    before: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All of a vendor. The first row that fits an event counts; fields: theirs of a person to our
    column; companies: theirs of a company to what `changes` calls it.

    short_ids: so many characters of an id are the same id, where exports write it short.
    """

    vendor: Vendor
    name: str
    body: str
    id: tuple[str, ...]
    type: tuple[str, ...]
    time: tuple[str, ...]
    signature: Signature
    rows: tuple[Row, ...]
    fields: Mapping[str, str]
    companies: Mapping[str, str]
    short_ids: int = 0


@cache
def shipped(vendor: Vendor) -> Table:
    """The table of a vendor that is shipped."""
    with _SHIPPED[vendor].open("rb") as file:
        told = tomllib.load(file)
    rows = tuple(Row(**_frozen(row)) for row in told["events"])
    for row in rows:
        assert row.ignored or row.means in NEEDED, row
    return Table(
        vendor,
        told["name"],
        told["body"],
        tuple(told["id"]),
        tuple(told["type"]),
        tuple(told["time"]),
        Signature(**_frozen(told["signature"])),
        rows,
        told["fields"],
        told["companies"],
        told.get("short_ids", 0),
    )


def tables(own: str | None = None) -> dict[Vendor, Table]:
    """All tables; ``own`` is TOML with fields of one's own by vendor, which come first.

    Raises BadTable.
    """
    fields = {} if own is None else _own(own)
    made = {}
    for vendor in VENDORS:
        table, told = shipped(vendor), dict(fields.get(vendor, {}))
        companies = told.pop(_COMPANIES, {})
        made[vendor] = replace(
            table,
            fields=told | {one: to for one, to in table.fields.items() if one not in told},
            companies=companies
            | {one: to for one, to in table.companies.items() if one not in companies},
        )
    return made


def _own(text: str) -> dict[str, dict[str, Any]]:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise BadTable(f"no TOML: {err}") from None
    for vendor, fields in told.items():
        if vendor not in VENDORS or not isinstance(fields, dict):
            raise BadTable(f"it takes the sections {', '.join(f'[{one}]' for one in VENDORS)}")
        for theirs, column in fields.items():
            if theirs == _COMPANIES and isinstance(column, dict):
                _require(f"{vendor}.{_COMPANIES}", column, COMPANY_CHANGES)
            else:
                _require(vendor, {theirs: column}, CHANGES)
    return told


def _require(section: str, fields: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for theirs, column in fields.items():
        if not isinstance(column, str) or column not in known:
            raise BadTable(f"[{section}] {theirs}: takes one of {', '.join(known)}")


def _frozen(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
    }
