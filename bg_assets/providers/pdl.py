"""People Data Labs: what is asked of it, and what its answers mean.

The API is described at docs.peopledatalabs.com (person enrichment, person search, company
enrichment, errors, usage limits; read in November 2026). How to read its records: pdl_records.py.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

from bg_assets.domain.enrichment.asking import (
    Answer,
    Kind,
    NotChecked,
    PermanentFailure,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.values import companies
from bg_assets.domain.webhooks.retrying import retry_after
from bg_assets.providers import calling, pdl_records, reading
from bg_assets.providers.calling import Said, Unanswered, Unreadable
from bg_assets.providers.reading import OtherShape
from bg_assets.settings import PDL_URL

# Who is found with less is not the one (1 to 10): their own example asks for 6, and a record below
# it is neither answered nor billed.
MIN_LIKELIHOOD = 6
# As many records a search gives at most.
MOST_RECORDS = 100

_NAME = "People Data Labs"
_KEY = re.compile(r"[!-~]{8,512}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PATHS = {Kind.PERSON: "person/enrich", Kind.COMPANY: "company/enrich"}
_TEMPORARY = frozenset({408, 425, 429})


class BadPdl(Exception):
    """A key or address that can't be one; the message names the variable and repeats no secret."""


@dataclass(slots=True)
class PeopleDataLabs:
    """A client of People Data Labs.

    Prices are US dollars a record. Published ones (support.peopledatalabs.com, "Pricing", first
    monthly tier): 0.28 for a person, enriched or found by search; 0.10 for a company. Only a 200 is
    billed, a search by the record.
    """

    key: str = field(repr=False)
    url: str = PDL_URL
    price_person: Decimal = Decimal("0.28")
    price_company: Decimal = Decimal("0.10")
    most_bytes: int = calling.MOST_BYTES
    name: str = "pdl"
    # What an answer depends on besides the question.
    version: str = f"likelihood {MIN_LIKELIHOOD}"

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise BadPdl(
                "BG_PDL_KEY is no key: it takes 8 to 512 printable characters without a space"
            )
        _check_url(self.url)

    def price(self, question: Question) -> Decimal | None:
        """The most that the answer may cost; None where too little is known to ask.

        A person takes an e-mail address or a name, and a search at least one person to bring.
        """
        match question.kind:
            case Kind.COMPANY:
                return self.price_company
            case Kind.DISCOVERY if question.most > 0:
                return self.price_person * min(question.most, MOST_RECORDS)
            case Kind.PERSON if question.person and (question.person.email or question.person.name):
                return self.price_person
            case _:
                return None

    def ask(self, question: Question, seconds: float) -> Answer:
        """Ask once, for so many seconds in all at most. Raises Failure."""
        price = self.price(question)
        if price is None:
            raise NotChecked(f"{_NAME} takes an e-mail address or a name, and people to bring")
        try:
            said = self._call(question, seconds)
        except Unanswered as err:
            raise TemporaryFailure(
                f"{_NAME}: {err}", billed=price if err.sent else Decimal(0)
            ) from None
        except Unreadable as err:
            raise PermanentFailure(f"{_NAME}: {err}", billed=price) from None
        if said.code == 404:
            return _nobody(said)
        if said.code != 200:
            _refuse(said)
        return self._read(question, said)

    def _call(self, question: Question, seconds: float) -> Said:
        base = self.url.rstrip("/") + "/v5/"
        headers = {"x-api-key": self.key, "user-agent": "bg-assets"}
        if question.kind is Kind.DISCOVERY:
            return calling.call(
                "POST",
                base + "person/search",
                seconds,
                headers=headers,
                document=_search(question),
                most=self.most_bytes,
            )
        return calling.call(
            "GET",
            base + _PATHS[question.kind],
            seconds,
            headers=headers,
            params=_params(question),
            most=self.most_bytes,
        )

    def _read(self, question: Question, said: Said) -> Answer:
        unit = self.price_company if question.kind is Kind.COMPANY else self.price_person
        spent = _credits(said.headers)
        try:
            document = reading.document(said.body)
            if reading.whole(document, "status") not in {None, 200}:
                raise OtherShape("status is not 200")
            if question.kind is Kind.COMPANY:
                company = pdl_records.company(document)
                return Answer(company=company, cost=unit * (1 if spent is None else spent))
            if question.kind is Kind.PERSON:
                people = [pdl_records.enriched(question, document)]
            else:
                people = pdl_records.found(question, document)
            return Answer(tuple(people), cost=unit * (len(people) if spent is None else spent))
        except OtherShape as err:
            most = self.price(question) or Decimal(0)
            # All its answers may have changed, and each of them would be paid for nothing.
            raise PermanentFailure(
                f"{_NAME} answered in another shape: {err}; nothing of it is used",
                whole_provider=True,
                billed=most if spent is None else unit * spent,
            ) from None


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, login, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        raise BadPdl("BG_PDL_URL is no address like https://api.example.com") from None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise BadPdl("BG_PDL_URL takes an address like https://api.example.com")
    if login is not None:
        raise BadPdl("BG_PDL_URL holds a user name or password: leave it out")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise BadPdl("BG_PDL_URL must start with https://, or the key could be read on the way")


