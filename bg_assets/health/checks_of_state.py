"""The checks of `doctor` that ask the databases: tables, capture, clocks, daemon, work, keys."""

from collections.abc import Iterator

from bg_assets import encryption, process
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.health import knowledge, problems, processes
from bg_assets.health.findings import FAIL, OK, WARN, Finding, NotLooked, Patient
from bg_assets.instance import alive, state
from bg_assets.instance.private import tables
from bg_assets.storage import audit, database, encrypted
from bg_assets.storage.attach import through
from bg_assets.storage.capture import attached, watch
from bg_assets.storage.notifications import listing as subscribers
from bg_assets.storage.reports import counts
from bg_assets.storage.webhooks import dead as webhook_dead

OLDEST_SERVER = 15
# An event may be so many seconds before the receiver's clock; a date passes with the database's.
SKEW_WARN, SKEW_FAIL = 2.0, 300.0
# Of what waits for no interval: settling, a queue and a batch take a minute or two.
LATE_SECONDS = 600.0
BACKUP_ACTION, BACKUP_DAYS = "backup", 8.0
_DAY = 86_400.0


def reachable(patient: Patient) -> Iterator[Finding]:
    """Whether the database answers, and is new enough."""
    try:
        with database.connect(patient.engine()) as conn:
            version = str(conn.exec_driver_sql("show server_version").scalar_one())
            usable = str(conn.exec_driver_sql("show transaction_read_only").scalar_one()) == "off"
    except (NotLooked, DatabaseUnreachable) as err:
        said = str(err).partition("\n")[0]
        todo = "start it, or look at its log and at the disk; all goes on by itself then"
        yield Finding("database", FAIL, said, todo, "database-away", process.host())
        return
    if not usable:
        todo = "point BG_DATABASE_URL at the primary, or end its read-only mode"
        said = "the database takes no writes"
        yield Finding("database", FAIL, said, todo, "database-away", process.host())
    if int(version.partition(".")[0]) < OLDEST_SERVER:
        said = f"PostgreSQL {version} is too old"
        yield Finding("database", FAIL, said, f"use PostgreSQL {OLDEST_SERVER} or newer")
    elif usable:
        yield Finding("database", OK, f"PostgreSQL {version} answers")


def schema(patient: Patient) -> Iterator[Finding]:
    """Whether the tables are those of this code."""
    with database.connect(patient.engine()) as conn:
        try:
            database.check_schema(conn)
        except database.SchemaMismatch as err:
            said, _, todo = str(err).partition(": ")
            yield Finding("schema", FAIL, said, todo, "schema-mismatch", process.host())
        else:
            yield Finding("schema", OK, "the tables are those of this version")


def capture(patient: Patient) -> Iterator[Finding]:
    """Whether the triggers see what is written."""
    with database.connect(patient.engine()) as conn:
        lost = watch.problems(conn)
        found = attached.read(conn).values()
        closed = through.problems(conn)
    tables = [
        f"{one.on_table} ({'read-only' if one.writes is None else 'written to as well'})"
        for one in found
    ]
    for line in lost:
        said, _, todo = line.rpartition(": ")
        yield Finding("triggers", FAIL, said, todo, "capture-lost")
    for line in closed:
        said, _, todo = line.rpartition(": ")
        yield Finding("attached table", WARN, said, todo)
    if not lost:
        where = f", of {' and '.join(tables)}, which are attached" if tables else ""
        said = f"every change of people and companies is captured{where}"
        yield Finding("triggers", OK, said)


def clocks(patient: Patient) -> Iterator[Finding]:
    """Whether this machine and the servers agree on what time it is."""
    with database.connect(patient.engine()) as conn:
        ahead = database.seconds_ahead(conn)
    yield _clock("the database's", ahead)
    other = state.read_storage(database.dagster_url()).ahead_seconds
    if abs(other - ahead) > SKEW_WARN:
        yield _clock("the clock of the server with Dagster's database", other)


