"""Alembic's entry: runs on the connection that `migrate` holds, inside its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
