"""Sectors whose ranks and words are their own: which of them a company is of, if it shows."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from bg_assets.domain.values.folding import fold

Sector = Literal["public", "bank", "hospital", "university"]
SECTORS: tuple[Sector, ...] = ("public", "bank", "hospital", "university")

_WORD = re.compile(r"[^\W_]+")


def _phrases(*lines: str) -> tuple[str, ...]:
    return tuple(f" {phrase.strip()} " for line in lines for phrase in line.split(","))


# Whole words, without accents; a university hospital is a hospital, so hospitals come first.
_INDUSTRIES: tuple[tuple[Sector, tuple[str, ...]], ...] = (
    (
        "hospital",
        _phrases(
            "hospital, hospitals, hospital health care, hospitals and health care, clinics",
            "krankenhaus, krankenhauser, klinik, kliniken, hopital, hopitaux, ziekenhuis, sjukhus",
            "ziekenhuizen, hospitales, ospedale, ospedali, hospitais, sygehus, sykehus, szpital",
            "nemocnice",
        ),
    ),
    (
        "university",
        _phrases(
            "higher education, university, universities, hochschule, hochschulen, universitat",
            "universitaten, enseignement superieur, universite, hoger onderwijs, universiteit",
            "educacion superior, universidad, universita, ensino superior, universidade",
            "universitet, hogskola, universitetet, uniwersytet, szkolnictwo wyzsze, univerzita",
        ),
    ),
    (
        "bank",
        _phrases(
            "bank, banks, banking, bankwesen, banken, banque, banques, banca, banche, banco",
            "bancos, bancario, bankvasen, bankowosc, bankovnictvi, capital markets",
            "investment management, financial services",
        ),
    ),
    (
        "public",
        _phrases(
            "government, government administration, government relations office, public sector",
            "public administration, civil service, local government, central government",
            "municipality, municipal, legislative office, public policy offices, judiciary",
            "law enforcement, public safety, military, armed forces, behorde, behorden",
            "offentliche verwaltung, offentlicher dienst, offentlicher sektor, kommunalverwaltung",
            "administration publique, secteur public, fonction publique, collectivite territoriale",
            "overheid, openbaar bestuur, gemeente, administracion publica, sector publico",
            "pubblica amministrazione, settore pubblico, administracao publica, setor publico",
            "offentlig sektor, offentlig forvaltning, offentlig forvaltning, kommun, kommune, stat",
            "administracja publiczna, sektor publiczny, verejna sprava",
        ),
    ),
)
_NAMES: tuple[tuple[Sector, tuple[str, ...]], ...] = (
    (
        "hospital",
        _phrases(
            "hospital, hospitals, nhs, nhs trust, klinikum, klinik, kliniken, krankenhaus",
            "universitatsklinikum, hopital, hopitaux, chu, ziekenhuis, ospedale, sygehus, sjukhus",
            "sykehus, szpital, nemocnice, infirmary",
        ),
    ),
    (
        "university",
        _phrases(
            "university, universitat, hochschule, universite, universiteit, universidad",
            "universita, universidade, universitet, universitetet, hogskola, uniwersytet",
            "politechnika, univerzita",
        ),
    ),
    ("bank", _phrases("bank, sparkasse, volksbank, raiffeisenbank, banque, banca, banco, banka")),
    (
        "public",
        _phrases(
            "ministry, department of, department for, council, county of, city of, state of",
            "government, treasury, home office, cabinet office, foreign office, civil service",
            "national authority, commission, inspectorate, regulator, ombudsman, police authority",
            "revenue and customs, scotland office, wales office, her majesty, his majesty, hm",
            "majestys, environment agency, highways agency, standards agency, protection agency",
            "licensing agency, border agency, funding agency, payments agency, police, museum",
            "ministerium, bundesamt, landesamt, bundesministerium, landkreis, landratsamt, stadt",
            "stadtverwaltung, gemeindeverwaltung, ministere, prefecture, mairie, ville de",
            "conseil departemental, conseil regional, ministerie, gemeente, rijksoverheid",
            "ministerio, ayuntamiento, diputacion, ministero, comune di, regione, provincia di",
            "camara municipal, prefeitura, secretaria de estado, kommun, kommune, myndighet",
            "myndigheten, styrelsen, direktoratet, departementet, ministeriet, fylkeskommune",
            "ministerstwo, urzad, gmina, ministerstvo, magistrat, krajsky urad",
        ),
    ),
)


@lru_cache(maxsize=1 << 14)
def sector(industry: str | None, name: str | None = None) -> Sector | None:
    """The sector of a company by its industry; by its name where no industry is known.

    None: none of these, or nothing tells.
    """
    if industry and industry.strip():
        return _first(industry, _INDUSTRIES)
    return _first(name, _NAMES) if name else None


def _first(text: str, sectors: Iterable[tuple[Sector, tuple[str, ...]]]) -> Sector | None:
    words = f" {' '.join(_WORD.findall(fold(text)))} "
    return next((one for one, known in sectors if any(k in words for k in known)), None)
