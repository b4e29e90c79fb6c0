"""What an import says of whom its rows may mean."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Search:
    """Where the rows of a file look for their people and companies.

    source: who gave the file, if ids in it are its own. workspace: within which names, domains and
    e-mails count. create_companies: whether people bring companies along. fills_domain: whether a
    company's website tells its domain where none is known. allow_erased: whether people may come
    back who were erased. keeps_ids: whether what is new is called by us as by the source, where
    nobody is called so yet. keeps_emails: whether a blank says nothing of an address. short_ids: so
    many characters of the source's ids are the same id, 0: all.
    """

    kind: Literal["companies", "people"]
    workspace: str
    source: str | None = None
    create_companies: bool = False
    fills_domain: bool = False
    allow_erased: bool = False
    keeps_ids: bool = False
    keeps_emails: bool = False
    short_ids: int = 0
