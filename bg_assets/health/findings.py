"""What `doctor` finds: how grave it is, what is the matter, and what to do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable
from bg_assets.storage import database

OK, WARN, FAIL = "ok", "warn", "fail"
# A schema, a table or a column that there is none of.
_NOT_THERE = {"3F000", "42P01", "42703"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: of which check, its level (ok, warn, fail), and what to do, "" where nothing.

    ``alert``: the kind of alert that it is, by domain/alerts/kinds.py, of what (``subject``), and
    its severity where that is not the kind's. ``blind``: the check could not look.
    """

    check: str
    level: str
    said: str
    todo: str = ""
    alert: str = ""
    subject: str = ""
    severity: str = ""
    blind: bool = False


class NotLooked(Exception):
    """A check could not look, since what it needs is not there; the message says what."""


class Patient:
    """What is examined: the settings, and the database if it can be reached.

    With ``patience`` no statement takes more than so many seconds: its check could not look then.
    """

    def __init__(self, config: settings.Settings, patience: float | None = None) -> None:
        self.config = config
        self._patience = patience
        self._engine: sa.Engine | None = None
        self._away = ""

    def engine(self) -> sa.Engine:
        """An engine on the database. Raises NotLooked once it was found to be out of reach."""
        if self._away:
            raise NotLooked(self._away)
        if self._engine is None:
            try:
                self._engine = self._made()
                with database.connect(self._engine):
                    pass
            except (DatabaseUnreachable, DatabaseNotMade, EmbeddedUnavailable) as err:
                self._away = "the database is out of reach"
                raise NotLooked(str(err).partition("\n")[0]) from None
        return self._engine

    def _made(self) -> sa.Engine:
        made = database.make_engine(database.bg_url(), pool_size=1)
        patience = self._patience
        if patience is None:
            return made
        return database.bounded(
            made, lock_seconds=patience, statement_seconds=lambda: patience
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()


# Each looks at one thing and says what it found, without the name of the check.
Check = Callable[[Patient], Iterable[Finding]]


def examine(patient: Patient, checks: Sequence[tuple[str, Check]]) -> list[Finding]:
    """Do all checks: one that can't look, or breaks, says so and hides no other."""
    return [finding for name, check in checks for finding in examined(patient, name, check)]


def examined(patient: Patient, name: str, check: Check) -> list[Finding]:
    """What one check finds; where it can't look further, or breaks, that too."""
    return list(_found(patient, name, check))


def _found(patient: Patient, name: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check(patient)
    except NotLooked as err:
        yield _blind(name, str(err), "see the check of the database")
    except (DatabaseUnreachable, DatabaseNotMade, EmbeddedUnavailable) as err:
        said = str(err).partition("\n")[0]
        yield _blind(name, said, "see the check of the database")
    except sa.exc.DBAPIError as err:
        code = str(getattr(err.orig, "pgcode", None))
        if code in _NOT_THERE:
            said = "the tables are not those of this version"
            yield _blind(name, said, "see the check of the schema")
        else:
            todo = "look at the database's log; if that tells nothing, report this"
            yield _blind(name, f"the database refused ({code})", todo)
    except Exception as err:
        yield _blind(name, type(err).__name__, "report this")


def _blind(name: str, why: str, todo: str) -> Finding:
    return Finding(name, FAIL, f"could not look: {why}", todo, blind=True)
