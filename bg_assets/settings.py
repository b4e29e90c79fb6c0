"""Every environment variable, once: its name, meaning, unit and default.

Nothing else in the project reads the environment. Nothing here opens a connection.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from bg_assets import variables
from bg_assets.variables import caps as _caps
from bg_assets.variables import dollars as _dollars
from bg_assets.variables import expiry as _expiry
from bg_assets.variables import hosts as _hosts
from bg_assets.variables import kept as _kept
from bg_assets.variables import names as _names
from bg_assets.variables import networks as _networks
from bg_assets.variables import number as _number
from bg_assets.variables import one_of as _one_of
from bg_assets.variables import whole as _whole
from bg_assets.variables import yes as _yes

BadSetting = variables.BadSetting
seconds = variables.seconds


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable, for ``--help`` and the README."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("BG_DATABASE_URL", "embedded", "PostgreSQL 15 or newer that holds schema bg"),
    Variable("BG_DAGSTER_URL", "second database there", "PostgreSQL that holds Dagster's storage"),
    Variable("BG_HOME", ".bg in the project", "folder of all work files"),
    Variable("BG_PRODUCTS", "finance_system", "products, comma-separated"),
    Variable("BG_TEMPLATES", "the shipped ones", "a folder with templates of your own"),
    Variable("BG_HEADERS", "the shipped ones", "a CSV of headers of your own: bg-assets headers"),
    Variable("BG_TITLE_TAIL", "on", "off: titles are read by the lexicon alone"),
    Variable("BG_REFRESH_INTERVAL", "3600", "seconds a refreshed company waits for the next"),
    Variable("BG_SETTLE", "2", "seconds without a further change before a company is taken"),
    Variable("BG_CLAIM_LIMIT", "5000", "companies that one tick takes at most"),
    Variable("BG_CLAIM_PER_MINUTE", "none", "companies that all ticks take in a minute at most"),
    Variable("BG_BATCH_FROM", "5", "due companies from which a tick makes batches"),
    Variable("BG_BATCH_SIZE", "1000", "companies in a batch at most"),
    Variable("BG_MAX_ATTEMPTS", "3", "attempts after which a refresh is dead"),
    Variable("BG_RUN_TIMEOUT", "900", "seconds after which a run is ended and tried again"),
    Variable("BG_REFRESH_WITHOUT_NEWS", "200", "companies a minute refreshed so; 0: none"),
    Variable("BG_OBJECTIVE_LATENCY", "300", "seconds in which a due change is to be in its group"),
    Variable("BG_ALERTS", "none", "who is told of alerts: slack, pagerduty, email and others"),
    Variable("BG_ALERTS_FILE", "none", "the same as a YAML file, see docs/alerts.md"),
    Variable("BG_ALERTS_EVERY", "30", "seconds between two looks for alerts"),
    Variable("BG_ALERTS_REPEAT", "14400", "seconds until an alert that lasts is told again"),
    Variable("BG_ALERTS_QUIET", "none", "when warnings wait: 22:00-07:00 Europe/Berlin"),
    Variable("BG_ALERTS_NAME", "bg_assets", "name of this installation in alerts"),
    Variable("BG_WEB_PORT", "3000", "port of the Dagster UI"),
    Variable("BG_WEB_HOSTS", "none", "names besides localhost under which the UI is reached"),
    Variable("BG_WEB_READ_ONLY", "no", "yes: the UI shows, and launches and changes nothing"),
    Variable("BG_RECEIVER_PORT", "8080", "port of the webhook door"),
    Variable("BG_RECEIVER_BODY_LIMIT", "262144", "bytes that a webhook's body may have"),
    Variable("BG_RECEIVER_URL", "https and the host", "where vendors send to: https://bg.acme.com"),
    Variable("BG_WEBHOOK_FIELDS", "the shipped ones", "a TOML of fields of your CRM"),
    Variable("BG_TRUSTED_PROXIES", "none", "networks whose X-Forwarded-For counts, as CIDR"),
    Variable("BG_ENRICH_EXPIRY", "company=7d,discovery=3d,person=1d", "how long answers are kept"),
    Variable("BG_ENRICH_CAP_DAILY", "none", "US dollars a provider may cost a day: 5, or pdl=5"),
    Variable("BG_ENRICH_CAP_MONTHLY", "none", "the same a month (UTC); without either, nothing"),
    Variable("BG_ENCRYPTION_KEYS", "a file in BG_HOME", "keys of stored payloads, newest first"),
    Variable("BG_PROVIDERS", "none", "who is asked for outside data, in order: pdl, csv, your own"),
    Variable("BG_PDL_KEY", "none", "key of People Data Labs, for the provider pdl"),
    Variable("BG_PDL_URL", "its own", "address of People Data Labs, or of a proxy in front of it"),
    Variable("BG_PDL_PRICE_PERSON", "0.28", "US dollars that it bills for a person found"),
    Variable("BG_PDL_PRICE_COMPANY", "0.10", "US dollars that it bills for a company found"),
    Variable("BG_ENRICH_BUDGET", "1", "US dollars that asking about a company may cost at a time"),
    Variable("BG_ENRICH_CSV", "none", "file of observations, for the provider csv"),
    Variable(
        "BG_KPI_TARGETS", "docs/kpis.md", "other targets of KPIs: queue_depth=50,members=6..10"
    ),
    Variable("BG_RETENTION_KPIS", "90d", "how long the values of KPIs are kept; forever: always"),
    Variable("BG_RETENTION_CHANGES", "90d", "how long handled changes are kept"),
    Variable("BG_RETENTION_REFRESHES", "180d", "how long finished refreshes are kept"),
    Variable("BG_RETENTION_HISTORY", "1095d", "how long it is kept who joined and left groups"),
    Variable("BG_RETENTION_EVENTS", "90d", "how long payloads of webhook events are kept"),
    Variable("BG_RETENTION_OPERATIONS", "90d", "how long expired answers of providers are kept"),
    Variable("BG_RETENTION_RUNS", "30d", "how long Dagster's finished runs are kept"),
    Variable("BG_LOG_FORMAT", "auto", "json, text, or auto: text where a terminal is watched"),
    Variable("BG_LOG_LEVEL", "info", "debug, info, warning or error: what is logged at least"),
    Variable("BG_LOG_BYTES", "10000000", "bytes after which a log file begins anew"),
    Variable("BG_LOG_FILES", "2", "older log files that are kept, of each"),
    Variable("BG_METRICS_PORT", "9464", "port of the metrics for Prometheus"),
    Variable("BG_METRICS_HOST", "127.0.0.1", "address on which these are served"),
    Variable("BG_RETENTION_OUTBOX", "30d", "how long messages to subscribers are kept"),
)

# 32 bytes in URL-safe base64, as Fernet takes them.
FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=")
LOG_FORMATS = ("auto", "json", "text")
LOG_LEVELS = ("debug", "info", "warning", "error")
PDL_URL = "https://api.peopledatalabs.com"
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment, read and checked. Durations are seconds; ``None`` means not set."""

    database_url: str | None
    dagster_url: str | None
    home: Path
    products: tuple[str, ...]
    templates: Path | None
    refresh_interval: float
    settle: float
    claim_limit: int
    claim_per_minute: int | None
    batch_from: int
    batch_size: int
    max_attempts: int
    run_timeout: float
    refresh_without_news: int
    web_port: int
    web_hosts: tuple[str, ...]
    web_read_only: bool
    receiver_port: int
    receiver_body_limit: int
    trusted_proxies: tuple[str, ...]
    encryption_keys: tuple[str, ...] = field(repr=False)
    # What is wrong with these is told where they are used, so that nothing else is stopped by it.
    providers: tuple[str, ...] = ()
    pdl_key: str | None = field(default=None, repr=False)
    pdl_url: str = PDL_URL
    pdl_price_person: Decimal = Decimal("0.28")
    pdl_price_company: Decimal = Decimal("0.10")
    enrich_csv: Path | None = None
    # Seconds by kind of question where set; US dollars by provider, under "" for all others.
    enrich_expiry: tuple[tuple[str, float], ...] = ()
    enrich_cap_daily: tuple[tuple[str, Decimal], ...] = ()
    enrich_cap_monthly: tuple[tuple[str, Decimal], ...] = ()
    enrich_budget: Decimal = Decimal(1)
    # As it was written: what is wrong with it is told where KPIs are measured.
    kpi_targets: str = ""
    # Seconds; None: for ever.
    retention_kpis: float | None = 90 * 86_400.0
    retention_changes: float | None = 90 * 86_400.0
    retention_refreshes: float | None = 180 * 86_400.0
    retention_history: float | None = 1095 * 86_400.0
    retention_events: float | None = 90 * 86_400.0
    retention_operations: float | None = 90 * 86_400.0
    retention_runs: float | None = 30 * 86_400.0
    log_format: str = "auto"
    log_level: str = "info"
    log_bytes: int = 10_000_000
    log_files: int = 2
    metrics_port: int = 9464
    metrics_host: str = "127.0.0.1"
    objective_latency: float = 300.0
    # As they were written, for the same reason; those of single channels by variable.
    alerts: tuple[str, ...] = ()
    alerts_file: Path | None = None
    alerts_every: float = 30.0
    alerts_repeat: float = 14_400.0
    alerts_quiet: str = ""
    alerts_name: str = "bg_assets"
    alerts_variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    retention_outbox: float | None = 30 * 86_400.0
    title_tail: bool = True
    headers: Path | None = None
    receiver_url: str | None = None
    webhook_fields: Path | None = None


