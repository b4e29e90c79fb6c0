"""docs/alerts.md has a remedy for each alert, and the figures that hold."""

import re
from pathlib import Path

import pytest
import yaml

from bg_assets import settings
from bg_assets.alerting import configured
from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.domain.objectives import TARGETS, WINDOWS
from bg_assets.domain.webhooks import secrets
from bg_assets.health import checks_of_machine, checks_of_service, checks_of_state

PAGE = (settings.PROJECT / "docs" / "alerts.md").read_text(encoding="utf-8")


def test_each_kind_of_alert_has_its_heading_and_each_heading_its_kind() -> None:
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(KINDS)


def test_each_alert_that_a_check_names_is_known() -> None:
    named = set()
    for module in (checks_of_machine, checks_of_service, checks_of_state):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        named |= set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text))
    assert KINDS.keys() - {"check-blind", "delivery-failing"} <= named | {
        f"{objective}-budget" for objective in TARGETS
    }


def test_the_windows_of_the_page_are_those_that_are_looked_at() -> None:
    for one in WINDOWS:
        severity = "critical" if one.urgent else "warning"
        assert re.search(
            rf"^\| {one.name} \| .* \| {one.rate:g} \| .* \| {severity} \|", PAGE, re.M
        )


def test_the_file_of_the_page_makes_its_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    for name, value in (
        ("OPS_SLACK_URL", "https://hooks.slack.com/services/x"), ("PAGERDUTY_KEY", "key"),
        ("SMTP_PASSWORD", "word"), ("DESK_SECRET", secrets.from_random("standard", bytes(32))),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    path = tmp_path / "alerts.yaml"
    path.write_text(found[1])
    made = configured.read(settings.read({"BG_ALERTS_FILE": str(path)}))
    assert made.mistakes == ()
    assert [one.name for one in made.channels] == list(yaml.safe_load(found[1])["channels"])


def test_the_page_names_every_type_of_channel_with_its_fields() -> None:
    for name, (_, fields) in configured._TYPES.items():
        (line,) = re.findall(rf"^\| `{name}` \| (.*)$", PAGE, re.MULTILINE)
        assert all(f"`{one}`" in line for one in fields), name
