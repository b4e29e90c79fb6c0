"""How much of a function somebody has: the whole of it, or a part that the title names.

"Director of Finance" has the whole, "Director Financial Stability" a part, and a "Finance Director"
in a department of something else has that of a unit.
"""

from functools import lru_cache
from typing import Literal

from bg_assets.domain.groups.ties import subject
from bg_assets.domain.titles.authority import spoken

Remit = Literal["whole", "part", "unit", "unknown"]

# What a function is called as a whole. A title with one of these and, in the same breath, other
# words of substance names a part of it.
_SPELLED = {
    "executive": (
        "chief_executive_officer chief_executive ceo managing_director director_general md coo "
        "executive_director president general_manager permanent_secretary geschaftsfuhrer "
        "geschaftsfuhrerin vorstandsvorsitzender vorstandsvorsitzende pdg directeur_general "
        "directrice_generale algemeen_directeur bestuursvoorzitter gerente_general "
        "director_ejecutivo consejero_delegado amministratore_delegato direttore_generale "
        "diretor_geral diretor_executivo vd verkstallande_direktor administrerende_direktor "
        "adm_direktor prezes jednatel generalni_reditel"
    ),
    "finance": (
        "finance finances financial financier financiere financieel financiele financien finanzen "
        "finanz finanzwesen finanzas financiero financiera finanze finanziario finanziaria "
        "financas financeiro financeira ekonomi okonomi finans finansow finansowy finansowa "
        "financni cfo treasurer bursar comptroller"
    ),
    "hr": (
        "hr hrm people personal personnel personalwesen personeel personale personal "
        "kadr hr personalni chro rh rrhh p&o human_resources human_resource ressources_humaines "
        "recursos_humanos risorse_umane mennesker lidske_zdroje human_capital"
    ),
    "it": (
        "it ict edv informatik informatique informatica informatyki informacni technology "
        "information_technology information_systems information_services cio cto "
        "information_and_communications_technology digital informationstechnologie information"
    ),
    "security": (
        "security information_security cyber_security cybersecurity it_security ciso "
        "informationssicherheit it_sicherheit securite_des_systemes_d_information cyber"
    ),
    "information_security": (
        "information_security cyber_security cybersecurity it_security ciso cyber "
        "information_assurance systems_security data_security security_architecture"
    ),
    "sales": (
        "sales commercial revenue vertrieb vertriebs verkauf ventes vente ventas vendite verkoop "
        "vendas forsaljning salg sprzedazy obchod cso cro"
    ),
}
NAMED = frozenset(_SPELLED)
_NAMES = {
    function: tuple(
        tuple(name.split("_")) for name in sorted(names.split(), key=lambda n: -n.count("_"))
    )
    for function, names in _SPELLED.items()
}
# What those below the head of a function do all day: they are called so, without its name.
_WORK_SPELLED = {
    "finance": (
        "accountant accountants accountancy accounting accounts bookkeeper bookkeeping ledger "
        "reconciliation controller comptroller budget budgets budgeting buchhalter buchhalterin "
        "buchhaltung comptable comptabilite contable contabilidad contabile contabilita boekhouder "
        "boekhouding controlling"
    ),
    "hr": (
        "learning_and_development employee_relations employees reward rewards diversity "
        "organisation_development organization_development employment_relations"
    ),
    "engineering": (
        "engineering engineer engineers software technology devops cloud platform platforms "
        "application applications systems cto"
    ),
    "it": (
        "network networks database databases helpdesk desktop server servers software developer "
        "programmer systems_manager systems_administrator system_administrator"
    ),
}
_WORK = {
    function: tuple(f" {name.replace('_', ' ')} " for name in names.split())
    for function, names in _WORK_SPELLED.items()
}
# Words that say nothing of what a post is about.
_EMPTY = frozenset(
    word
    for line in (
        "section sections department departments division divisional directorate branch unit team",
        "office officer officers corporate company firm function functions band level affairs",
        "services service central centre center headquarters board business resources",
        "administration enterprise whole global worldwide acting interim permanent secretary",
        "managing vorstand vorstandsmitglied bereich abteilung leitung ressort direktion direction",
        "departement dipartimento departamento afdeling avdelning avdeling committee",
        "organisation organization scs vice officer leadership top authority agency executive",
        "geschaftsfuhrung directie bestuur ledelse ledning zarzad vedeni consejo administracion",
        "direccion",
    )
    for word in line.split()
)
# "Financial Services" are a line of business, "IT Services" are IT.
_NO_SERVICE = frozenset(("finance", "security", "sales"))


@lru_cache(maxsize=1 << 16)
def remit(title: str | None, department: str | None, function: str, by_department: bool) -> Remit:
    """How much of a function somebody has who is read as being of it.

    by_department: only the department tells the function; then it tells the remit as well.
    unknown: neither says the function by its name. department: None, or one that says something.
    """
    own = _of_text(department if by_department else title, function)
    if own != "whole" or by_department or not department:
        return own
    return "unit" if _elsewhere(department, function) else own


@lru_cache(maxsize=1 << 16)
def does_its_work(title: str | None, function: str) -> bool:
    """Whether a title has a word for the everyday work of a function."""
    told = " , ".join(f" {' '.join(words)} " for words in spoken(title or ""))
    return any(word in told for word in _WORK.get(function, ()))


def _of_text(text: str | None, function: str) -> Remit:
    found: Remit = "unknown"
    names = _NAMES.get(function, ())
    for words in spoken(text or "") if names else ():
        for unit in _units(words):
            left = _without(unit, names)
            if left is None:
                continue
            if not _substance(left, function):
                return "whole"
            found = "part"
    return found


def _units(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The words between joining signs."""
    units: list[list[str]] = [[]]
    for word in words:
        if word == "and":
            units.append([])
        else:
            units[-1].append(word)
    return [tuple(unit) for unit in units]


def _without(unit: tuple[str, ...], names: tuple[tuple[str, ...], ...]) -> tuple[str, ...] | None:
    """The unit without the name of the function that it has, None where it has none."""
    for name in names:
        for at in range(len(unit) - len(name) + 1):
            if unit[at : at + len(name)] == name:
                return (*unit[:at], *unit[at + len(name) :])
    return None


def _substance(words: tuple[str, ...], function: str) -> frozenset[str]:
    left = subject(" ".join(words)) - _EMPTY
    return left | (frozenset(words) & {"services"} if function in _NO_SERVICE else frozenset())


def _elsewhere(department: str, function: str) -> bool:
    """Whether a department is of something else: neither of the function nor of the whole."""
    return all(
        _without(unit, _NAMES[function]) is None and bool(_substance(unit, ""))
        for words in spoken(department)
        for unit in _units(words)
    )