def _params(question: Question) -> dict[str, str]:
    company, person = question.company, question.person
    # Of a company that is known by both its domain tells more than its name.
    where = company.domain or company.website
    if person is None:
        told = {"website": where, "name": company.name, "location": company.country}
        fields: tuple[str, ...] = pdl_records.COMPANY_FIELDS
    else:
        told = {
            "name": person.name,
            "email": person.email,
            "company": where or company.name,
            "location": person.location,
        }
        fields = pdl_records.PERSON_FIELDS
    return {
        **{name: value for name, value in told.items() if value},
        "min_likelihood": str(MIN_LIKELIHOOD),
        "titlecase": "true",
        "data_include": ",".join(fields),
    }


def _search(question: Question) -> dict[str, Any]:
    company = question.company
    domain = company.domain or (company.website and companies.parse_domain(company.website))
    if isinstance(domain, str):
        term = {"job_company_website": domain.lower()}
    else:
        # Stored in small letters.
        term = {"job_company_name": company.name.lower()}
    return {
        "query": {"bool": {"must": [{"term": term}]}},
        "size": min(question.most, MOST_RECORDS),
        "titlecase": True,
        "data_include": ",".join(pdl_records.PERSON_FIELDS),
    }


def _nobody(said: Said) -> Answer:
    """Nobody found, where it is the API that says so: a wrong address answers 404 as well."""
    try:
        error = reading.mapping(reading.document(said.body), "error") or {}
        known = error.get("type") in ("not_found", ["not_found"])
    except OtherShape:
        known = False
    if not known:
        raise PermanentFailure(
            f"what answers is not {_NAME} (404 without its words for nobody found): check "
            "BG_PDL_URL",
            whole_provider=True,
        )
    return Answer()


def _refuse(said: Said) -> NoReturn:
    code = said.code
    if code in _TEMPORARY or code >= 500:
        what = "asks to be left alone for a while" if code == 429 else "is in trouble"
        raise TemporaryFailure(
            f"{_NAME} {what} ({code})", retry_after(said.headers, datetime.now(UTC))
        )
    if code in {401, 403}:
        raise PermanentFailure(
            f"{_NAME} does not take the key ({code}): correct BG_PDL_KEY", whole_provider=True
        )
    if code == 402:
        raise PermanentFailure(
            f"{_NAME} has no credit left for this account (402): buy some, or wait for the next "
            "month",
            whole_provider=True,
        )
    if 300 <= code < 400:
        raise PermanentFailure(
            f"what answers as {_NAME} sends the question elsewhere ({code}), where the key must "
            "not go: set BG_PDL_URL to the address itself",
            whole_provider=True,
        )
    if code == 400:
        raise PermanentFailure(f"{_NAME} refuses this question (400)")
    raise PermanentFailure(
        f"{_NAME} answered with code {code}, which is not one of its own: check BG_PDL_URL",
        whole_provider=True,
    )


def _credits(headers: Mapping[str, str]) -> int | None:
    """How many records it says it billed; None where it does not say."""
    try:
        spent = json.loads(headers.get("x-call-credits-spent", ""))
    except ValueError:
        return None
    fits = isinstance(spent, int) and not isinstance(spent, bool) and 0 <= spent <= MOST_RECORDS
    return spent if fits else None
