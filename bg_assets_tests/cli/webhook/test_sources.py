"""Commands of the webhook door: who may send, and what could not be applied."""

import base64
import os
from pathlib import Path

import pytest

from bg_assets.domain.webhooks import secrets
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.dying import dead_event

GIVEN = "a secret that we were given"


def secrets_of(bg: Command, name: str) -> list[tuple[bool, bool]]:
    """Of each secret of a source, newest first, whether it is valid and whether it has an end."""
    (found,) = [one for one in bg.json("webhook", "list")["sources"] if one["id"] == name]
    return [(one["valid"], one["expires_at"] is not None) for one in found["secrets"]]


@pytest.mark.parametrize("scheme", secrets.SCHEMES)
def test_a_source_is_added_with_a_secret_that_is_shown_this_once(bg: Command, scheme: str) -> None:
    made = bg.json("webhook", "add-source", "crm", "--scheme", scheme)
    assert list(made) == ["source", "scheme", "secret", "expires_at"]
    assert (made["source"], made["scheme"], made["expires_at"]) == ("crm", scheme, None)
    key = secrets.key_of(made["scheme"], made["secret"])
    assert key is not None
    if scheme == "standard":
        assert made["secret"] == "whsec_" + base64.b64encode(key).decode()
        assert len(key) == 32
    for arguments in (("list",), ("list", "--json")):
        assert made["secret"] not in bg("webhook", *arguments).out
    assert secrets_of(bg, "crm") == [(True, False)]


def test_without_json_standard_output_is_the_secret_alone(bg: Command) -> None:
    done = bg("webhook", "add-source", "crm", "--scheme", "plain")
    assert secrets.key_of("plain", done.out.removesuffix("\n"))
    assert done.err.splitlines() == [
        "source crm (plain) added",
        "its secret, which is not shown again:",
    ]


def test_a_given_secret_is_taken_from_the_command_line_or_from_standard_input(bg: Command) -> None:
    arguments = ("--scheme", "plain", "--secret")
    assert bg.json("webhook", "add-source", "a", *arguments, GIVEN)["secret"] == GIVEN
    done = bg("webhook", "add-source", "b", *arguments, "-", "--json", stdin=f"{GIVEN}\n")
    assert f'"secret": "{GIVEN}"' in done.out
    done = bg("webhook", "add-source", "c", *arguments, GIVEN)
    assert (done.out, done.err) == ("", "source c (plain) added\n")


@pytest.mark.parametrize(
    ("scheme", "secret"),
    [
        ("plain", "x" * 23),
        ("plain", "x" * 65),
        ("plain", "ä" * 33),
        ("plain", " " + "x" * 30),
        ("plain", "x" * 20 + "\n" + "x" * 20),
        ("standard", "whsec_" + base64.b64encode(b"x" * 23).decode()),
        ("standard", "whsec_" + base64.b64encode(b"x" * 65).decode()),
        ("standard", "whsec_" + "x" * 41),
        ("standard", "whsec_" + "x-_x" * 10),
        ("standard", ""),
    ],
)
def test_what_is_no_secret_is_refused_without_repeating_it(
    bg: Command, scheme: str, secret: str
) -> None:
    done = bg("webhook", "add-source", "crm", "--scheme", scheme, "--secret", secret)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --secret takes")
    assert not secret or secret not in done.err
    assert bg.json("webhook", "list") == {"sources": []}


