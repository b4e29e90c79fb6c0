"""Which providers are asked: those that BG_PROVIDERS names, in its order. Nobody by default."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from bg_assets.domain.enrichment.asking import Provider, Providers
from bg_assets.domain.values.near import near
from bg_assets.providers.csv_file import CsvFile
from bg_assets.providers.csv_rows import BadFile
from bg_assets.providers.pdl import BadPdl, PeopleDataLabs
from bg_assets.settings import Settings

GROUP = "bg_assets.providers"
_SHORT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class BadProvider(Exception):
    """A provider that can't be used; the message names the variable and what to do."""


@dataclass(frozen=True, slots=True)
class Configured:
    """The providers that can be asked, by name in order, and a line for each that can't."""

    providers: Providers
    mistakes: tuple[str, ...]


def chosen(config: Settings) -> Providers:
    """The providers that can be asked, in the order of BG_PROVIDERS; the others are left out."""
    return configured(config).providers


def configured(config: Settings) -> Configured:
    """The providers that BG_PROVIDERS names, and what is wrong with those that can't be asked.

    One that can't be made stops no other. No line holds a key.
    """
    providers: dict[str, Provider] = {}
    mistakes = []
    for named in config.providers:
        try:
            provider = _made(named, config)
            if provider.name in providers:
                raise BadProvider(f"two providers are called {provider.name!r}: rename one of them")
            providers[provider.name] = provider
        except (BadProvider, BadPdl, BadFile) as err:
            mistakes.append(f"provider {named}: {err}")
    return Configured(providers, tuple(mistakes))


def _made(named: str, config: Settings) -> Provider:
    if named in _OURS:
        return _OURS[named](config)
    found = {point.name: point for point in entry_points(group=GROUP)}
    if named in found:
        return _loaded(found[named])
    if _FACTORY.fullmatch(named):
        return _loaded(EntryPoint(named, named, GROUP))
    known = [*_OURS, *found]
    hint = near(named, known)
    raise BadProvider(
        f"BG_PROVIDERS names one that is not there; there are {', '.join(known)}, and your own as "
        "package.module:factory" + (f"; {hint}" if hint.startswith("did you mean") else "")
    )


def _pdl(config: Settings) -> Provider:
    if config.pdl_key is None:
        raise BadProvider("it takes a key: set BG_PDL_KEY, or leave pdl out of BG_PROVIDERS")
    return PeopleDataLabs(
        config.pdl_key, config.pdl_url, config.pdl_price_person, config.pdl_price_company
    )


def _csv(config: Settings) -> Provider:
    if config.enrich_csv is None:
        raise BadProvider("it takes a file: set BG_ENRICH_CSV, or leave csv out of BG_PROVIDERS")
    return CsvFile(config.enrich_csv)


_OURS: dict[str, Callable[[Settings], Provider]] = {"pdl": _pdl, "csv": _csv}


def _loaded(point: EntryPoint) -> Provider:
    """What others make. Of their errors the class alone is told: the text may hold a key."""
    try:
        module = importlib.import_module(point.module)
    except ModuleNotFoundError as err:
        raise BadProvider(
            f"there is no module {err.name}: install it, or correct BG_PROVIDERS"
        ) from None
    except Exception as err:
        raise BadProvider(f"importing {point.module} fails with {type(err).__name__}") from None
    factory = getattr(module, point.attr, None)
    if not callable(factory):
        raise BadProvider(f"{point.module} has no {point.attr} that can be called")
    try:
        provider = factory()
    except Exception as err:
        raise BadProvider(f"{point.value} fails with {type(err).__name__}") from None
    if isinstance(provider, type) or not isinstance(provider, Provider):
        raise BadProvider(f"{point.value} gives no provider: it needs name, price and ask")
    if not isinstance(provider.name, str) or not _SHORT.fullmatch(provider.name):
        raise BadProvider(
            f"{point.value}: its name takes 1 to 40 of a-z 0-9 _ -, starting with a letter or digit"
        )
    return provider
