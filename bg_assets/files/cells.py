"""How each cell of a file to import is read: what people and spreadsheets write is understood.

A value, None where it is empty, an Unfit, or an Amended where something has to be said about it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bg_assets.domain.values import companies, days, habits, people
from bg_assets.domain.values.columns import Column, Form, in_files
from bg_assets.domain.values.days import CountedFrom, Order
from bg_assets.domain.values.unfit import Unfit
from bg_assets.files.header import CLUES, COLUMNS, Kind
from bg_assets.files.values import read_email, read_id, read_text

_CACHED = 50_000
# Beyond these a cell is not even looked at.
_CELL = 200
_FIGURE = 100
# Forms whose values differ from row to row.
_HARDLY_TWICE = frozenset({"name", "e-mail", "company name", "domain", "website", "revenue"})
_SEVERAL_IDS = re.compile(r"[;,|]")
_SEVERAL_ADDRESSES = re.compile(r"[;,|/\s]+")
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_WITH_NAME = re.compile(r"[^<>]*<([^<>]+)>")
# Of an id: whoever it is cannot be told then, by whatever else.
SHORTENED = Unfit(
    "was shortened by a spreadsheet, so that its digits are lost: make that column text there, or "
    "take the file as it was exported"
)
_A_WORD = "is a word for unknown"


@dataclass(frozen=True, slots=True)
class Amended:
    """A value that is stored in place of what is written (None: unknown), and why, in words."""

    value: object
    reason: str


@dataclass(frozen=True, slots=True)
class DayForms:
    """How days are written: a format for strptime, or what stands first, by column.

    orders: tells that when it is first asked. counted_from: how numbers of days are counted, in a
    workbook, where they are dates however they are shown.
    """

    form: str | None = None
    orders: Callable[[], Mapping[str, Order]] | None = None
    counted_from: CountedFrom | None = None


def readers(
    kind: Kind, forms: DayForms, *, of_source: bool = False
) -> Mapping[str, Callable[[str], object]]:
    """A reader for each column of a file.

    ``of_source``: ids are of the file's source, which may make them otherwise than ours are made.
    Readers of columns whose values repeat remember them; take new readers for each file.
    """
    columns = in_files((*COLUMNS[kind], *CLUES[kind]))
    return {name: _reader(name, column, forms, of_source) for name, column in columns}


def _reader(name: str, column: Column, forms: DayForms, of_source: bool) -> Callable[[str], object]:
    if of_source and column.form == "company id":
        several = partial(_read_company_of_person, read_one=_read_id)
        return _Remembering(several).__getitem__ if name == "company_id" else _read_id
    if name in ("company_name", "company_domain"):
        return _Remembering(_READERS[column.form]).__getitem__
    if column.form == "day":
        return _Remembering(partial(_read_day, name=name, forms=forms)).__getitem__
    if name == "company_id":
        return _Remembering(_read_company_of_person).__getitem__
    read = _READERS[column.form]
    if name == "id" or column.form in _HARDLY_TWICE:
        return read
    return _Remembering(read).__getitem__


class _Remembering(dict[str, object]):
    """Values that were read before; the oldest are forgotten all at once when there are many."""

    def __init__(self, read: Callable[[str], object]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, raw: str) -> object:
        value = self._read(raw)
        if len(self) >= _CACHED:
            self.clear()
        if len(raw) <= people.LONGEST_TITLE:
            self[raw] = value
        return value


def _read_id(raw: str) -> object:
    value = read_id(raw)
    return _checked_id(value) if isinstance(value, str) else value


def _checked_id(value: str) -> str | Unfit:
    if habits.is_shortened(value):
        return SHORTENED
    return Unfit(f"{_A_WORD}, not an id") if habits.is_unknown(value) else value


def _read_company_id(raw: str) -> object:
    value = read_text(raw, _CELL)
    if not isinstance(value, str):
        return value
    checked = _checked_id(value)
    return checked if isinstance(checked, Unfit) else companies.parse_company_id(checked)


def _read_company_of_person(
    raw: str, read_one: Callable[[str], object] = _read_company_id
) -> object:
    """Of several ids, as some systems write all companies of a person, the first."""
    whole = read_one(raw)
    parts = [part for part in map(str.strip, _SEVERAL_IDS.split(raw)) if part]
    if len(parts) < 2 or (read_one is _read_company_id and not isinstance(whole, Unfit)):
        return whole
    found = [read_one(part) for part in parts]
    if any(isinstance(one, Unfit) for one in found):
        return whole
    return Amended(found[0], f"names {len(found)} companies, of which the first is taken")


def _read_words(raw: str, most: int) -> object:
    value = read_text(raw, most)
    if isinstance(value, str) and habits.is_unknown(value):
        return Amended(None, _A_WORD)
    return value


def _read_email(raw: str) -> object:
    value = read_email(raw)
    if not isinstance(value, Unfit):
        return value
    text = raw.strip().removeprefix("mailto:")
    if habits.is_unknown(text):
        return Amended(None, _A_WORD)
    if match := _WITH_NAME.fullmatch(text):
        text = match[1]
    first, *others = filter(None, _SEVERAL_ADDRESSES.split(text)) or [""]
    found = read_email(first)
    if not isinstance(found, str):
        return value
    if not others:
        return found
    if any(isinstance(read_email(other), Unfit) for other in others):
        return value
    return Amended(found, f"holds {1 + len(others)} addresses, of which the first is taken")


def _read_status(raw: str) -> object:
    """Empty is active; what is not understood changes nothing."""
    text = raw.strip()
    if not text:
        return "active"
    found = habits.status(text)
    if found is not None:
        return found
    if habits.is_unknown(text):
        return Amended(None, _A_WORD)
    return Unfit("is not understood: it takes active or left, or yes, no, current, former, 1, 0")


def _read_day(raw: str, name: str, forms: DayForms) -> object:
    text = raw.strip()
    if not text:
        return None
    if habits.is_unknown(text):
        return Amended(None, _A_WORD)
    # Of fewer digits it may be a year, of more a day without signs between.
    if forms.counted_from and _SERIAL.fullmatch(text):
        found = days.of_serial(float(text), forms.counted_from)
        return found.date() if found else days.parse(text, None, forms.form)
    # To tell what stands first the whole file is read once, thus only where it matters.
    order = forms.orders().get(name) if forms.orders and days.evidence(text) else None
    return days.parse(text, order, forms.form)


def _website(text: str) -> str | Unfit:
    """A website, with https:// in front of it where it has no scheme."""
    found = companies.parse_website(text)
    if isinstance(found, str) or "://" in text or text.lower().startswith("mailto:"):
        return found
    return companies.parse_website(f"https://{text.removeprefix('//')}")


def _of_text(parse: Callable[[str], object], most: int) -> Callable[[str], object]:
    """A reader that hands clean text to a rule of the domain."""

    def read(raw: str) -> object:
        value = _read_words(raw, most)
        return parse(value) if isinstance(value, str) else value

    return read


# Of the forms that files may have, but for days.
_READERS: Mapping[Form, Callable[[str], object]] = {
    "person id": _read_id,
    "company id": _read_company_id,
    "name": partial(_read_words, most=people.LONGEST_TEXT),
    "title": partial(_read_words, most=people.LONGEST_TITLE),
    "text": partial(_read_words, most=people.LONGEST_TEXT),
    "e-mail": _read_email,
    "status": _read_status,
    "company name": _of_text(companies.parse_name, companies.LONGEST_NAME),
    "domain": _of_text(companies.parse_domain, companies.LONGEST_URL),
    "website": _of_text(_website, companies.LONGEST_URL),
    "headcount": _of_text(companies.parse_headcount, _FIGURE),
    "revenue": _of_text(companies.parse_revenue, _FIGURE),
    "country": _of_text(companies.parse_country, companies.LONGEST_COUNTRY),
}
