"""Rounds of a watch: what lasts, what is silenced, who can't be reached, who else is looking."""

from pathlib import Path

import sqlalchemy as sa

from bg_assets import process
from bg_assets.alerting import looking, watch
from bg_assets.storage import database
from bg_assets_tests.alerting import servers
from bg_assets_tests.alerting.scenes import Scene, scene, settled_for
from bg_assets_tests.alerting.servers import Web

HERE = process.host()


def migrate(found: Scene) -> None:
    """What restores capture."""
    database.migrate(found.engine.url.render_as_string(hide_password=False))


def test_tables_of_another_version_are_told_though_alerts_stand_in_them(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("schema-mismatch", engine, vendor, tmp_path) as found:
        head = found.bg.value("select version_num from bg.alembic_version")
        found.execute("update bg.alembic_version set version_num = '0005'")
        assert found.until_raised() == [("raised", f"schema-mismatch:{HERE}")]
        found.execute("update bg.alembic_version set version_num = :head", head=head)
        assert found.until_over() == [("over", f"schema-mismatch:{HERE}")]


def test_a_channel_that_is_not_reached_is_told_to_the_others(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with servers.web() as broken, scene("capture-lost", engine, vendor, tmp_path) as found:
        config = settled_for(
            vendor, BG_ALERTS="webhook,slack", BG_ALERTS_SLACK_URL=f"{broken.url}/hidden"
        )
        checks = [one for one in looking.CHECKS if one.name in ("triggers", "database")]
        found.watch = watch.Watch(config, checks)
        broken.answers = [(500, {})] * 20
        found.execute("alter table bg.people disable trigger capture_people_update")
        assert found.pass_by(0) == [("raised", "capture-lost")]
        heard = [one for _ in range(9) for one in found.pass_by(200)]
        assert heard == [("raised", "delivery-failing:slack")]
        (said,) = [one["data"]["said"] for one in vendor.documents if "slack" in one["data"]["key"]]
        assert "it answered 500" in said
        assert "hidden" not in said
        broken.answers = []
        heard = [one for _ in range(9) for one in found.pass_by(200)]
        assert heard == [("over", "delivery-failing:slack")]


def test_an_alert_that_lasts_is_told_again_after_hours_and_its_end_once(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("capture-lost", engine, vendor, tmp_path) as found:
        found.execute("alter table bg.people disable trigger capture_people_update")
        assert found.pass_by(0) == [("raised", "capture-lost")]
        assert found.pass_by(3 * 3600) == []
        assert found.pass_by(3600) == [("again", "capture-lost")]
        migrate(found)
        assert found.until_over() == [("over", "capture-lost")]
        assert found.pass_by(4 * 3600) == []


def test_a_silenced_alert_is_not_told_until_the_silence_ends(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("capture-lost", engine, vendor, tmp_path) as found:
        done = found.bg("alerts", "silence", "capture-lost", "--for", "1h", "--reason", "a load")
        assert done.code == 0
        found.execute("alter table bg.people disable trigger capture_people_update")
        assert found.pass_by(0) == []
        assert found.pass_by(3000) == []
        assert found.pass_by(900) == [("raised", "capture-lost")]


def test_every_check_looks_at_a_system_where_nothing_is_wrong(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("capture-lost", engine, vendor, tmp_path, looking.CHECKS) as found:
        for _ in range(3):
            assert found.pass_by(700) == []
        assert found.bg.rows("select kind, subject from bg.alerts") == []
        beat = found.bg.value("select kind from bg.workers")
    assert beat == "alerts"


def test_no_text_of_an_alert_holds_what_an_error_quotes(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("providers-unasked", engine, vendor, tmp_path) as found:
        found.execute(
            "insert into bg.enrichment_due (company_id, due_at, failures, error) values "
            "('a', now(), 3, 'no answer of https://u:hidden@x.example about ann@hidden.example')"
        )
        assert found.until_raised() == [("raised", "providers-unasked")]
    assert "hidden" not in vendor.requests[0].body.decode()


def test_the_lease_of_the_process_that_tells_is_another_when_it_ends(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("capture-lost", engine, vendor, tmp_path) as found:
        found.execute("alter table bg.people disable trigger capture_people_update")
        other = watch.Watch(settled_for(vendor), [])
        other.round()
        assert found.pass_by(0) == []
        other.end()
        assert found.pass_by(0) == [("raised", "capture-lost")]
        assert other.holder != found.watch.holder
