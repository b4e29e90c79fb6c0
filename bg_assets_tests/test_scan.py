"""The scan finds what is planted, says where, and finds nothing where nothing is."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets.encryption import new_key
from bg_assets_tests import scan
from bg_assets_tests.conftest import Cluster, temporary_folder
from bg_assets_tests.instance.conftest import write_config


@pytest.fixture
def people(engine: sa.Engine) -> sa.Engine:
    """A company with one person of a name that nobody else has."""
    with engine.begin() as conn:
        conn.execute(sa.text("insert into bg.companies (id, name) values ('c', 'Acme Ltd')"))
        conn.execute(
            sa.text(
                "insert into bg.people (id, company_id, name, email, title) "
                "values ('p-1', 'c', 'Zoë Van Planted', 'zoe.planted@acme.example', 'CFO')"
            )
        )
    return engine


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of which nothing is left for the scan at the end."""
    made = temporary_folder("bg-scan-")
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "the log says Zoë Van Planted here",
        "mail zoe.planted@acme.example now",
        "a secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw of a source",
    ],
)
def test_what_is_planted_in_a_file_is_found_and_where(
    people: sa.Engine, folder: Path, text: str, *, many: bool
) -> None:
    if many:
        with people.begin() as conn:
            conn.execute(
                sa.text(
                    "insert into bg.people (id, company_id, name) "
                    "select 'n' || n, 'c', 'Aa' || n || ' Bb' from generate_series(1, 99) as n"
                )
            )
    (folder / "logs").mkdir()
    (folder / "logs" / "code.log").write_text("p-1 (CFO) joined Acme Ltd\n")
    wanted = scan.needles(people, folder)
    assert scan.of_home(wanted, folder) == []
    (folder / "logs" / "daemon.log.1").write_text(f"before\n{text}\nafter")
    (found,) = scan.of_home(wanted, folder)
    assert found.startswith("daemon.log.1: …before ")
    with pytest.raises(AssertionError, match="left behind"):
        scan.nothing([found])


def test_a_key_of_the_home_is_found_in_what_a_run_printed(folder: Path) -> None:
    key = new_key()
    (folder / "keys").write_text(f"# newest first\n{key}\n")
    printed = folder / "dagster" / "storage" / "r1" / "compute_logs" / "x.err"
    printed.parent.mkdir(parents=True)
    printed.write_text(f"key={key}")
    assert [one.partition(":")[0] for one in scan.of_home(scan.needles(None, folder), folder)]


@dg.asset(config_schema={"who": dg.Field(str, default_value="")})
def telling(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Tells what it is told to tell."""
    context.log.info("nothing to see, p-1 (CFO)")
    return dg.MaterializeResult(metadata={"because": context.run.tags.get("tell", "ids alone")})


def test_what_is_planted_in_metadata_tags_and_run_config_is_found_in_dagsters_tables(
    people: sa.Engine, postgres: Cluster, folder: Path
) -> None:
    url = postgres.clone("template0")
    write_config(folder, url)
    try:
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            config = {"ops": {"telling": {"config": {"who": "Zoë Van Planted"}}}}
            tags = {"tell": "zoe.planted@acme.example"}
            dg.materialize([telling], instance=instance, tags=tags, run_config=config)
        engine = sa.create_engine(url)
        found = scan.in_dagster(scan.needles(people), engine)
        engine.dispose()
    finally:
        postgres.drop(url)
    assert {one.partition(":")[0] for one in found} >= {"event_logs", "run_tags", "runs"}
    assert any("Van Planted<<" in one for one in found if one.startswith("runs"))
    assert any(">>zoe.planted@acme.example<<" in one for one in found if "event_logs" in one)
