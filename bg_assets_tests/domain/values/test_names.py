"""What two spellings of one name share, and what tells two names apart."""

import pytest

from bg_assets.domain.values.names import company_key, is_of_anybody, person_key


@pytest.mark.parametrize(
    ("one", "other"),
    [("Acme Inc.", "ACME"), ("Müller & Söhne GmbH", "Mueller und Soehne"), ("The Bolt Co.", "Bolt"),
     ("L'Oréal S.A.", "LOreal")],
)  # fmt: skip
def test_a_company_s_legal_form_accents_and_signs_make_no_difference(one: str, other: str) -> None:
    assert company_key(one) == company_key(other)


def test_what_is_but_a_legal_form_is_a_name_of_its_own() -> None:
    assert company_key("Holding AG") != company_key("The Group")
    assert company_key("株式会社東京")


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann Smith", "Smith, Ann"), ("Dr. José Peña", "jose pena"), ("Bob Ng (he/him)", "Ng Bob")],
)
def test_a_person_s_name_has_one_key_whatever_its_order_accents_and_titles(
    one: str, other: str
) -> None:
    assert person_key(one) == person_key(other)


def test_two_names_have_two_keys_and_no_word_has_none() -> None:
    assert person_key("Ann Smith") != person_key("Anna Smith")
    assert person_key("42 !") == ""


def test_a_provider_of_mailboxes_is_nobody_s_domain() -> None:
    assert is_of_anybody("GMail.com")
    assert not is_of_anybody("acme.com")
