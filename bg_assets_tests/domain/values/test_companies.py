"""What a company's values may be, as tables of what is written and what it means."""

from decimal import Decimal

import pytest

from bg_assets.domain.values.companies import (
    Headcount,
    parse_company_id,
    parse_country,
    parse_domain,
    parse_headcount,
    parse_name,
    parse_revenue,
    parse_website,
)
from bg_assets.domain.values.unfit import Unfit


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [
        ("250", 250, 250),
        ("0", 0, 0),
        ("5,001-10,000", 5001, 10000),
        ("1-10", 1, 10),
        ("501–1000", 501, 1000),
        ("501 — 1 000", 501, 1000),
        ("11 to 50", 11, 50),
        ("10001+", 10001, None),
        ("10,001 +", 10001, None),
        ("10k+", 10000, None),
        ("5k", 5000, 5000),
        ("1.5k", 1500, 1500),
        ("1,5k", 1500, 1500),
        ("1k-5k", 1000, 5000),
        ("1 000", 1000, 1000),
        ("1\u202f000", 1000, 1000),
        ("1'000", 1000, 1000),
        ("1.000", 1000, 1000),
        ("1.234.567", 1234567, 1234567),
        ("250.0", 250, 250),
        ("1E+04", 10000, 10000),
        ("1,001-5,000 employees", 1001, 5000),
        ("２５０", 250, 250),
    ],
)
def test_a_number_of_employees_is_read_as_people_write_it(
    written: str, least: int, most: int | None
) -> None:
    assert parse_headcount(written) == Headcount(least, most)


@pytest.mark.parametrize(
    "written",
    [
        "many",
        "-5",
        "10-1",
        "1-10k",
        "1-2-3",
        "250.5",
        "1,23",
        "12,34,567",
        "99999999999",
        "9" * 5000,
        "+",
        "-",
        "1e99",
        "٢٥٠٠٠x",
        "10k-",
    ],
)
def test_what_is_no_number_of_employees_is_unfit(written: str) -> None:
    assert isinstance(parse_headcount(written), Unfit)


@pytest.mark.parametrize("written", ["10-Jan", "Oct-50", "Nov 50", "Jän-10"])
def test_a_range_that_a_spreadsheet_made_a_date_is_named_as_such(written: str) -> None:
    verdict = parse_headcount(written)
    assert isinstance(verdict, Unfit)
    assert "spreadsheet" in verdict.reason


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1200000", "1200000"),
        ("1.2m", "1200000"),
        ("$5M", "5000000"),
        ("3bn", "3000000000"),
        ("3 Mrd. €", "3000000000"),
        ("5 Mio. EUR", "5000000"),
        ("USD 750k", "750000"),
        ("£1,234,567.89", "1234567.89"),
        ("1.234.567,89 €", "1234567.89"),
        ("1'234'567", "1234567"),
        ("2 million", "2000000"),
        ("1,5m", "1500000"),
        ("1.234m", "1234000"),
        ("12mm", "12000000"),
        ("1.2E+06", "1200000"),
        ("12345.678", "12345.678"),
        ("0", "0"),
        ("12" + " " * 57 + "m", "12000000"),
    ],
)
def test_revenue_is_read_as_people_write_it(written: str, amount: str) -> None:
    assert parse_revenue(written) == Decimal(amount)


@pytest.mark.parametrize(
    "written",
    [
        "lots", "-5m", "1.234", "1,234m", "1m-5m", "$", "1e40", "nan", "inf", "9" * 5000,
        "12" + " " * 58 + "m",
    ],
)  # fmt: skip
def test_what_is_no_single_amount_is_unfit(written: str) -> None:
    assert isinstance(parse_revenue(written), Unfit)


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("acme.com", "acme.com"),
        ("ACME.Co.UK", "acme.co.uk"),
        ("www.acme.com", "acme.com"),
        ("https://www.Acme.com/about?x=1#y", "acme.com"),
        ("acme.com/", "acme.com"),
        ("acme.com.", "acme.com"),
        ("www.com", "www.com"),
        ("müller.de", "müller.de"),
        ("例え.テスト", "例え.テスト"),
        ("हिन्दी.भारत", "हिन्दी.भारत"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        ("a-b.example", "a-b.example"),
    ],
)
def test_a_domain_is_stored_as_mail_addresses_carry_it(written: str, domain: str) -> None:
    assert parse_domain(written) == domain


@pytest.mark.parametrize(
    "written",
    [
        "acme",
        "acme..com",
        "-acme.com",
        "acme-.com",
        "ac me.com",
        "info@acme.com",
        "192.168.0.1",
        "acme.c",
        "a_b.com",
        "a" * 64 + ".com",
        ".".join(["a" * 60] * 5),
        "ü" * 60 + ".com",
        "ftp://acme.com",
        "https://",
        "acme.com:80x",
        ".",
        "💥.com",
    ],
)
def test_what_is_no_domain_is_unfit(written: str) -> None:
    assert isinstance(parse_domain(written), Unfit)


@pytest.mark.parametrize(
    "written",
    [
        "https://acme.com",
        "HTTP://www.acme.com/a/b?c=d#e",
        "https://müller.de/über",
        "http://a.io:8080",
    ],
)
def test_a_website_is_stored_as_it_is_written(written: str) -> None:
    assert parse_website(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "acme.com",
        "ftp://acme.com",
        "javascript:alert(1)",
        "https://",
        "https://acme",
        "https://localhost/",
        "http://10.0.0.1/",
        "https://me:pass@acme.com",
        "https://ac me.com",
        "https://acme.com:99999",
        "https://[::1",
        "https://acme.com/" + "a" * 2048,
    ],
)
def test_what_is_no_real_website_is_unfit(written: str) -> None:
    assert isinstance(parse_website(written), Unfit)


@pytest.mark.parametrize(
    "name", ["Nestlé", "株式会社日立", "3M", "شركة النيل", "O2", "a" * 200, "हि"]
)
def test_a_name_is_kept_in_its_script(name: str) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize("name", ["X", "a" * 201, "--", "🎉🎉"])
def test_a_name_too_short_too_long_or_without_letters_is_unfit(name: str) -> None:
    assert isinstance(parse_name(name), Unfit)


@pytest.mark.parametrize("text", ["c1", "acme.com", "A:b@c-d_e.f", "x" * 128])
def test_an_id_that_can_be_a_partition_key_is_kept(text: str) -> None:
    assert parse_company_id(text) == text


@pytest.mark.parametrize("text", ["a..b", ".a", "-a", "a b", "a,b", "é", "x" * 129, "a\n", "a/b"])
def test_an_id_that_can_be_no_partition_key_is_unfit(text: str) -> None:
    assert isinstance(parse_company_id(text), Unfit)


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("de", "DE"),
        ("GB", "GB"),
        ("Germany", "Germany"),
        ("Österreich", "Österreich"),
        ("日本", "日本"),
        ("éa", "éa"),
    ],
)
def test_a_country_is_a_name_or_a_code_in_capitals(written: str, country: str) -> None:
    assert parse_country(written) == country


@pytest.mark.parametrize("written", ["x", "12", "--", "a" * 101])
def test_what_is_no_country_is_unfit(written: str) -> None:
    assert isinstance(parse_country(written), Unfit)


def test_no_reason_repeats_what_was_written() -> None:
    secret = "zzqq-secret"
    for parse in (parse_company_id, parse_domain, parse_website, parse_headcount, parse_revenue):
        verdict = parse(secret + " /")
        assert isinstance(verdict, Unfit)
        assert "zzqq" not in verdict.reason
