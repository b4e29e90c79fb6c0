"""The versions of assets follow the settings by which they are made."""

import pytest

from bg_assets.assets import versions
from bg_assets.domain.titles import tail, verdict


def test_people_are_read_by_the_lexicon_alone_where_the_tail_is_turned_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = versions.of_people()
    monkeypatch.setenv("BG_TITLE_TAIL", "off")
    try:
        assert versions.of_people() != now
        assert not tail.in_use()
        monkeypatch.delenv("BG_TITLE_TAIL")
        assert versions.of_people() == now
        assert tail.in_use()
    finally:
        verdict.hear_tail(True)


def test_a_bad_setting_stops_no_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    now = versions.of_people()
    monkeypatch.setenv("BG_TITLE_TAIL", "perhaps")
    assert versions.of_people() == now
