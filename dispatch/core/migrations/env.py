"""Alembic's entry: runs on the connection that `migrate` holds, inside its transaction."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes.get("metadata"),
    render_item=attributes.get("render_item"),
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
