"""Visits can be split, each part with skills of its own"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('visit', sa.Column('skills', sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column('visit', 'skills')
