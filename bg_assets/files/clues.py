"""By what a row without an id of ours finds its person and company, made ready for that search."""

from collections.abc import Mapping, Sequence
from typing import cast

from bg_assets.domain.values.companies import parse_domain
from bg_assets.domain.values.names import company_key, domain_key, is_of_anybody, person_key
from bg_assets.domain.values.unfit import Unfit
from bg_assets.files.header import CLUES, Kind

# Texts that are staged beside what is stored: ids that the source gave, the company's name and
# domain, what spellings of the name share, likewise of the domain of a person's e-mail, and of a
# person's name; and in one text all that tells of the company.
FOUND_BY = (
    "their_id", "their_company", "company_name", "company_domain", "company_key", "mail_domain",
    "mail_key", "name_key", "clue",
)  # fmt: skip
_BETWEEN = "\x1f"


class Clues:
    """How the rows of one file are staged; ``stored`` are the columns that are to be written.

    With ``of_source`` ids in the file are its source's own.
    """

    def __init__(self, kind: Kind, columns: Sequence[str], *, of_source: bool) -> None:
        clues = {column.name for column in CLUES[kind]}
        keys = ("id",) if kind == "companies" else ("id", "company_id")
        rest = [name for name in columns if name not in clues and name not in keys]
        # What a website tells: by it webhooks and further files find the company.
        self._of_website = kind == "companies" and "domain" not in rest and "website" in rest
        self.stored = (*keys, *rest, *(("domain",) if self._of_website else ()))
        self._kind = kind
        self._columns = tuple(columns)
        self._keys = keys
        self._rest = rest
        self._of_source = of_source

    def staged(self, line: int, cells: Sequence[object]) -> tuple[object, ...]:
        """The values of ``stored`` and then of FOUND_BY."""
        values = cast(Mapping[str, str | None], dict(zip(self._columns, cells, strict=True)))
        theirs = values.get("source_id")
        if self._of_source:
            theirs = values.get("id") or theirs
        ours = [None if self._of_source else values.get(name) for name in self._keys]
        rest = [values[name] for name in self._rest]
        if self._kind == "companies":
            domain = _domain(values.get("domain")) or _domain(values.get("website"))
            if self._of_website:
                rest.append(domain)
            name = values["name"]
            key = company_key(name) if name else None
            # Each row is a company of its own, at first.
            clue = None if ours[0] else str(line)
            return (*ours, *rest, None, theirs, name, domain, key, None, None, None, clue)
        company = values.get("company_id") if self._of_source else None
        name = values.get("name")
        found = _of_person(values, company, known=ours[1] is not None)
        return (*ours, *rest, theirs, *found[:-1], person_key(name) or None if name else None,
                found[-1])  # fmt: skip


def _of_person(
    values: Mapping[str, str | None], theirs: str | None, *, known: bool
) -> tuple[str | None, ...]:
    """What tells where a person works: nothing where the company's id is ours."""
    if known:
        return (None,) * 7
    name, domain = values.get("company_name"), _domain(values.get("company_domain"))
    key = company_key(name) if name else None
    mail = None if domain else _domain((values.get("email") or "").rpartition("@")[2])
    clue = _BETWEEN.join(part or "" for part in (theirs, domain, key, mail))
    return theirs, name, domain, key, mail, domain_key(mail) if mail else None, clue


def _domain(text: str | None) -> str | None:
    """The domain in small letters; None where it is no one company's."""
    if not text:
        return None
    found = parse_domain(text)
    return None if isinstance(found, Unfit) or is_of_anybody(found) else found
