"""Runs the migrations on the connection that `bg_assets.storage.database.migrate` hands over."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table="alembic_version",
    version_table_schema="bg",
    transactional_ddl=True,
)
# The caller's transaction holds the lock and commits: none is begun here.
context.run_migrations()
