"""Is what a provider found what was asked for? Verdicts with reasons, which hold no names.

Nobody is believed to be somebody by their name alone: namesakes are common.
"""

from dataclasses import dataclass
from enum import StrEnum

from bg_assets.domain.enrichment.asking import (
    CompanyAsked,
    FoundCompany,
    FoundPerson,
    Question,
)
from bg_assets.domain.enrichment.names import Agreement, companies_agree, people_agree


class Verdict(StrEnum):
    """Whether what was found is what was asked for."""

    SAME = "same"
    DOUBTFUL = "doubtful"  # it may be, and nobody should act on it
    ANOTHER = "another"  # nothing of it is to be written


@dataclass(frozen=True, slots=True)
class Likeness:
    """A verdict and what it rests on, in words for people."""

    verdict: Verdict
    reasons: tuple[str, ...]


_NAMES = {
    Agreement.AGREES: "the name agrees",
    Agreement.UNCLEAR: "the names can't be told apart or together",
    Agreement.DIFFERS: "the name is another",
}
_COMPANIES = {
    Agreement.AGREES: "works or worked for this company",
    Agreement.UNCLEAR: "whether for this company is not told",
    Agreement.DIFFERS: "works for another company, and is not known to have worked for this one",
}


def person_likeness(question: Question, found: FoundPerson) -> Likeness:
    """Whether a person who was found is the one that the question asks for.

    The same: an equal e-mail address, or our own id as a file of ours tells it, with a name that
    agrees or can't be compared; or a name that agrees and a present or past post at the company.
    Another: another name without either, or another company without either. What lies between is
    doubtful, and so is an equal address with another name (a marriage, or a mailbox handed on),
    and a second address at the same domain (namesakes at one company). To a question for no person
    in particular whoever works there now is the same, and who left is another.
    """
    asked = question.person
    company = works_for(question.company, found)
    if asked is None:
        return _anybody(found, company)
    name = Agreement.UNCLEAR
    if asked.name and found.name:
        name = people_agree(asked.name, found.name)
    mail = _mail(asked.email, found.email)
    reasons = [_NAMES[name], _COMPANIES[company]]
    if mail is not None:
        reasons.append(f"the e-mail address is {mail}")
    if found.key == asked.id:
        reasons.append("the id is ours")
        mail = "the same"
    return Likeness(_person(name, company, mail), tuple(reasons))


def works_for(asked: CompanyAsked, found: FoundPerson) -> Agreement:
    """Whether a person's present or a past employer can be the company; unclear where none is told.

    An e-mail address at the company's domain counts as an employment there.
    """
    places = [(found.company_name, found.company_domain)]
    places += [(post.company_name, post.company_domain) for post in found.career]
    said = [
        companies_agree(asked.name, asked.domain, name, domain)
        for name, domain in places
        if name or domain
    ]
    if found.employed_there or Agreement.AGREES in [*said, _by_mail(asked, found)]:
        return Agreement.AGREES
    return Agreement.UNCLEAR if not said or Agreement.UNCLEAR in said else Agreement.DIFFERS


def _by_mail(asked: CompanyAsked, found: FoundPerson) -> Agreement:
    """An address elsewhere, which may be private, says nothing of where somebody works."""
    if not found.email:
        return Agreement.UNCLEAR
    return companies_agree(None, asked.domain, None, found.email.rpartition("@")[2])


def company_likeness(asked: CompanyAsked, found: FoundCompany) -> Likeness:
    """Whether a company that was found is the one that was asked for."""
    agreement = companies_agree(asked.name, asked.domain, found.name, found.domain)
    if agreement is Agreement.AGREES:
        return Likeness(Verdict.SAME, ("name or domain agree",))
    if agreement is Agreement.DIFFERS:
        return Likeness(Verdict.ANOTHER, ("name and domain are another company's",))
    return Likeness(Verdict.DOUBTFUL, ("name and domain can't be told apart or together",))


def _anybody(found: FoundPerson, company: Agreement) -> Likeness:
    if found.employed_there is False:
        return Likeness(Verdict.ANOTHER, ("does not work for this company now",))
    verdicts = {Agreement.AGREES: Verdict.SAME, Agreement.DIFFERS: Verdict.ANOTHER}
    return Likeness(verdicts.get(company, Verdict.DOUBTFUL), (_COMPANIES[company],))


def _mail(asked: str | None, found: str | None) -> str | None:
    """``the same``, ``another at the same domain``, or None: it tells nothing."""
    if not asked or not found:
        return None
    one, other = asked.strip().casefold(), found.strip().casefold()
    if one == other:
        return "the same"
    same_domain = one.rpartition("@")[2] == other.rpartition("@")[2]
    return "another at the same domain" if same_domain else None


def _person(name: Agreement, company: Agreement, mail: str | None) -> Verdict:
    if mail == "the same":
        return Verdict.DOUBTFUL if name is Agreement.DIFFERS else Verdict.SAME
    if Agreement.DIFFERS in (name, company):
        return Verdict.ANOTHER
    sure = name is company is Agreement.AGREES
    return Verdict.SAME if sure and mail is None else Verdict.DOUBTFUL
