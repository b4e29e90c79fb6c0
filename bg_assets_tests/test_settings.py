"""The environment is read once, and what can't be meant is refused by name."""

from decimal import Decimal

import pytest

from bg_assets import settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BG_REFRESH_INTERVAL", "an hour"),
        ("BG_REFRESH_INTERVAL", "-1"),
        ("BG_TITLE_TAIL", "perhaps"),
        ("BG_SETTLE", "nan"),
        ("BG_SETTLE", "inf"),
        ("BG_CLAIM_LIMIT", "0"),
        ("BG_CLAIM_PER_MINUTE", "0"),
        ("BG_BATCH_FROM", "1"),
        ("BG_BATCH_SIZE", "many"),
        ("BG_MAX_ATTEMPTS", "1.5"),
        ("BG_WEB_PORT", "70000"),
        ("BG_RECEIVER_BODY_LIMIT", "100"),
        ("BG_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
        ("BG_PRODUCTS", " , "),
        ("BG_ENRICH_EXPIRY", "company=a week"),
        ("BG_ENRICH_EXPIRY", "people=1d"),
        ("BG_ENRICH_EXPIRY", "person=0d"),
        ("BG_ENRICH_CAP_DAILY", "five"),
        ("BG_ENRICH_CAP_DAILY", "pdl=-1"),
        ("BG_ENRICH_CAP_DAILY", "=5"),
        ("BG_ENRICH_CAP_MONTHLY", "pdl=1,pdl=2"),
        ("BG_ENRICH_CAP_MONTHLY", "1e9"),
        ("BG_DATABASE_URL", "mysql://me:secret@host/db"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(settings.BadSetting, match=name) as refused:
        settings.read({name: value})
    assert "secret" not in str(refused.value)


def test_nothing_set_gives_the_defaults_that_the_help_names() -> None:
    read = settings.read({})
    assert (read.refresh_interval, read.settle, read.claim_limit) == (3600, 2, 5000)
    assert (read.batch_from, read.batch_size, read.max_attempts) == (5, 1000, 3)
    assert read.products == ("finance_system",)
    assert (read.receiver_body_limit, read.trusted_proxies) == (262144, ())
    assert read.database_url is None
    assert read.home == settings.PROJECT / ".bg"


def test_a_plain_url_is_given_its_driver_and_products_lose_their_doubles() -> None:
    read = settings.read({"BG_DATABASE_URL": "postgres://h/d", "BG_PRODUCTS": "a, b,a"})
    assert read.database_url == "postgresql+psycopg2://h/d"
    assert read.products == ("a", "b")


def test_caps_and_expiries_are_read_by_provider_and_kind() -> None:
    read = settings.read(
        {"BG_ENRICH_CAP_DAILY": "5, pdl=0.50", "BG_ENRICH_EXPIRY": "person=12h,company=30d"}
    )
    assert dict(read.enrich_cap_daily) == {"": Decimal(5), "pdl": Decimal("0.5")}
    assert read.enrich_cap_monthly == ()
    assert dict(read.enrich_expiry) == {"person": 43_200, "company": 2_592_000}
    assert settings.shared(read)["BG_ENRICH_CAP_DAILY"] == "5,pdl=0.50"
    assert settings.read({"BG_ENRICH_CAP_DAILY": "5,pdl=0.50"}) == settings.read(
        {name: value or "" for name, value in settings.shared(read).items()}
    )


def test_every_variable_is_in_the_readme() -> None:
    readme = (settings.PROJECT / "README.md").read_text()
    for variable in settings.VARIABLES:
        assert f"`{variable.name}`" in readme
