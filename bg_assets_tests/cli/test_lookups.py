"""Who types a command."""

import os
import pwd

import pytest

from bg_assets.cli import lookups


def test_who_types_is_told_by_their_name() -> None:
    assert lookups.who_types() == pwd.getpwuid(os.getuid()).pw_name


def test_who_types_is_told_by_their_number_where_the_computer_knows_no_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert lookups.who_types() == "uid 3999999999"
