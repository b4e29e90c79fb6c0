"""Each alert is raised by its real cause and over once that is mended, as a webhook hears it."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bg_assets import encryption, process
from bg_assets.alerting import looking, watch
from bg_assets.domain.alerts.kinds import DELIVERY_FAILING, KINDS
from bg_assets.domain.enrichment.admission import Breaker
from bg_assets.health import checks_of_service
from bg_assets.local import disk
from bg_assets.storage import audit, cancelling, claims, database, refreshes, workers
from bg_assets.storage.operations import bill, health
from bg_assets.storage.webhooks import applying
from bg_assets_tests.alerting.scenes import Scene, scene
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.cli import refreshing
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, locked

HERE = process.host()
# These need more than this: a server, Dagster's tables, a second channel.
ELSEWHERE = {"database-away", "daemon-silent", "switched-off", "runs-failing", "schema-mismatch"}

# One of each way to see and to mend; with all of them this takes a while.
QUICK = {"capture-lost", "refreshes-dead", "latency-budget", "disk-full", "secret-ends"}

Do = Callable[[Scene], object]


@dataclass(frozen=True)
class Cause:
    """What is done to break and to mend something, and which key the alert has then."""

    key: str
    breaks: Do
    mends: Do


def sql(statement: str) -> Do:
    return lambda found: found.execute(statement)


def _migrate(found: Scene) -> None:
    database.migrate(found.engine.url.render_as_string(hide_password=False))


def _silent(found: Scene) -> None:
    beat = workers.Beat("elsewhere", 7, "then", "receiver", 500, 1, silent=200)
    with found.engine.begin() as conn:
        workers.beat(conn, [beat])


def _beats(found: Scene) -> None:
    with found.engine.begin() as conn:
        workers.beat(conn, [workers.Beat("elsewhere", 7, "then", "receiver", 500, 1)])


def _waits(found: Scene) -> None:
    found.bg.companies("a")
    found.execute("update bg.changes set occurred_at = occurred_at - interval '11 minutes'")


def _refreshed(found: Scene) -> None:
    refreshing.refresh_what_is_due(found.bg)


def _hangs(found: Scene) -> None:
    found.bg.companies("a")
    refreshing.take(found.bg, "a")
    found.execute("update bg.buyer_group_refresh_log set started_at = now() - interval '11 min'")


def _cancelled(found: Scene) -> None:
    with found.engine.begin() as conn:
        pairs = [(one.id, one.attempt) for one in cancelling.of_companies(conn, ["a"])]
        assert cancelling.cancel(conn, pairs, "by hand", claims.database_now(conn)) == ["a"]


def _fail(found: Scene, times: int, most: int) -> None:
    """Let attempts at a company's refresh fail."""
    found.bg.companies("a")
    for _ in range(times):
        with found.engine.begin() as conn:
            now = claims.database_now(conn)
            policy = claims.Policy(settle=0, refresh_interval=0, claim_limit=9)
            claims.claim(conn, policy, "s", now)
            asked = claims.ask(conn, policy, "s", now)
            assert asked
            pairs = [(one.refresh_id, one.attempt) for one in asked if one.refresh_id is not None]
            refreshes.release(conn, pairs, "it broke", now, most)


def _dies(found: Scene) -> None:
    _fail(found, 1, 1)


def _discarded(found: Scene) -> None:
    assert found.bg("discard", "a", "--reason", "why").code == 0


def _event_dies(found: Scene) -> None:
    told.source(found.engine)
    key = found.watch.config.encryption_keys[0]
    content = told.body("e", at(0), "person.role_change", "nobody", "nowhere")
    told.event(
        found.engine, "person.role_change", "nobody", "nowhere",
        payload=Fernet(key).encrypt(content),
    )  # fmt: skip
    applying.apply_pending(found.engine, encryption.Keys((key,)).decrypt)


def _event_discarded(found: Scene) -> None:
    assert found.bg("discard", "--all", "--kind", "event", "--reason", "why").code == 0


def _template(text: str) -> Do:
    def write(found: Scene) -> None:
        folder = found.bg.folder / "templates"
        folder.mkdir(exist_ok=True)
        (folder / "mine.yaml").write_text(text)
        found.set(templates=folder if text else None)
        if not text:
            (folder / "mine.yaml").unlink()

    return write


