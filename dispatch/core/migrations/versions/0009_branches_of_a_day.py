"""Branches of a day"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('plan', sa.Column('branch', sa.String(length=60), nullable=True))
    op.add_column('plan', sa.Column('locks', sa.JSON(), nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    op.drop_column('plan', 'locks')
    op.drop_column('plan', 'branch')