@pytest.mark.parametrize("length", [24, 64])
def test_secrets_of_24_and_of_64_bytes_are_secrets(bg: Command, length: int) -> None:
    standard = "whsec_" + base64.b64encode(b"\xff" * length).decode()
    for scheme, secret in (("plain", "x" * length), ("standard", standard)):
        made = bg.json("webhook", "add-source", scheme, "--scheme", scheme, "--secret", secret)
        assert made["secret"] == secret


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("person-change", "--scheme", "plain"), "a path of the door's own"),
        (("CRM", "--scheme", "plain"), "a source's name is"),
        (("a/b", "--scheme", "plain"), "a source's name is"),
        (("x" * 64, "--scheme", "plain"), "a source's name is"),
        (("crm", "--scheme", "plain", "--allow", "10.0.0.1/8"), "like 10.0.0.0/8,"),
        (("crm", "--scheme", "plain", "--allow", "home"), "not 'home'"),
        (("crm", "--scheme", "plain", "--per-second", "0"), "--per-second takes"),
        (("crm", "--scheme", "plain", "--per-second", "nan"), "--per-second takes"),
        (("crm", "--scheme", "plain", "--workspace", " "), "--workspace takes"),
    ],
)
def test_what_a_source_can_not_be_is_one_line_and_2(
    bg: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = bg("webhook", "add-source", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert bg.value("select count(*) from bg.webhook_sources") == 0


def test_a_source_of_a_vendor_says_where_to_send_and_wants_the_vendors_secret(bg: Command) -> None:
    lacking = bg("webhook", "add-source", "hub", "--scheme", "hubspot")
    assert (lacking.code, lacking.out) == (2, "")
    assert "client secret" in lacking.err
    done = bg("webhook", "add-source", "hub", "--scheme", "hubspot", "--secret", "s" * 36)
    assert (done.code, done.out) == (0, "")
    assert "/webhooks/hub;" in done.err
    assert "s" * 36 not in done.err
    made = bg("webhook", "add-source", "pipe", "--scheme", "pipedrive")
    assert made.out.startswith("bg-assets:")
    made = bg("webhook", "add-source", "sf", "--scheme", "salesforce")
    assert "/webhooks/sf?token=SECRET" in made.err
    assert made.out.strip() not in made.err
    listed = bg.json("webhook", "list")["sources"]
    assert [one["scheme"] for one in listed] == ["hubspot", "pipedrive", "salesforce"]
    rotated = bg("webhook", "rotate", "hub")
    assert (rotated.code, "client secret" in rotated.err) == (2, True)


def test_what_vendors_send_is_not_signed_by_hand(bg: Command, tmp_path: Path) -> None:
    bg("webhook", "add-source", "pipe", "--scheme", "pipedrive")
    (tmp_path / "event.json").write_text('{"id": "1"}')
    done = bg("webhook", "send", str(tmp_path / "event.json"), "--source", "pipe")
    assert (done.code, done.out) == (2, "")
    assert "what pipedrive sends" in done.err


def test_what_is_read_of_vendors_is_told_with_the_fields_of_ones_own(
    bg: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "fields.toml"
    own.write_text('[hubspot]\nour_title = "title"\n')
    monkeypatch.setenv("BG_WEBHOOK_FIELDS", str(own))
    found = {one["vendor"]: one for one in bg.json("webhook", "vendors")["vendors"]}
    assert list(found) == ["hubspot", "pipedrive", "salesforce"]
    assert next(iter(found["hubspot"]["fields"].items())) == ("our_title", "title")
    shown = bg("webhook", "vendors", "hubspot").out
    assert "contact.privacyDeletion" in shown
    assert "change.person" not in shown
    own.write_text('[hubspot]\nour_title = "shoe"\n')
    done = bg("webhook", "vendors")
    assert (done.code, done.out) == (2, "")
    assert str(own) in done.err


def test_what_a_source_may_is_in_the_list(bg: Command) -> None:
    bg("webhook", "add-source", "plainly", "--scheme", "plain")
    wide = ("--workspace", "north", "--may-create", "--allow", "10.0.0.0/8", "--allow", "::1")
    bg("webhook", "add-source", "vendor", "--scheme", "standard", *wide, "--per-second", "2.5")
    plainly, vendor = bg.json("webhook", "list")["sources"]
    assert (plainly["per_second"], plainly["burst"], plainly["networks"]) == (500, 2000, [])
    assert (vendor["workspace"], vendor["may_create"]) == ("north", True)
    assert vendor["networks"] == ["10.0.0.0/8", "::1/128"]
    assert (vendor["per_second"], vendor["burst"]) == (2.5, 10)
    assert "10.0.0.0/8" in bg("webhook", "list").out


def test_a_rotated_secret_stays_valid_for_a_day_unless_told_otherwise(bg: Command) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    made = bg.json("webhook", "rotate", "crm")
    assert list(made) == ["source", "scheme", "secret", "expires_at"]
    assert (made["scheme"], made["expires_at"]) == ("plain", None)
    assert secrets_of(bg, "crm") == [(True, False), (True, True)]
    hours = "select extract(epoch from max(expires_at) - now())::float / 3600 from"
    assert 23.9 < bg.value(f"{hours} bg.webhook_secrets") <= 24
    assert bg("webhook", "rotate", "crm", "--keep", "90m").code == 0
    assert 1.4 < bg.value(f"{hours} bg.webhook_secrets") <= 1.5
    assert bg("webhook", "rotate", "crm", "--keep", "0").code == 0
    assert secrets_of(bg, "crm") == [(True, False), *[(False, True)] * 3]


@pytest.mark.parametrize("keep", ["soon", "-1h", "1.5h", "9999d", "999999999d", ""])
def test_a_duration_that_is_none_is_refused(bg: Command, keep: str) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    done = bg("webhook", "rotate", "crm", "--keep", keep)
    assert (done.code, "24h" in done.err) == (2, True)
    assert secrets_of(bg, "crm") == [(True, False)]


def test_a_source_that_nobody_knows_ends_with_2_and_near_matches(bg: Command) -> None:
    assert "there is none" in bg("webhook", "rotate", "crm").err
    bg("webhook", "add-source", "salesforce", "--scheme", "plain")
    for command in ("rotate", "revoke"):
        done = bg("webhook", command, "salesfroce")
        assert (done.code, done.out) == (2, "")
        assert "no source salesfroce; did you mean salesforce?" in done.err


def test_a_revoked_source_can_be_added_again_and_only_its_new_secret_counts(bg: Command) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    again = bg("webhook", "add-source", "crm", "--scheme", "plain")
    assert (again.code, "webhook rotate crm" in again.err) == (2, True)
    revoked = bg.json("webhook", "revoke", "crm")
    assert (revoked["source"], revoked["revoked"], len(revoked["secret_ids"])) == ("crm", True, 1)
    assert bg("webhook", "revoke", "crm").code == 2
    assert secrets_of(bg, "crm") == [(False, False)]
    again = bg("webhook", "add-source", "crm", "--scheme", "standard")
    assert "is back" in again.err
    assert secrets_of(bg, "crm") == [(True, False), (False, False)]


def test_one_secret_can_be_revoked(bg: Command) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    bg("webhook", "rotate", "crm")
    newest, oldest = (one["id"] for one in bg.json("webhook", "list")["sources"][0]["secrets"])
    assert bg("webhook", "revoke", "crm", "--secret-id", oldest).code == 0
    assert secrets_of(bg, "crm") == [(True, False), (False, True)]
    done = bg("webhook", "revoke", "crm", "--secret-id", oldest)
    assert (done.code, done.err) == (2, f"error: no secret {oldest} of crm; it has {newest}\n")


def test_no_secret_is_in_the_database_and_every_change_is_audited_by_name(bg: Command) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain", "--secret", GIVEN)
    bg("webhook", "rotate", "crm", "--secret", GIVEN + " later")
    bg("webhook", "revoke", "crm")
    log = bg.rows("select actor, action, subject, detail::text from bg.audit_log order by id")
    assert [row[1].rpartition(".")[2] for row in log] == ["added", "rotated", "revoked"]
    assert all(row[0] and row[2] == "crm" for row in log)
    assert GIVEN not in str(log)
    assert GIVEN not in str(bg.rows("select convert_from(secret, 'utf8') from bg.webhook_secrets"))


def test_without_keys_no_source_is_added(bg: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BG_ENCRYPTION_KEYS")
    done = bg("webhook", "add-source", "crm", "--scheme", "plain")
    assert (done.code, done.out) == (2, "")
    assert "`bg-assets keys new`" in done.err
    assert bg.value("select count(*) from bg.webhook_sources") == 0


def test_the_list_tells_which_secrets_no_key_opens(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    before = os.environ["BG_ENCRYPTION_KEYS"]
    for value, readable in ((before, True), (bg("keys", "new").out.strip(), False), ("", False)):
        monkeypatch.setenv("BG_ENCRYPTION_KEYS", value)
        (source,) = bg.json("webhook", "list")["sources"]
        assert [one["readable"] for one in source["secrets"]] == [readable]
        listed = bg("webhook", "list")
        assert ("no key" in listed.out) is not readable
        assert ("BG_ENCRYPTION_KEYS is not set" in listed.err) is (value == "")


def test_dead_events_are_listed_with_their_reason_and_nothing_of_their_payload(
    bg: Command,
) -> None:
    assert bg("webhook", "dead").out == "no dead event\n"
    dead_event(bg, "e-1")
    dead_event(bg, "e-2", "vendor")
    found = bg.json("webhook", "dead")["events"]
    assert [one["id"] for one in found] == ["e-2", "e-1"]
    assert set(found[0]) == {
        *("id", "source", "type", "company", "person"),
        *("occurred_at", "received_at", "reason", "history"),
    }
    assert found[0]["reason"] == "nobody knows person p-9"
    assert [one["id"] for one in bg.json("webhook", "dead", "--source", "crm")["events"]] == ["e-1"]
    limited = bg("webhook", "dead", "--limit", 1)
    assert "e-2" in limited.out
    assert "1 of 2; --limit shows more" in limited.err
    assert bg.json("status")["webhooks"] == {"pending": 0, "dead": 2, "differing": 0}
    assert "bg-assets webhook dead" in bg("status").out


def test_dead_events_become_pending_again_by_name_by_source_or_all(bg: Command) -> None:
    for number in range(4):
        dead_event(bg, f"e-{number}", "vendor" if number == 3 else "crm")
    assert bg("webhook", "replay").code == 2
    assert bg("webhook", "replay", "e-1", "--all").code == 2
    done = bg("webhook", "replay", "e-1", "e-9")
    assert (done.code, done.err.startswith("error: no dead event e-9; did you mean")) == (2, True)
    assert bg.json("webhook", "replay", "e-1") == {"replayed": 1}
    assert bg.json("webhook", "replay", "--all", "--source", "vendor") == {"replayed": 1}
    assert bg.json("status")["webhooks"] == {"pending": 2, "dead": 2, "differing": 0}
    assert bg("webhook", "replay", "--all").out.startswith("2 events are pending again")
    assert bg.json("status")["webhooks"] == {"pending": 4, "dead": 0, "differing": 0}
    log = bg.rows("select subject, count from bg.audit_log order by id")
    assert log == [("crm", 1), ("vendor", 1), ("crm", 2)]
