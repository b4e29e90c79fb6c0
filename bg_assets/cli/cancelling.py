"""`cancel`: ending what is under way for companies, or a whole run."""

from collections import Counter
from collections.abc import Sequence

import click
import sqlalchemy as sa

from bg_assets import settings, terminal
from bg_assets.cli import lookups, session
from bg_assets.local import programs
from bg_assets.storage import cancelling, claims, companies, database
from bg_assets.storage.reports import finding


@click.command()
@click.argument("ids", metavar="COMPANY|RUN...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True)
def cancel(ids: tuple[str, ...], as_json: bool) -> None:
    """Stop refreshing companies now, or end a run with all its companies.

    Groups stay as they are and changes stay pending: they are taken by the next change of the
    company, or by `bg-assets refresh COMPANY`, and not before. The others of a batch go on, and
    what a run has completed stays.
    """
    wanted = list(dict.fromkeys(ids))
    with session.opened() as engine:
        with database.connect(engine) as conn:
            not_companies = companies.unknown(conn, wanted)
        if not_companies:
            _require_runs(engine, not_companies)
        named = [one for one in wanted if one not in not_companies]
        done, emptied, idle = _cancel_companies(engine, named)
        runs: list[str] = []
        stubborn: list[str] = []
        if emptied or not_companies:
            with session.working("ending runs"):
                more, runs, stubborn = _cancel_runs(engine, emptied, not_companies)
            done = sorted({*done, *more})
    if as_json:
        terminal.print_json({"companies": done, "runs": runs, "idle": idle, "not_ended": stubborn})
    else:
        _tell(done, runs)
    if stubborn:
        message = f"not ended from here: {', '.join(stubborn)}; the run's page in the UI says why"
        session.fail(message, session.FAILED)
    if idle:
        names = ", ".join(idle)
        lines = [f"nothing to cancel, or just being completed: {names}", *_held(engine, idle)]
        session.fail(lines, session.FAILED)


def _held(engine: sa.Engine, idle: Sequence[str]) -> list[str]:
    """What can be done about a company whose run holds it, maybe since it waits for a lock."""
    with database.connect(engine) as conn:
        live = cancelling.of_companies(conn, idle)
    return [
        f"{one.company_id} is held by its run: if that hangs, `bg-assets cancel {one.run_id}` ends "
        "it, with all its companies"
        for one in live
        if one.run_id is not None
    ]


def _tell(done: Sequence[str], runs: Sequence[str]) -> None:
    if done:
        what = "1 refresh is" if len(done) == 1 else f"{len(done)} refreshes are"
        terminal.tell(
            f"{what} cancelled; the next change, or `bg-assets refresh COMPANY`, starts anew"
        )
    if runs:
        terminal.tell(f"ended: run {', '.join(runs)}")


def _why() -> str:
    return f"cancelled by {lookups.who_types()}"


def _cancel_companies(
    engine: sa.Engine, wanted: Sequence[str]
) -> tuple[list[str], list[cancelling.Open], list[str]]:
    """The companies whose refresh is cancelled, those whose run has nothing left, those idle."""
    with database.connect(engine) as conn:
        under_way = cancelling.of_companies(conn, wanted)
        pairs = [(one.id, one.attempt) for one in under_way]
        done = cancelling.cancel(conn, pairs, _why(), claims.database_now(conn))
    mine = [one for one in under_way if one.company_id in done]
    counts = Counter(one.run for one in mine)
    emptied = {one.run: one for one in mine if counts[one.run] == one.of_run}
    with_run = [one for one in emptied.values() if one.run_id or one.run_key]
    return done, with_run, [one for one in wanted if one not in done]


def _cancel_runs(
    engine: sa.Engine, emptied: Sequence[cancelling.Open], run_ids: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """The companies cancelled with these runs, the runs that end, and those that don't."""
    # Dagster takes seconds to import: only where there is a run to end.
    from bg_assets.instance import cancelling as in_dagster

    done: list[str] = []
    with in_dagster.instance_in(programs.prepare_dagster_home(settings.read().home)) as instance:
        for run_id in run_ids:
            done += _cancel_of_run(engine, run_id, in_dagster.key_of(instance, run_id) or None)
        ids = [one.run_id for one in emptied if one.run_id is not None]
        ids += in_dagster.of_keys(
            instance, [one.run_key for one in emptied if one.run_id is None and one.run_key]
        )
        all_ids = [one for one in [*ids, *run_ids] if in_dagster.key_of(instance, one) is not None]
        ended = [one for one in dict.fromkeys(all_ids) if in_dagster.cancel(instance, one)]
    return done, ended, [one for one in all_ids if one not in ended]


def _require_runs(engine: sa.Engine, run_ids: Sequence[str]) -> None:
    """End with exit code 2 where an id is neither a company's nor a run's, 1 where one is over."""
    from bg_assets.instance import cancelling as in_dagster

    with in_dagster.instance_in(programs.prepare_dagster_home(settings.read().home)) as instance:
        unknown = [one for one in run_ids if not in_dagster.known(instance, one)]
        over = [one for one in run_ids if in_dagster.key_of(instance, one) is None]
    if unknown:
        with database.connect(engine) as conn:
            lines = [finding.no_company(conn, one) for one in unknown]
        session.fail([f"{line}; nor is it the id of a run" for line in lines], session.USAGE)
    if over:
        session.fail(f"over already: run {', '.join(over)}", session.FAILED)


def _cancel_of_run(engine: sa.Engine, run_id: str, run_key: str | None) -> list[str]:
    with database.connect(engine) as conn:
        pairs = [(one.id, one.attempt) for one in cancelling.of_run(conn, run_id, run_key)]
        return cancelling.cancel(conn, pairs, _why(), claims.database_now(conn))
