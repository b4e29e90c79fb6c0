"""What a company's values may be, and how a figure written by people becomes numbers.

Takes trimmed text without control characters; what is not fit comes back as an Unfit verdict.
"""

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import urlsplit

from bg_assets.domain.values.unfit import Unfit

LONGEST_NAME = 200
LONGEST_URL = 2048
LONGEST_COUNTRY = 100

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
_ASCII_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?")
_DOT_AND_THREE = re.compile(r"[0-9]{1,3}\.[0-9]{3}")
_GROUPED = re.compile(r"[0-9]{1,3}([, '’.])[0-9]{3}(?:\1[0-9]{3})*(?:([.,])([0-9]{1,2}))?")
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}")
_DASH = re.compile(r"\s*(?:[-‐‒–—−]|\bto\b|\bbis\b)\s*")
_STAFF_WORD = re.compile(r"\s*(?:employees|employee|people|staff|mitarbeiter)$")
_MONTH = re.compile(r"(?:j[aä]n|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])")
_HEADS = re.compile(r"([0-9][0-9.,' ’e+]*?)\s*([km]?)")
_CURRENCY = r"(?:us\$|[$€£¥₹]|usd|eur|gbp|chf|jpy|cny|inr|cad|aud|nzd|sek|nok|dkk|pln|brl)"
_MONEY = re.compile(
    rf"{_CURRENCY}?\s*([0-9][0-9.,' ’e+]*?)\s*"
    rf"(k|thousand|mm|mn|mio\.?|mln|million|m|bn|billion|mrd\.?|b|tn|trillion)?\s*{_CURRENCY}?"
)
_SCALES = {"": 1, "k": 10**3, "t": 10**12, "m": 10**6, "b": 10**9}
_MOST_STAFF = 10**7
_MOST_REVENUE = Decimal(10) ** 15
_LONGEST_FIGURE = 60
_COUNT_FORMS = "250, 5,001-10,000, 10001+ or 5k"


class Headcount(NamedTuple):
    """Number of employees, both ends included; ``most`` is None where the range is open."""

    least: int
    most: int | None


def parse_company_id(text: str) -> str | Unfit:
    """The id as it is: it becomes a partition key, so only 128 plain characters are allowed."""
    if _ID.fullmatch(text) and ".." not in text:
        return text
    return Unfit(
        "takes 1 to 128 of A-Z a-z 0-9 . _ : @ -, starting with a letter or digit, without '..'"
    )


def parse_name(text: str) -> str | Unfit:
    """A company's name, in any script, as it is written."""
    if not 2 <= len(text) <= LONGEST_NAME:
        return Unfit(f"takes 2 to {LONGEST_NAME} characters, this has {len(text):,}")
    if not any(map(str.isalnum, text)):
        return Unfit("has no letter and no digit")
    return text


def parse_domain(text: str) -> str | Unfit:
    """The domain in lower case, as e-mail addresses carry it.

    A URL gives its host, and a leading ``www.`` is dropped; internationalised names keep their
    script. IP addresses and names without a dot are not fit.
    """
    host = re.split(r"[/?#]", re.sub(r"^https?://", "", text, flags=re.IGNORECASE), maxsplit=1)[0]
    domain = _checked_host(host)
    if domain is None:
        return Unfit("is not a domain like acme.com")
    short = domain.removeprefix("www.")
    return short if "." in short else domain


def parse_website(text: str) -> str | Unfit:
    """An http or https URL with a real host, as it is written, up to 2,048 characters."""
    wrong = Unfit("is not a URL like https://www.acme.com")
    if len(text) > LONGEST_URL or " " in text or not text.isprintable():
        return wrong
    try:
        parts = urlsplit(text)
        host, login, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        return wrong
    if parts.scheme not in {"http", "https"}:
        return Unfit("must start with http:// or https://")
    if login is not None:
        return Unfit("holds a user name or password")
    return text if host and _checked_host(host) else wrong