def _clock(whose: str, ahead: float) -> Finding:
    level = OK if abs(ahead) < SKEW_WARN else WARN if abs(ahead) < SKEW_FAIL else FAIL
    side = "ahead of" if ahead > 0 else "behind"
    what = whose if whose.startswith("the clock") else f"{whose} clock"
    if level == OK:
        return Finding("clocks", OK, f"{what} and this machine's agree ({abs(ahead):.1f} s)")
    todo = "have both set by NTP: by the one dates pass, by the other events count as too old"
    said = f"{what} is {abs(ahead):.0f} s {side} this machine's"
    return Finding("clocks", level, said, todo, "clock-off", process.host())


def dagster(patient: Patient) -> Iterator[Finding]:
    """Whether Dagster's database is there, of the installed version, and its daemon works."""
    read = state.read(database.dagster_url())
    storage = state.read_storage(database.dagster_url())
    newest = tables.newest_revision()
    if storage.revision is None:
        yield Finding("dagster tables", WARN, "there are none yet", "start `bg-assets up` once")
    elif newest is not None and storage.revision != newest:
        said = f"they are at {storage.revision}, the installed Dagster wants {newest}"
        yield Finding("dagster tables", FAIL, said, "stop everything and start `bg-assets up`")
    else:
        yield Finding("dagster tables", OK, "they are those of the installed Dagster")
    with database.connect(patient.engine()) as conn:
        known = alive.read(conn)
    daemon = processes.daemon(read, known)
    if daemon == "never started":
        yield Finding("daemon", WARN, "it never ran", "start `bg-assets up`")
    yield from (
        Finding("daemon", FAIL, *_halves(line), "daemon-silent")
        for line in problems.of_daemon(daemon)
    )
    if daemon == "running":
        yield from _threads(storage.heartbeats)
    yield from _switched("sensor", {name: on == "running" for name, on in read.sensors.items()})
    yield from _switched("schedule", storage.schedules)
    lost = processes.lost(known)
    yield from (
        Finding(
            "processes", FAIL, *_halves(processes.problem(one)), "process-silent",
            f"{one.process.host} {one.process.kind} {one.process.pid}",
        )
        for one in lost
    )  # fmt: skip
    if not lost:
        number = len(alive.standing(known))
        yield Finding("processes", OK, f"{number} known, none of them silent")


def _threads(heartbeats: dict[str, float]) -> Iterator[Finding]:
    silent = {name: age for name, age in heartbeats.items() if age > state.SILENT_SECONDS}
    for name, age in silent.items():
        said = f"its thread {name} has given no sign for {age:.0f} s"
        todo = "if that lasts, end the daemon's process: it is started again; see daemon.log"
        yield Finding("daemon", WARN, said, todo, "daemon-silent")
    if not silent:
        yield Finding("daemon", OK, f"it runs: {len(heartbeats)} heartbeats, none too old")


def _switched(what: str, known: dict[str, bool]) -> Iterator[Finding]:
    off = [name for name, on in known.items() if not on]
    if off:
        said = f"switched off: {', '.join(off)}"
        todo = "switch on in the UI, under Automation"
        yield Finding(f"{what}s", WARN, said, todo, "switched-off", f"{what}s")
    elif known:
        yield Finding(f"{what}s", OK, f"{len(known)} are on")


def work(patient: Patient) -> Iterator[Finding]:
    """Whether changes become groups in time, and nothing is stuck or given up."""
    config = patient.config
    with database.connect(patient.engine()) as conn:
        found = counts.read_overview(conn, config.refresh_interval)
        wrong = problems.of_runs(conn, config)
        _, lost = webhook_dead.counts(conn)
        templates = knowledge.read(conn, config)
    oldest = found.oldest_pending_seconds
    limit = LATE_SECONDS + (config.refresh_interval if found.deferred else 0.0)
    if oldest is not None and oldest > limit:
        said = f"the oldest pending change is {oldest / 60:.0f} min old"
        todo = "see the findings on the daemon and on runs; `bg-assets status` has the counts"
        yield Finding("pending", WARN, said, todo, "pending-late", severity="critical")
    else:
        age = "nothing is pending" if oldest is None else f"the oldest change is {oldest:.0f} s old"
        yield Finding("pending", OK, age)
    yield from (Finding("runs", FAIL, *_halves(line), "runs-hang") for line in wrong)
    if not wrong:
        yield Finding("runs", OK, "none hangs, none waits for what is away")
    yield from _given_up(found, lost)
    for one in templates["mistakes"]:
        todo = "mend the file: the last good template stays in force meanwhile"
        yield Finding("templates", FAIL, one["mistake"], todo, "template-broken")