def _late(found: Scene) -> None:
    """Twelve changes of a company with a group wait for longer than was promised."""
    found.bg.companies("a")
    refreshing.refresh_what_is_due(found.bg)
    found.execute("update bg.buyer_group_refresh_log set finished_at = now() - interval '2 days'")
    found.execute(
        "insert into bg.people (id, company_id, title) "
        "select 'p' || n, 'a', 'CFO' from generate_series(1, 12) as n"
    )
    found.execute(
        "update bg.changes set occurred_at = now() - interval '20 minutes' where handled_at is null"
    )


def _caught_up_and_days_pass(found: Scene) -> None:
    refreshing.refresh_what_is_due(found.bg)
    found.pass_by(60)
    found.execute("update bg.objective_minutes set minute = minute - interval '4 days'")


def _attempts_fail(found: Scene) -> None:
    found.execute("update bg.objective_watch set counted_to = now() - interval '1 minute'")
    _fail(found, 1, 99)
    found.execute(
        "insert into bg.refresh_attempts (refresh_id, attempt, ended_at, error) "
        "select refresh_id, n, ended_at, error from bg.refresh_attempts, generate_series(2, 12) n"
    )


def _days_pass(found: Scene) -> None:
    found.execute("update bg.objective_minutes set minute = minute - interval '4 days'")


def _breaker(breaker: Breaker, hours: float | None = None) -> Do:
    def keep(found: Scene) -> None:
        with found.engine.begin() as conn:
            before = health.locked(conn, "pdl")
            now = claims.database_now(conn)
            health.keep_error(conn, "pdl", "it answers 503", now)
            after = breaker if hours is None else Breaker(breaker.failures, now)
            health.keep_breaker(conn, "pdl", before, after, None)

    return keep


def _costs(found: Scene) -> None:
    found.set(enrich_cap_daily=(("pdl", Decimal(10)),))
    with found.engine.begin() as conn:
        health.locked(conn, "pdl")
        day = bill.day_of(claims.database_now(conn))
        bill.add(conn, "pdl", "person", day, bill.Entry(found=1, cost=Decimal("8.2")))
    found.stack.enter_context(_caps("pdl=10"))


