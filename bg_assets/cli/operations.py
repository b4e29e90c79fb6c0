"""`operations` and `operations purge`: calls of providers of outside data, and what they cost."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click
import sqlalchemy as sa

from bg_assets import terminal
from bg_assets.cli import lookups, operations_report, session
from bg_assets.cli.lengths import Length
from bg_assets.domain.values.near import near
from bg_assets.storage import claims, database
from bg_assets.storage.operations import purging, reading
from bg_assets.storage.operations.policy import policy_of
from bg_assets.storage.operations.reading import Narrowed

_JSON = click.option("--json", "as_json", is_flag=True)


@click.group(invoke_without_command=True, short_help="Calls of providers of outside data.")
@click.option("--provider", metavar="NAME", help="Only calls of this one.")
@click.option("--company", metavar="COMPANY", help="Only questions about this one.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3660))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 100_000))
@_JSON
@click.pass_context
def operations(
    ctx: click.Context,
    provider: str | None,
    company: str | None,
    days: int,
    limit: int,
    as_json: bool,
) -> None:
    """Print the calls of providers of outside data: what came of them, and what they cost.

    For each provider its calls of the last days and their cost against the caps, the answers that
    came from the cache, and whether it is left alone; then the questions that were asked last, and
    those whose last call failed. Amounts are US dollars, days and months those of UTC. With
    --company all but the breaker and the caps is of the questions about that one.
    """
    if ctx.invoked_subcommand is not None:
        return
    with session.opened() as engine, database.connect(engine) as conn:
        config = session.settings_in_force(conn, "BG_ENRICH_CAP_DAILY", "BG_ENRICH_CAP_MONTHLY")
        now = claims.database_now(conn)
        _require(conn, provider, company)
        narrowed = Narrowed(now - timedelta(days=days), limit, provider, company)
        told = operations_report.of_company if company else operations_report.providers
        document = {
            "days": days,
            **({"company": company} if company else {}),
            "providers": told(conn, policy_of(config), now, narrowed),
            "operations": [asdict(one) for one in reading.operations(conn, narrowed, now)],
            "failures": [asdict(one) for one in reading.failures(conn, narrowed, now)],
        }
    if as_json:
        terminal.print_json(document)
    else:
        for line in operations_report.in_words(document):
            terminal.tell(line)


@operations.command(short_help="Let go of answers; the bill stays.")
@click.option("--older-than", type=Length(), help="Only those that expired so long ago, like 90d.")
@click.option("--person", metavar="PERSON", help="All that may hold this person, expired or not.")
@click.option("--all", "everything", is_flag=True, help="All answers, expired or not.")
@_JSON
def purge(older_than: float | None, person: str | None, everything: bool, as_json: bool) -> None:
    """Let go of the answers of providers that have expired. The bill stays.

    What is let go of before it has expired is asked, and paid, again when it is wanted.
    """
    if sum((older_than is not None, person is not None, everything)) > 1:
        session.fail("say one of --older-than, --person and --all", session.USAGE)
    who = lookups.who_types()
    with session.opened() as engine:
        with database.connect(engine) as conn:
            now = claims.database_now(conn)
            if person is not None and not purging.is_known(conn, person):
                session.fail(f"no person {person}, and no question about one", session.USAGE)
        if person is not None:
            with database.connect(engine) as conn:
                purged = purging.purge_person(conn, person, now, who)
        else:
            until = None if everything else now - timedelta(seconds=older_than or 0)
            with session.working("letting go"):
                purged = sum(_rounds(engine, until, now, who))
        with database.connect(engine) as conn:
            closed = purging.close_gone(conn, now)
            lifted = purging.lift(conn, person) if everything or person is not None else 0
    if as_json:
        terminal.print_json({"purged": purged, "closed": closed, "lifted": lifted})
        return
    terminal.tell(f"{_number(purged, 'answer')} let go of; the bill is as it was")
    if lifted:
        terminal.tell(f"{_number(lifted, 'question')} that failed and was paid may be asked again")
    if closed:
        terminal.tell(
            f"{_number(closed, 'call')} closed: gone without a word; the bill has the price"
        )


def _rounds(engine: sa.Engine, until: datetime | None, now: datetime, who: str) -> Iterator[int]:
    """Each round in a transaction of its own; how many answers went in it."""
    while True:
        with database.connect(engine) as conn:
            purged = purging.purge_expired(conn, until, now, who)
        if not purged:
            return
        yield purged


def _require(conn: sa.Connection, provider: str | None, company: str | None) -> None:
    """End with exit code 2 where nobody ever called the provider, or the company is unknown."""
    known = [state.provider for state in reading.states(conn)]
    if provider is not None and provider not in known:
        hint = f"; {near(provider, known)}" if known else ""
        session.fail(f"no provider {provider} was ever called{hint}", session.USAGE)
    if company is not None:
        ever = Narrowed(datetime(2000, 1, 1, tzinfo=UTC), 1, None, company)
        if not reading.operations(conn, ever, datetime.now(UTC)):
            lookups.require_companies(conn, (company,))


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
