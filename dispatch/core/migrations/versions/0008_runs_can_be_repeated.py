"""Runs keep their options and the versions that made them, so that they can be repeated."""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('run', sa.Column('options', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column('run', sa.Column('versions', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    op.drop_column('run', 'versions')
    op.drop_column('run', 'options')
