"""The revisions that are read from the text of the migrations are those that Alembic finds."""

import sqlalchemy as sa
from alembic.script import ScriptDirectory

from bg_assets.storage import database, revisions


def test_the_revisions_are_those_that_alembic_knows() -> None:
    scripts = ScriptDirectory(str(revisions.FOLDER))
    assert revisions.head() == scripts.get_current_head()
    assert revisions.known() == {script.revision for script in scripts.walk_revisions()}


def test_a_database_tells_its_revision_and_an_empty_one_has_none(engine: sa.Engine) -> None:
    with database.connect(engine) as conn:
        assert revisions.current(conn) == revisions.head()
        conn.execute(sa.text("delete from bg.alembic_version"))
        assert revisions.current(conn) is None
        conn.execute(sa.text("drop table bg.alembic_version"))
        assert revisions.current(conn) is None
