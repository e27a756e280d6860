"""Positions of crews"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('crew_position',
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('device_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lat', sa.Float(), nullable=False),
    sa.Column('lon', sa.Float(), nullable=False),
    sa.Column('accuracy_m', sa.Float(), nullable=True),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_crew_position_crew_id')),
    sa.PrimaryKeyConstraint('crew_id', 'device_at', name=op.f('pk_crew_position'))
    )
    op.create_index(op.f('ix_crew_position_device_at'), 'crew_position', ['device_at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_crew_position_device_at'), table_name='crew_position')
    op.drop_table('crew_position')
