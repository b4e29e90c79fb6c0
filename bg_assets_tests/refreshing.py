"""The job in this process, on a database and a Dagster instance of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import sensors
from bg_assets.assets import group_checks
from bg_assets.definitions import defs
from bg_assets.storage import causes, claims
from bg_assets_tests import scan
from bg_assets_tests.private import InMemoryJob, execute_run, stored_in_memory

STAFF = (
    ("cfo", "Chief Financial Officer"),
    ("fd", "Finance Director"),
    ("fc", "Financial Controller"),
    ("cio", "Chief Information Officer"),
    ("pm", "Procurement Manager"),
    ("ceo", "Chief Executive Officer"),
)


class World:
    """Companies with a few people each, and the job that refreshes them."""

    def __init__(self, engine: sa.Engine, instance: dg.DagsterInstance) -> None:
        self.engine = engine
        self.instance = instance
        self.policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100)

    def sql(self, statement: str, **values: object) -> list[Any]:
        with self.engine.begin() as conn:
            result = conn.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def add(self, *companies: str, staff: bool = True) -> None:
        for company in companies:
            self.sql(
                "insert into bg.companies (id, name, employee_min, employee_max) "
                "values (:id, 'Company ' || :id, 200, 200)",
                id=company,
            )
            for key, title in STAFF if staff else ():
                self.sql(
                    "insert into bg.people (id, company_id, name, email, title) "
                    "values (:id, :company, 'Zebulon Quark', 'zq@example.com', :title)",
                    id=f"{company}-{key}", company=company, title=title,
                )  # fmt: skip
        self.instance.add_dynamic_partitions("companies", list(companies))

    def claim(self, policy: claims.Policy | None = None) -> list[claims.Request]:
        chosen = policy or self.policy
        with self.engine.begin() as conn:
            now = claims.database_now(conn)
            claims.claim(conn, chosen, "due_companies_1", now)
            return causes.explained(conn, claims.ask(conn, chosen, "due_companies_1", now))

    def run(self, request: claims.Request, *, ok: bool = True) -> dg.ExecuteInProcessResult:
        asked = sensors.run_request(request)
        return self.execute(asked.partition_key, dict(asked.tags), ok=ok, config=asked.run_config)

    def execute(
        self, partition: str | None, tags: dict[str, str] | None = None, *, ok: bool = True,
        only: str | None = None, config: Mapping[str, Any] | None = None,
    ) -> dg.ExecuteInProcessResult:  # fmt: skip
        job = defs.resolve_job_def("refresh_buyer_groups")
        result = job.execute_in_process(
            instance=self.instance,
            partition_key=partition,
            tags=tags,
            run_config=config,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(only)] if only else None,
        )
        assert result.success is ok
        return result

    def again(self, run_id: str) -> str:
        """Execute all steps of a run again, as the UI does; returns the new run's id."""
        parent = self.instance.get_run_by_id(run_id)
        assert parent is not None
        job = defs.resolve_job_def("refresh_buyer_groups")
        run = self.instance.create_run_for_job(
            job, tags=parent.tags, run_config=parent.run_config,
            parent_run_id=run_id, root_run_id=run_id,
        )  # fmt: skip
        assert execute_run(InMemoryJob(job), run, self.instance).success
        return run.run_id

    def build(self, *companies: str) -> None:
        """Add the companies and build their first groups."""
        self.add(*companies)
        for request in self.claim():
            self.run(request)

    def status(self, company: str) -> list[str]:
        rows = self.sql(
            "select status from bg.buyer_group_refresh_log where company_id = :c "
            "order by requested_at",
            c=company,
        )
        return [row[0] for row in rows]

    def members(self, company: str) -> dict[str, str]:
        rows = self.sql(
            "select person_id, role from bg.buyer_group_members where company_id = :c", c=company
        )
        return {row[0]: row[1] for row in rows}

    def pending(self) -> int:
        rows = self.sql("select count(*) from bg.changes where handled_at is null")
        return int(rows[0][0])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster in memory."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made
        scan.nothing([*scan.needles().within("\n".join(stored_in_memory(made)))])


@pytest.fixture
def world(
    engine: sa.Engine, database_url: str, instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> World:  # fmt: skip
    """A database and a Dagster instance of this test's own."""
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    return World(engine, instance)


def metadata(
    world: World, result: dg.ExecuteInProcessResult | str, asset: str = "buyer_groups"
) -> dict[str, dict[str, Any]]:
    """The metadata of an asset's materializations in a run, by partition."""
    found: dict[str, dict[str, Any]] = {}
    run_id = result if isinstance(result, str) else result.run_id
    for entry in world.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        assert entry.dagster_event is not None
        one = entry.dagster_event.step_materialization_data.materialization
        if one.asset_key == dg.AssetKey(asset):
            found[str(one.partition)] = {name: value.value for name, value in one.metadata.items()}
    return found


def history(world: World, check: str = "no_leavers") -> list[Any]:
    """The evaluations of a check that Dagster stores, latest first."""
    key = dg.AssetCheckKey(group_checks.ASSET, check)
    found = []
    for record in world.instance.event_log_storage.get_asset_check_execution_history(key, 10):
        assert record.event is not None
        assert record.event.dagster_event is not None
        found.append(record.event.dagster_event.asset_check_evaluation_data)
    return found


def log(world: World, run_id: str) -> list[str]:
    """What a run's log says, a message each."""
    return [entry.user_message for entry in world.instance.all_logs(run_id)]


def failing(evaluation: dg.AssetCheckEvaluation) -> Any:
    """The companies that an evaluation names."""
    return evaluation.metadata["failing_companies"].value


def a_minute_later(world: World) -> None:
    """Let whatever is done once a minute be due again."""
    world.sql("update bg.chores set begun_at = begun_at - interval '61 seconds'")
