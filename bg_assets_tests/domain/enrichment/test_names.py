"""Spellings of one name agree, other names differ, and what can't be compared is neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.enrichment.names import Agreement, companies_agree, people_agree

AGREES, UNCLEAR, DIFFERS = Agreement

PEOPLE = [
    # The same spelling but for case, accents, order, marks.
    ("Ada Quill", "ada quill", AGREES),
    ("Ada Quill", "QUILL, Ada", AGREES),
    ("José Núñez", "Jose Nunez", AGREES),
    ("Jörg Müller", "Joerg Mueller", AGREES),
    ("Søren Ødegård", "Soren Odegard", AGREES),
    ("Łukasz Wójcik", "Lukasz Wojcik", AGREES),
    ("Zoë Weiß", "Zoe Weiss", AGREES),
    ("O'Brien Sean", "Sean OBrien", AGREES),
    ("Sean O’Brien", "Sean O'Brien", AGREES),
    ("Anne-Marie Dupont", "Annemarie Dupont", AGREES),
    ("Anne-Marie Dupont", "Anne Marie Dupont", AGREES),
    ("Maria De La Cruz", "Maria Delacruz", AGREES),
    ("Dr. Ada Quill, PhD", "Ada Quill", AGREES),
    ("Ada Quill (she/her)", "Ada Quill", AGREES),
    # Middle names and further family names that one of them leaves out.
    ("Ada Maria Quill", "Ada Quill", AGREES),
    ("Ada M. Quill", "Ada Maria Quill", AGREES),
    ("María García López", "Maria Garcia", AGREES),
    ("María García López", "Maria Lopez", AGREES),
    # Short forms and initials.
    ("Bob Marsh", "Robert Marsh", AGREES),
    ("Bill Marsh", "Will Marsh", AGREES),
    ('Robert "Bob" Marsh', "Bob Marsh", AGREES),
    ("Peggy Marsh", "Margaret Marsh", AGREES),
    ("Hans Marsh", "Johannes Marsh", AGREES),
    ("A. Quill", "Ada Quill", AGREES),
    ("Ada Q.", "Ada Quill", AGREES),
    ("J.R. Marsh", "John Robert Marsh", AGREES),
    # Other scripts.
    ("张伟", "张伟", AGREES),
    ("Wei Zhang 张伟", "张伟", AGREES),
    ("राम कुमार", "राम कुमार", AGREES),
    ("김민준", "김민준", AGREES),
    ("张伟", "Wei Zhang", UNCLEAR),
    ("Сергей Иванов", "Sergey Ivanov", UNCLEAR),
    ("张伟", "李娜", DIFFERS),
    ("राम कुमार", "सीता शर्मा", DIFFERS),
    # Romanised otherwise, or no more than a part.
    ("Sergey Ivanov", "Sergei Ivanov", AGREES),
    ("Muhammed Farouk", "Mohamed Faruk", UNCLEAR),
    ("Ada", "Ada Quill", UNCLEAR),
    ("A. Q.", "Ada Quill", UNCLEAR),
    ("Ada Maria Quill", "Ada Sofia Quill", UNCLEAR),
    ("José Luis García", "José García López", UNCLEAR),
    ("Daniel Marsh", "Daniela Marsh", UNCLEAR),
    ("", "Ada Quill", UNCLEAR),
    ("🙂", "Ada Quill", UNCLEAR),
    # Somebody else.
    ("Ada Quill", "Bo Marsh", DIFFERS),
    ("Ada Quill", "Ada Marsh", DIFFERS),
    ("Ada Quill", "Bo Quill", DIFFERS),
    ("Alexander Quill", "Alexandra Marsh", DIFFERS),
    ("John Smith", "Jane Smith", DIFFERS),
    ("Ada Quill", "A. Marsh", DIFFERS),
    ("Dr. Prof", "Ada Quill", DIFFERS),
]


@pytest.mark.parametrize(("one", "other", "agreement"), PEOPLE)
def test_names_of_people_are_compared_as_people_would(
    one: str, other: str, agreement: Agreement
) -> None:
    assert people_agree(one, other) is agreement
    assert people_agree(other, one) is agreement


NESTLE = ("Nestlé", None)
COMPANIES = [
    (("Harbour Vane", "harbourvane.com"), ("Anything", "harbourvane.com"), AGREES),
    ((None, "vane.com"), (None, "mail.vane.com"), AGREES),
    (("Harbour Vane", None), ("HARBOUR VANE, Inc.", None), AGREES),
    (("Harbour Vane GmbH & Co. KG", None), ("harbour vane", None), AGREES),
    (("The Vane Company", None), ("Vane", None), AGREES),
    (NESTLE, ("nestle s.a.", None), AGREES),
    (NESTLE, ("Nest", None), UNCLEAR),
    (("小米", None), ("小米", None), AGREES),
    (("小米", None), ("Xiaomi", None), UNCLEAR),
    (("小米", None), ("华为", None), DIFFERS),
    (("SE AG", None), ("SE AG", None), AGREES),
    (("SE AG", None), ("Vane", None), DIFFERS),
    (("Harbour Vane", None), (None, "harbourvane.co.uk"), AGREES),
    (("Harbour Vane", "hv.com"), ("Harbour Vane", "harbourvane.de"), AGREES),
    ((None, "vane.com"), (None, "vane.de"), UNCLEAR),
    (("Vane", None), ("Vane Cloud Services", None), UNCLEAR),
    (("International Business Machines", None), ("IBM", None), UNCLEAR),
    (("Harbour Vane", None), (None, None), UNCLEAR),
    ((None, None), (None, None), UNCLEAR),
    (("Harbour Vane", "harbourvane.com"), ("Tern & Loom", "ternloom.com"), DIFFERS),
    (("Harbour Vane", None), ("Tern & Loom", None), DIFFERS),
    ((None, "harbourvane.com"), (None, "ternloom.com"), DIFFERS),
    (("Marsh Bakery", "gmail.com"), ("Quill Bakery", "gmail.com"), DIFFERS),
    ((None, "gmail.com"), (None, "gmail.com"), UNCLEAR),
    (("3M", None), ("3M", None), AGREES),
    (("1&1", None), ("2&2", None), DIFFERS),
]


@pytest.mark.parametrize(("one", "other", "agreement"), COMPANIES)
def test_companies_are_compared_by_domain_and_by_name(
    one: tuple[str | None, str | None],
    other: tuple[str | None, str | None],
    agreement: Agreement,
) -> None:
    assert companies_agree(*one, *other) is agreement
    assert companies_agree(*other, *one) is agreement


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_compared_is_compared_alike_both_ways(one: str, other: str) -> None:
    assert people_agree(one, other) is people_agree(other, one)
    assert companies_agree(one, None, other, None) is companies_agree(other, None, one, None)


@given(st.text(st.characters(categories=["L"]), min_size=2, max_size=40))
def test_nobody_differs_from_themselves(name: str) -> None:
    assert people_agree(name, name) is not DIFFERS
    assert companies_agree(name, None, name, None) is AGREES
