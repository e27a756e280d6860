"""Roads to draw maps with"""

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('road_map',
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('lines', sa.LargeBinary(), nullable=False),
    sa.Column('attribution', sa.String(length=200), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_road_map_territory_id')),
    sa.PrimaryKeyConstraint('territory_id', name=op.f('pk_road_map'))
    )


def downgrade() -> None:
    op.drop_table('road_map')