def parse_headcount(text: str) -> Headcount | Unfit:
    """Number of employees as people write it: ``250``, ``5,001-10,000``, ``10001+``, ``5k``.

    Thousands may be set apart by comma, dot, space or apostrophe; ``1.000`` is a thousand, since
    heads are whole, and ``1.5k`` is 1,500.
    """
    text = _STAFF_WORD.sub("", _figure(text))
    if len(text) > _LONGEST_FIGURE:
        return Unfit(f"is not a number of employees like {_COUNT_FORMS}")
    if _MONTH.search(text):
        return Unfit(
            f"looks like a date that a spreadsheet made of a range; write it like {_COUNT_FORMS}"
        )
    if text.endswith("+"):
        least = _heads(text[:-1].rstrip())
        return Headcount(least[0], None) if least else _no_headcount()
    ends = [_heads(part) for part in _DASH.split(text)]
    if len(ends) == 1 and ends[0]:
        return Headcount(ends[0][0], ends[0][0])
    if len(ends) != 2 or ends[0] is None or ends[1] is None:
        return _no_headcount()
    (least_heads, scale), (most_heads, other) = ends[0], ends[1]
    if other and not scale:
        return Unfit("is ambiguous: write both ends of the range in full")
    if least_heads > most_heads:
        return Unfit("is a range that ends before it starts")
    return Headcount(least_heads, most_heads)


def parse_revenue(text: str) -> Decimal | Unfit:
    """Revenue in whole units of its currency: ``1200000``, ``1.2m``, ``$5M``, ``3bn``.

    The currency itself is not kept. What could mean two amounts (``1.234``, ``1,234m``) is unfit.
    """
    shown = Unfit("is not an amount like 1200000, 1.2m or 3bn")
    text = _figure(text)
    match = _MONEY.fullmatch(text) if len(text) <= _LONGEST_FIGURE else None
    if match is None:
        return shown
    scale = match[2] or ""
    number = _number(match[1], scaled=bool(scale), whole=False)
    if number is None:
        return Unfit("is ambiguous or not a number: write it like 1200000 or 1.2m")
    amount = (
        number * _SCALES["k" if scale == "thousand" else "b" if scale[:3] == "mrd" else scale[:1]]
    )
    return amount if amount <= _MOST_REVENUE else shown


def parse_country(text: str) -> str | Unfit:
    """A country's name as it is, or its two-letter ISO code in capitals."""
    if not 2 <= len(text) <= LONGEST_COUNTRY or not any(map(str.isalpha, text)):
        return Unfit("takes a country's name or its two-letter code")
    return text.upper() if len(text) == 2 and text.isascii() else text


def _no_headcount() -> Unfit:
    return Unfit(f"is not a number of employees like {_COUNT_FORMS}, up to {_MOST_STAFF:,}")


def _figure(text: str) -> str:
    """Full-width digits, narrow spaces and the like in their plain form, in lower case."""
    return unicodedata.normalize("NFKC", text[: _LONGEST_FIGURE * 2]).lower().strip()


def _heads(text: str) -> tuple[int, str] | None:
    """A number of people and the suffix it was written with."""
    match = _HEADS.fullmatch(text)
    if match is None:
        return None
    number = _number(match[1], scaled=bool(match[2]), whole=True)
    if number is None:
        return None
    heads = number * _SCALES[match[2]]
    if heads != heads.to_integral_value() or heads > _MOST_STAFF:
        return None
    return int(heads), match[2]


def _number(text: str, *, scaled: bool, whole: bool) -> Decimal | None:
    """The number that is written there, or None where it is none or could be two.

    ``scaled``: a suffix like k follows; ``whole``: fractions make no sense.
    """
    text = text.strip()
    if _DOT_AND_THREE.fullmatch(text) and not scaled:
        return Decimal(text.replace(".", "")) if whole else None
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if _DECIMAL_COMMA.fullmatch(text):
        return Decimal(text.replace(",", "."))
    match = _GROUPED.fullmatch(text)
    if match is None or match[1] == match[2]:
        return None
    digits = text[: match.start(2)] if match[2] else text
    groups = digits.replace(match[1], "")
    if scaled and not match[2] and len(groups) <= 6:
        return None
    return Decimal(f"{groups}.{match[3] or 0}")


def _checked_host(host: str) -> str | None:
    """The host in lower case when it can be a public name, else None."""
    host = unicodedata.normalize("NFC", host[:300]).lower().removesuffix(".")
    labels = host.split(".")
    if len(labels) < 2 or len(labels[-1]) < 2 or labels[-1].isdigit():
        return None
    encoded = [_encoded_label(label) for label in labels]
    if None in encoded or sum(len(label or "") + 1 for label in encoded) > 254:
        return None
    return host


def _encoded_label(label: str) -> str | None:
    if label.isascii():
        return label if _ASCII_LABEL.fullmatch(label) else None
    if len(label) > 63 or "-" in (label[0], label[-1]):
        return None
    if not all(c == "-" or c.isalnum() or unicodedata.category(c)[0] == "M" for c in label):
        return None
    try:
        encoded = label.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return encoded if _ASCII_LABEL.fullmatch(encoded) else None
