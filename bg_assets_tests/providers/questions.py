"""Questions about the invented people."""

from bg_assets.domain.enrichment.asking import CompanyAsked, Kind, PersonAsked, Question
from bg_assets.providers.pdl import PeopleDataLabs
from bg_assets_tests.providers.fake_pdl import KEY, FakePdl

VANE = CompanyAsked("co-vane", "Harbour Vane", "harbourvane.com", country="PT")
ADA = PersonAsked("p-ada", "Ada Quill", "CFO", "ada.quill@harbourvane.com", "Lisbon")
CY = PersonAsked("p-cy", "Cy Fennimore")
ABOUT_ADA = Question(Kind.PERSON, VANE, ADA)
ABOUT_CY = Question(Kind.PERSON, VANE, CY)
ABOUT_VANE = Question(Kind.COMPANY, VANE)
WHO_IS_THERE = Question(Kind.DISCOVERY, VANE, most=2)


def client(fake: FakePdl, key: str = KEY) -> PeopleDataLabs:
    """A client of that server."""
    return PeopleDataLabs(key, fake.url)
