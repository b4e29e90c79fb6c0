"""Templates: what is refused, in which line, and what the hash stands for."""

import pytest

from bg_assets.domain.enrichment.asking import Level
from bg_assets.domain.products.places import BadTemplate
from bg_assets.domain.products.template import parse_template

GOOD = """\
template: 1
name: small
version: 1
does: A thing.
deal_size: 1000
functions:
  finance: 1
  it: 0.5
roles:
  decision_maker:
    required: 1
    any:
      - {functions: [finance], levels: [c_level, vp]}
"""

# what is replaced, by what, the line that the error names, what it says
WRONG = [
    ("  decision_maker:", "  decider:", 10, "unknown role 'decider'"),
    ("  it: 0.5", "  it: -0.5", 8, "outside of 0 to 1"),
    ("  it: 0.5", "  it: much", 8, "number"),
    ("  it: 0.5", "  itt: 0.5", 8, "did you mean it"),
    ("  it: 0.5", "  finance: 0.5", 8, "comes twice"),
    ("[c_level, vp]", "[c_level, vice]", 13, "unknown level 'vice'"),
    ("[c_level, vp]", "[]", 13, "empty"),
    ("functions: [finance], ", "", 13, "needs functions"),
    ("{functions: [finance]", "{functions: [legal]", 13, "no weight"),
    ("vp]}", "vp], min_employees: 9, max_employees: 3}", 13, "never hold"),
    ("vp]}", "vp], fit: 0}", 13, "never hold"),
    ("    required: 1", "    required: 1\n    never: {levels: [c_level, vp]}", 14, "never hold"),
    ("    required: 1", "    required: -1", 11, "outside"),
    (
        "levels: [c_level, vp]}",
        "levels: [c_level, vp], sectors: [publik]}",
        13,
        "did you mean public",
    ),
    ("levels: [c_level, vp]}", "levels: [vp], sector: [public]}", 13, "did you mean sectors"),
    (
        "levels: [c_level, vp]}",
        "sectors: [bank], not_sectors: [bank, public]}",
        13,
        "can never hold",
    ),
    ("    required: 1", "    require: 1", 11, "did you mean required"),
    ("template: 1", "template: 2", 1, "reads template: 1"),
    ("version: 1", "version: 1.5", 3, "whole number"),
    ("name: small", "name: Small One", 2, "no name"),
    ("deal_size: 1000", "deal_size: [1", 6, "no valid YAML"),
    (
        "deal_size: 1000",
        "deal_size: 1000\ncurrency: ducats",
        6,
        "unknown currency 'ducats'; allowed",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG)
def test_a_wrong_template_is_refused_with_its_line(
    old: str, new: str, line: int, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(BadTemplate) as error:
        parse_template(GOOD.replace(old, new, 1), "small.yaml")
    assert f"small.yaml, line {line}:" in str(error.value)
    assert said in str(error.value)


def test_how_much_is_asked_of_providers_makes_no_group_old() -> None:
    plain = parse_template(GOOD, "x")
    asking = parse_template(GOOD + "enrichment: deep_research\n", "x")
    assert plain.enrichment is Level.IDENTIFY
    assert asking.enrichment is Level.DEEP_RESEARCH
    # As it was before templates could say it.
    assert asking.hash == plain.hash == "75972582a9ea8535"


def test_a_deal_has_the_currency_of_its_template_and_us_dollars_where_none_is_said() -> None:
    plain = parse_template(GOOD, "x")
    dollars = parse_template(f"{GOOD}currency: usd\n", "x")
    euros = parse_template(f"{GOOD}currency: EUR\n", "x")
    assert (plain.currency, euros.currency) == ("USD", "EUR")
    assert plain.deal_dollars == plain.deal_size == euros.deal_size < euros.deal_dollars
    assert dollars.hash == plain.hash != euros.hash


NEVER = "    never: {titles: [audit], sectors: {bank: [loans]}}\n"


def test_what_is_said_of_a_sector_makes_another_template_and_rules_out_there_only() -> None:
    text = GOOD.replace("vp]}", "vp], not_sectors: [bank]}", 1)
    (maker,) = parse_template(text + NEVER, "x").roles
    assert maker.conditions[0].not_sectors == ("bank",)
    assert maker.ruling_out("bank") == ("audit", "loans")
    assert maker.ruling_out(None) == maker.ruling_out("public") == ("audit",)
    hashes = {parse_template(one, "x").hash for one in (GOOD, text, GOOD + NEVER)}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("old", "new", "said"), [("bank", "banc", "did you mean bank"), ("[loans]", "[]", "empty")]
)
def test_a_wrong_sector_under_never_is_told_with_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(BadTemplate, match="line 14") as error:
        parse_template(GOOD + NEVER.replace(old, new), "x")
    assert said in str(error.value)


def test_the_hash_follows_the_content_not_the_layout() -> None:
    first = parse_template(GOOD, "a.yaml").hash
    assert parse_template("# a note\n" + GOOD, "b.yaml").hash == first
    assert parse_template(GOOD.replace("1000", "2000"), "a.yaml").hash != first


@pytest.mark.parametrize("word", ["gatekeeper", "Gatekeeper", "GATEKEEPER"])
def test_a_gatekeeper_is_a_blocker_and_the_same_template(word: str) -> None:
    blocker = GOOD.replace("1000", "60000") + (
        "  blocker:\n    required: 1\n    any: [{functions: [it]}]\n"
    )
    assert parse_template(blocker.replace("blocker", word), "a.yaml") == parse_template(
        blocker, "b.yaml"
    )


def test_a_role_as_people_read_it_is_that_role() -> None:
    for word in ("Decision Maker", "decision-maker"):
        assert parse_template(GOOD.replace("decision_maker", word), "a.yaml") == parse_template(
            GOOD, "b.yaml"
        )


def test_a_role_by_its_name_and_by_a_synonym_comes_twice() -> None:
    role = "    required: 0\n    any: [{functions: [it]}]\n"
    with pytest.raises(
        BadTemplate, match=r"line 17: role 'blocker' comes twice .'Gatekeeper' is another"
    ):
        parse_template(f"{GOOD}  blocker:\n{role}  Gatekeeper:\n{role}", "a.yaml")


def test_no_other_word_is_taken_for_a_role_and_what_is_allowed_names_no_synonym() -> None:
    with pytest.raises(BadTemplate) as error:
        parse_template(GOOD.replace("decision_maker", "decider"), "a.yaml")
    assert "unknown role 'decider'" in str(error.value)
    with pytest.raises(BadTemplate) as error:
        parse_template(GOOD.replace("decision_maker", "nobody"), "a.yaml")
    assert "allowed: blocker, champion, decision_maker, introducer, stakeholder" in str(error.value)


def test_an_empty_text_is_one_sentence() -> None:
    with pytest.raises(BadTemplate, match="empty"):
        parse_template("", "empty.yaml")