@contextlib.contextmanager
def _caps(text: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BG_ENRICH_CAP_DAILY", text)
        yield


def _unasked(found: Scene) -> None:
    found.execute(
        "insert into bg.enrichment_due (company_id, due_at, failures, error) "
        "values ('a', now(), 3, 'it answers 503')"
    )


def _rotated(found: Scene) -> None:
    assert found.bg("webhook", "add-source", "crm", "--scheme", "standard").code == 0
    assert found.bg("webhook", "rotate", "crm", "--keep", "2h").code == 0


def _refused(found: Scene) -> None:
    with found.engine.begin() as conn:
        detail = {"kind": "wrong-signature"}
        audit.record(conn, "receiver", audit.REFUSED, "crm", 19, detail)
        audit.record(conn, "receiver", audit.REFUSED, "crm", 1, {"kind": "no-signature"})
        audit.record(conn, "receiver", audit.REFUSED, "other", 19, detail)


def _time_passes(found: Scene) -> None:
    patch = found.stack.enter_context(pytest.MonkeyPatch.context())
    patch.setattr(checks_of_service, "WRONG_SECONDS", 0.0)


def _key_is_lost(found: Scene) -> None:
    assert found.bg("webhook", "add-source", "crm", "--scheme", "standard").code == 0
    found.kept["keys"] = found.watch.config.encryption_keys
    found.set(encryption_keys=(encryption.new_key(),))


def _key_is_back(found: Scene) -> None:
    found.set(encryption_keys=(*found.watch.config.encryption_keys, *found.kept["keys"]))


def _limit(name: str) -> Do:
    def raise_it(found: Scene) -> None:
        patch = found.stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(disk, name, 1 << 60)
        found.kept["patch"] = patch

    return raise_it


def _unlimited(found: Scene) -> None:
    found.kept["patch"].undo()


def _clock(found: Scene) -> None:
    patch = found.stack.enter_context(pytest.MonkeyPatch.context())
    patch.setattr(database, "seconds_ahead", lambda conn: 100.0)
    found.kept["patch"] = patch


def _locks(found: Scene) -> None:
    patch = found.stack.enter_context(pytest.MonkeyPatch.context())
    patch.setattr(watch, "PATIENCE_SECONDS", 0.2)
    found.kept["lock"] = contextlib.ExitStack()
    found.kept["lock"].enter_context(locked(found.engine, "bg.webhook_sources"))


def _unlocks(found: Scene) -> None:
    found.kept["lock"].close()


def backed_up(ago: str) -> Do:
    return sql(
        "insert into bg.audit_log (actor, action, at) "
        f"values ('ann', 'backup', now() - interval '{ago}')"
    )


CAUSES = {
    "capture-lost": Cause(
        "capture-lost", sql("alter table bg.people disable trigger capture_people_update"), _migrate
    ),
    "process-silent": Cause("process-silent:elsewhere receiver 7", _silent, _beats),
    "pending-late": Cause("pending-late", _waits, _refreshed),
    "runs-hang": Cause("runs-hang", _hangs, _cancelled),
    "refreshes-dead": Cause("refreshes-dead", _dies, _discarded),
    "events-dead": Cause("events-dead", _event_dies, _event_discarded),
    "template-broken": Cause("template-broken", _template("roles: ["), _template("")),
    "latency-budget": Cause("latency-budget:1 h", _late, _caught_up_and_days_pass),
    "success-budget": Cause("success-budget:1 h", _attempts_fail, _days_pass),
    "provider-down": Cause("provider-down:pdl", _breaker(Breaker(5), 0), _breaker(Breaker())),
    "cost-cap-near": Cause(
        "cost-cap-near:pdl day", _costs, sql("update bg.provider_costs set day = day - 40")
    ),
    "providers-unasked": Cause(
        "providers-unasked", _unasked, sql("update bg.enrichment_due set failures = 0")
    ),
    "subscriptions-failing": Cause(
        "subscriptions-failing",
        sql(
            "insert into bg.subscriptions (url, workspace, status, status_reason) "
            "values ('https://example.com/in', 'default', 'failed', 'it answered 410')"
        ),
        sql("update bg.subscriptions set status = 'active'"),
    ),
    "secret-ends": Cause(
        "secret-ends:crm",
        _rotated,
        sql("update bg.webhook_secrets set revoked_at = now() where expires_at is not null"),
    ),
    "signatures-wrong": Cause("signatures-wrong:crm", _refused, _time_passes),
    "keys-unusable": Cause(f"keys-unusable:{HERE}", _key_is_lost, _key_is_back),
    "clock-off": Cause(f"clock-off:{HERE}", _clock, _unlimited),
    "disk-full": Cause(f"disk-full:{HERE}", _limit("FULL_BYTES"), _unlimited),
    "disk-low": Cause(f"disk-low:{HERE}", _limit("LOW_BYTES"), _unlimited),
    "backup-old": Cause("backup-old", backed_up("20 days"), backed_up("1 s")),
    "check-blind": Cause(f"check-blind:{HERE} secrets", _locks, _unlocks),
}


def test_every_kind_of_alert_has_its_cause_here() -> None:
    assert CAUSES.keys() | ELSEWHERE | {DELIVERY_FAILING} == KINDS.keys()


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in CAUSES]
)
def test_an_alert_is_raised_by_its_cause_and_over_once_that_is_mended(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path, kind: str
) -> None:
    cause = CAUSES[kind]
    checks = None
    if kind == "check-blind":
        checks = [one for one in looking.CHECKS if one.name in ("secrets", "database")]
    with scene(kind, engine, vendor, tmp_path, checks) as found:
        assert found.pass_by(0) == []
        cause.breaks(found)
        raised = found.until_raised()
        assert ("raised", cause.key) in raised
        assert found.pass_by(30) == []
        cause.mends(found)
        over = found.until_over()
        assert ("over", cause.key) in over
        assert {key for _, key in raised} == {key for _, key in over}
        assert len(raised) == len(over)
        assert found.pass_by(30) == []
    for one in vendor.documents:
        assert one["data"]["remedy"] == f"docs/alerts.md#{one['data']['kind']}"
