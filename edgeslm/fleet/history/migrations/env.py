"""Run by Alembic: the steps of `versions/`, within the transaction that `migrate` opened."""

from __future__ import annotations

from alembic import context

from edgeslm.fleet.history.schema import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
