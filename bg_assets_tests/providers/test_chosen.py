"""Who is asked is named by BG_PROVIDERS; what is wrong with one stops no other."""

import sys
from pathlib import Path

import pytest

from bg_assets import settings
from bg_assets.providers.chosen import chosen, configured
from bg_assets_tests.providers.fake_pdl import KEY

MODULE = """
from decimal import Decimal
class Own:
    name = "own"
    def price(self, question): return Decimal(0)
    def ask(self, question, seconds): raise NotImplementedError
class Half:
    name = "half"
class Shouting(Own):
    name = "OWN PROVIDER"
class Twin(Own):
    name = "pdl"
def broken():
    raise RuntimeError("the key is secret-0815")
value = 5
"""
BROKEN = "raise OSError('secret-0815')"


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("own_module", MODULE), ("broken_module", BROKEN)):
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def _env(providers: str, **more: str) -> settings.Settings:
    return settings.read({"BG_PROVIDERS": providers, "BG_PDL_KEY": KEY, **more})


def test_nobody_is_asked_by_default() -> None:
    assert configured(settings.read({})).providers == {}
    assert configured(settings.read({"BG_PDL_KEY": KEY})).mistakes == ()


def test_providers_come_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("person_id,title\n")
    config = _env("own_module:Own, csv ,pdl,csv", BG_ENRICH_CSV=str(tmp_path / "o.csv"))
    assert list(chosen(config)) == ["own", "csv", "pdl"]
    assert configured(config).mistakes == ()


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("pld", "did you mean pdl?"),
        ("nobody", "pdl, csv"),
        ("csv", "BG_ENRICH_CSV"),
        ("no_such_module:Own", "there is no module no_such_module"),
        ("own_module:Other", "has no Other that can be called"),
        ("own_module:value", "has no value that can be called"),
        ("own_module:Half", "needs name, price and ask"),
        ("own_module:Shouting", "its name takes"),
        ("own_module:broken", "fails with RuntimeError"),
        ("broken_module:Own", "fails with OSError"),
        ("own_module:Own.deep", "BG_PROVIDERS"),
        ("../own:Own", "BG_PROVIDERS"),
    ],
)
def test_one_that_can_t_be_used_is_told_and_the_others_are_asked(named: str, says: str) -> None:
    found = configured(_env(f"{named},pdl"))
    assert list(found.providers) == ["pdl"]
    (mistake,) = found.mistakes
    assert says in mistake
    assert named in mistake
    assert "secret" not in mistake


def test_two_of_one_name_are_told() -> None:
    found = configured(_env("pdl,own_module:Twin"))
    assert list(found.providers) == ["pdl"]
    assert "two providers are called 'pdl'" in found.mistakes[0]


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"BG_PDL_KEY": ""}, "BG_PDL_KEY"),
        ({"BG_PDL_KEY": "two words of a secret"}, "BG_PDL_KEY"),
        ({"BG_PDL_URL": "http://secret.example.com"}, "BG_PDL_URL"),
    ],
)
def test_a_provider_without_its_key_or_address_is_told_by_the_variable(
    env: dict[str, str], says: str
) -> None:
    found = configured(_env("pdl,own_module:Own", **env))
    assert list(found.providers) == ["own"]
    (mistake,) = found.mistakes
    assert says in mistake
    assert "secret" not in mistake


def test_an_entry_point_is_found_by_its_name(
    modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = modules / "own_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bg_assets.providers]\nhouse = own_module:Own\n")
    assert list(chosen(_env("house,pdl"))) == ["own", "pdl"]
    (mistake,) = configured(_env("hous")).mistakes
    assert "did you mean house?" in mistake


def test_prices_of_ones_own_are_the_provider_s(tmp_path: Path) -> None:
    config = _env("pdl", BG_PDL_PRICE_PERSON="0.20", BG_PDL_PRICE_COMPANY="0")
    assert "price_person=Decimal('0.20')" in repr(chosen(config)["pdl"])
    assert KEY not in repr(chosen(config)) + repr(config)


@pytest.mark.parametrize("price", ["free", "-1", "nan", "inf", "1001"])
def test_a_price_that_is_none_is_refused_by_its_variable(price: str) -> None:
    with pytest.raises(settings.BadSetting, match="BG_PDL_PRICE_PERSON"):
        _env("pdl", BG_PDL_PRICE_PERSON=price)