def read(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``env`` (the process's environment by default).

    Raises BadSetting, whose message names the variable and what it takes.
    """
    env = os.environ if env is None else env
    products = tuple(
        dict.fromkeys(
            name.strip()
            for name in env.get("BG_PRODUCTS", "finance_system").split(",")
            if name.strip()
        )
    )
    if not products:
        raise BadSetting("BG_PRODUCTS is empty: name at least one product, or unset it")
    return Settings(
        database_url=_url(env, "BG_DATABASE_URL"),
        dagster_url=_url(env, "BG_DAGSTER_URL"),
        home=_folder(env, "BG_HOME", PROJECT / ".bg"),
        products=products,
        templates=Path(env["BG_TEMPLATES"]).absolute() if env.get("BG_TEMPLATES") else None,
        refresh_interval=_number(env, "BG_REFRESH_INTERVAL", 3600, least=0),
        settle=_number(env, "BG_SETTLE", 2, least=0),
        claim_limit=_whole(env, "BG_CLAIM_LIMIT", 5000, least=1),
        claim_per_minute=_claim_per_minute(env),
        batch_from=_whole(env, "BG_BATCH_FROM", 5, least=2),
        batch_size=_whole(env, "BG_BATCH_SIZE", 1000, least=1, most=2000),
        max_attempts=_whole(env, "BG_MAX_ATTEMPTS", 3, least=1),
        run_timeout=_number(env, "BG_RUN_TIMEOUT", 900, least=1),
        refresh_without_news=_whole(env, "BG_REFRESH_WITHOUT_NEWS", 200, least=0, most=10_000),
        web_port=_whole(env, "BG_WEB_PORT", 3000, least=1, most=65535),
        web_hosts=_hosts(env, "BG_WEB_HOSTS"),
        web_read_only=_yes(env, "BG_WEB_READ_ONLY"),
        receiver_port=_whole(env, "BG_RECEIVER_PORT", 8080, least=1, most=65535),
        receiver_body_limit=_whole(
            env, "BG_RECEIVER_BODY_LIMIT", 256 * 1024, least=1024, most=16 << 20
        ),
        receiver_url=_public_url(env, "BG_RECEIVER_URL"),
        webhook_fields=_file(env, "BG_WEBHOOK_FIELDS"),
        trusted_proxies=_networks(env, "BG_TRUSTED_PROXIES"),
        encryption_keys=_keys(env, "BG_ENCRYPTION_KEYS"),
        providers=_names(env, "BG_PROVIDERS"),
        pdl_key=env.get("BG_PDL_KEY", "").strip() or None,
        pdl_url=env.get("BG_PDL_URL", "").strip() or PDL_URL,
        pdl_price_person=_dollars(env, "BG_PDL_PRICE_PERSON", "0.28"),
        pdl_price_company=_dollars(env, "BG_PDL_PRICE_COMPANY", "0.10"),
        enrich_budget=_dollars(env, "BG_ENRICH_BUDGET", "1"),
        enrich_csv=Path(env["BG_ENRICH_CSV"]).absolute() if env.get("BG_ENRICH_CSV") else None,
        enrich_expiry=_expiry(env, "BG_ENRICH_EXPIRY"),
        enrich_cap_daily=_caps(env, "BG_ENRICH_CAP_DAILY"),
        enrich_cap_monthly=_caps(env, "BG_ENRICH_CAP_MONTHLY"),
        kpi_targets=env.get("BG_KPI_TARGETS", "").strip(),
        log_format=_one_of(env, "BG_LOG_FORMAT", LOG_FORMATS, "auto"),
        log_level=_one_of(env, "BG_LOG_LEVEL", LOG_LEVELS, "info"),
        log_bytes=_whole(env, "BG_LOG_BYTES", 10_000_000, least=10_000),
        log_files=_whole(env, "BG_LOG_FILES", 2, least=0, most=1000),
        metrics_port=_whole(env, "BG_METRICS_PORT", 9464, least=1, most=65535),
        metrics_host=env.get("BG_METRICS_HOST", "").strip() or "127.0.0.1",
        headers=Path(env["BG_HEADERS"]).absolute() if env.get("BG_HEADERS") else None,
        title_tail=_one_of(env, "BG_TITLE_TAIL", ("on", "off"), "on") == "on",
        **_of_alerts(env),
        **_of_retention(env),
    )


def _file(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).absolute() if env.get(name) else None


def _public_url(env: Mapping[str, str], name: str) -> str | None:
    told = env.get(name, "").strip().rstrip("/")
    if not told:
        return None
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", told):
        raise BadSetting(f"{name} takes a URL like https://bg.acme.com, without ? and #")
    return told


def _claim_per_minute(env: Mapping[str, str]) -> int | None:
    if not env.get("BG_CLAIM_PER_MINUTE"):
        return None
    return _whole(env, "BG_CLAIM_PER_MINUTE", 0, least=1)


def _of_alerts(env: Mapping[str, str]) -> dict[str, Any]:
    file = env.get("BG_ALERTS_FILE")
    return {
        "objective_latency": _number(env, "BG_OBJECTIVE_LATENCY", 300, least=1),
        "alerts": _names(env, "BG_ALERTS"),
        "alerts_file": Path(file).absolute() if file else None,
        "alerts_every": _number(env, "BG_ALERTS_EVERY", 30, least=1),
        "alerts_repeat": _number(env, "BG_ALERTS_REPEAT", 14_400, least=60),
        "alerts_quiet": env.get("BG_ALERTS_QUIET", "").strip(),
        "alerts_name": env.get("BG_ALERTS_NAME", "").strip() or "bg_assets",
        "alerts_variables": tuple((k, v) for k, v in env.items() if k.startswith("BG_ALERTS_")),
    }


# The least that is kept: what is counted of the last hours, and who left a company within a year.
_RETENTION = {
    "changes": ("90d", "2d"),
    "refreshes": ("180d", "2d"),
    "history": ("1095d", "366d"),
    "events": ("90d", "1d"),
    "operations": ("90d", "1d"),
    "runs": ("30d", "2d"),
    "kpis": ("90d", "1s"),
    "outbox": ("30d", "1s"),
}


def _of_retention(env: Mapping[str, str]) -> dict[str, Any]:
    return {
        f"retention_{name}": _kept(env, f"BG_RETENTION_{name.upper()}", default, least=least)
        for name, (default, least) in _RETENTION.items()
    }


def _length_text(kept: float | None) -> str:
    if kept is None:
        return "forever"
    unit = next(one for one in "dhms" if kept % variables.UNITS[one] == 0)
    return f"{kept / variables.UNITS[unit]:.0f}{unit}"


def referred(name: str) -> str:
    """The value of a variable that a file of ours names, as env:NAME; "" where it is not set."""
    return os.environ.get(name, "").strip()


def shared(config: Settings) -> dict[str, str | None]:
    """The settings that matter to what a command answers, as their variables would hold them.

    None where unset. No secret, no place and no port is among them.
    """
    return {
        "BG_PRODUCTS": ",".join(config.products),
        "BG_TEMPLATES": None if config.templates is None else str(config.templates),
        "BG_REFRESH_INTERVAL": f"{config.refresh_interval:.15g}",
        "BG_SETTLE": f"{config.settle:.15g}",
        "BG_CLAIM_LIMIT": str(config.claim_limit),
        "BG_CLAIM_PER_MINUTE": (
            None if config.claim_per_minute is None else str(config.claim_per_minute)
        ),
        "BG_BATCH_FROM": str(config.batch_from),
        "BG_BATCH_SIZE": str(config.batch_size),
        "BG_MAX_ATTEMPTS": str(config.max_attempts),
        "BG_RUN_TIMEOUT": f"{config.run_timeout:.15g}",
        "BG_REFRESH_WITHOUT_NEWS": str(config.refresh_without_news),
        "BG_ENRICH_CAP_DAILY": _caps_text(config.enrich_cap_daily),
        "BG_ENRICH_CAP_MONTHLY": _caps_text(config.enrich_cap_monthly),
        "BG_KPI_TARGETS": config.kpi_targets or None,
        "BG_TITLE_TAIL": "on" if config.title_tail else "off",
        **{
            f"BG_RETENTION_{name.upper()}": _length_text(getattr(config, f"retention_{name}"))
            for name in _RETENTION
        },
    }


def read_with(others: Mapping[str, str | None]) -> Settings:
    """This process's settings with these variables instead of its own. Raises BadSetting."""
    return read({**os.environ, **{name: value or "" for name, value in others.items()}})


def of_open_telemetry(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of OpenTelemetry that are set, which its library reads by itself."""
    env = os.environ if env is None else env
    return {name: value.strip() for name, value in env.items() if name.startswith("OTEL_")}


def psycopg2_url(url: str) -> str:
    """The URL with the driver named, without which dagster-postgres fails under SQLAlchemy 2.1."""
    _, _, rest = url.partition("://")
    return f"postgresql+psycopg2://{rest}"


def _url(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "").strip()
    if not value:
        return None
    scheme = value.partition("://")[0]
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg2"}:
        # The value may hold a password: the message must not repeat it.
        raise BadSetting(f"{name} must start with postgresql://")
    return psycopg2_url(value)


def _folder(env: Mapping[str, str], name: str, default: Path) -> Path:
    path = Path(env.get(name) or default).absolute()
    if not str(path).isprintable():
        # PostgreSQL's and the supervisor's own files name it, a line each.
        raise BadSetting(f"{name} takes a path of printable characters")
    return path


def _keys(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    keys = [key.strip() for key in env.get(name, "").split(",") if key.strip()]
    for number, key in enumerate(keys, 1):
        if not FERNET_KEY.fullmatch(key):
            # The message must not repeat a key, not even a broken one.
            raise BadSetting(
                f"{name}: key {number} of {len(keys)} is none; `bg-assets keys new` makes one, "
                "and several are separated by commas, newest first"
            )
    return tuple(dict.fromkeys(keys))


def _caps_text(caps: tuple[tuple[str, Decimal], ...]) -> str | None:
    texts = [f"{provider}={amount}" if provider else str(amount) for provider, amount in caps]
    return ",".join(texts) or None