def _given_up(found: counts.Overview, events: int) -> Iterator[Finding]:
    see_dead = "see `bg-assets dead`, then `bg-assets requeue COMPANY`, or `discard`"
    dead = "companies whose refresh is dead", see_dead
    see_lost = "see `bg-assets dead --kind event`, then `requeue` or `discard`"
    lost = "dead webhook events", see_lost
    see = "see `bg-assets dead --cancelled`, then `bg-assets refresh COMPANY`"
    ended = "companies whose refresh was cancelled", see
    for number, (what, todo), alert in (
        (found.dead, dead, "refreshes-dead"),
        (events, lost, "events-dead"),
        (found.cancelled, ended, ""),
    ):
        if number:
            yield Finding("given up", WARN, f"{what}: {number}", todo, alert)
    if not (found.dead or events or found.cancelled):
        yield Finding("given up", OK, "no refresh and no event")


def notifications(patient: Patient) -> Iterator[Finding]:
    """Whether those who subscribed get their messages."""
    with database.connect(patient.engine()) as conn:
        wrong = list(subscribers.problems(conn))
        told = subscribers.overview(conn)
    yield from (
        Finding("notifications", FAIL, *_halves(line), "subscribers-untold") for line in wrong
    )
    if told["dead"]:
        todo = "see `bg-assets subscriptions deliveries ID --status dead`, then `replay`"
        yield Finding("notifications", WARN, f"dead messages: {told['dead']}", todo)
    elif not wrong:
        active = told["subscriptions"]["active"]
        said = f"{active} subscriptions, {told['pending']} messages wait"
        yield Finding(
            "notifications", OK, said if active else "no subscription is active: nothing is sent"
        )


def keys(patient: Patient) -> Iterator[Finding]:
    """Whether the keys are there and open all that is stored."""
    config = patient.config
    with database.connect(patient.engine()) as conn:
        needed = encrypted.anything(conn)
        file = config.home / encryption.FILE
        if not needed and not config.encryption_keys and not file.exists():
            yield Finding("keys", OK, "nothing is encrypted yet")
            return
        if needed and not config.encryption_keys and not config.database_url and not file.exists():
            said = f"{file} is gone, and secrets or events are stored"
            yield _no_key(said, "restore it from a backup")
            return
        try:
            opened = encryption.load(config)
            secrets, payloads = encrypted.unreadable(conn, opened)
        except encryption.KeysUnusable as err:
            yield _no_key(*_halves(str(err)))
            return
    if secrets or payloads:
        said = f"no key here opens {secrets} secrets and {payloads} events"
        yield _no_key(said, "put the older keys back, behind the newest")
    else:
        yield Finding("keys", OK, "they open all that is stored")


def backups(patient: Patient) -> Iterator[Finding]:
    """How old the last backup is, as far as `bg-assets backup` made it."""
    with database.connect(patient.engine()) as conn:
        seconds = audit.seconds_since(conn, BACKUP_ACTION)
    if seconds is None:
        yield Finding("backups", OK, "none is known that `bg-assets backup` made")
    elif seconds > BACKUP_DAYS * _DAY:
        said = f"the last one is {seconds / _DAY:.0f} days old"
        todo = "`bg-assets backup FILE`, every day or week"
        yield Finding("backups", WARN, said, todo, "backup-old")
    else:
        yield Finding("backups", OK, f"the last one is {seconds / 3600:.0f} h old")


def _no_key(said: str, todo: str) -> Finding:
    return Finding("keys", FAIL, said, todo, "keys-unusable", process.host())


def _halves(line: str) -> tuple[str, str]:
    """What is said, and what to do, of a line that says both."""
    for sign in ("; ", ": "):
        said, found, todo = line.partition(sign)
        if found:
            return said, todo
    return line, ""
