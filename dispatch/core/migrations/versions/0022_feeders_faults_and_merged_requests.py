"""Premises have a feeder, outages may be faults, requests say what they were merged into and which outage is theirs."""

import sqlalchemy as sa
from alembic import op


revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('premises', sa.Column('feeder', sa.String(length=80), nullable=False, server_default=''))
    op.create_index('ix_premises_feeder', 'premises', ['territory_id', 'feeder'], unique=False)
    op.add_column('outage_notice', sa.Column('feeders', sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column('outage_notice', sa.Column('unplanned', sa.Boolean(), nullable=False, server_default=sa.false()))
    # In words of its own, as SQLite takes a foreign key only with the column that has it.
    op.execute(
        'ALTER TABLE request ADD COLUMN merged_into VARCHAR(32) '
        'CONSTRAINT fk_request_merged_into REFERENCES request (id)'
    )
    op.add_column('request', sa.Column('outage_id', sa.String(length=32), nullable=True))
    for column in ('merged_into', 'outage_id'):
        op.create_index(op.f(f'ix_request_{column}'), 'request', [column], unique=False)


def downgrade() -> None:
    for column in ('outage_id', 'merged_into'):
        op.drop_index(op.f(f'ix_request_{column}'), table_name='request')
        op.drop_column('request', column)
    op.drop_column('outage_notice', 'unplanned')
    op.drop_column('outage_notice', 'feeders')
    op.drop_index('ix_premises_feeder', table_name='premises')
    op.drop_column('premises', 'feeder')
