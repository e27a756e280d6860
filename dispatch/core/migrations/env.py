"""Alembic's entry: runs on the connection that `migrate` holds, inside its transaction."""

from alembic import context

from dispatch.model import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
