"""Writes can be repeated; the database keeps crews from double booking and begun visits where they are."""

import sqlalchemy as sa
from alembic import op

from dispatch.core import triggers


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kept_answer',
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('route', sa.String(length=160), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('mark', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('headers', sa.JSON(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('secret', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kept_until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('actor', 'route', 'key', name=op.f('pk_kept_answer'))
    )
    op.create_index(op.f('ix_kept_answer_kept_until'), 'kept_answer', ['kept_until'], unique=False)
    op.add_column('crew_action', sa.Column('to_status', sa.String(length=16), nullable=False, server_default=''))
    op.add_column('crew_action', sa.Column('from_version', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('crew_action', sa.Column('to_version', sa.Integer(), nullable=False, server_default='0'))
    op.execute(
        "UPDATE crew_action SET to_status = CASE action WHEN 'accept' THEN 'accepted' WHEN 'decline' THEN 'planned' "
        "WHEN 'start' THEN 'working' WHEN 'pause' THEN 'paused' WHEN 'resume' THEN 'working' ELSE action END"
    )
    triggers.guard_visits(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE visit DROP CONSTRAINT visit_double_booking')
        op.execute('DROP TRIGGER visit_frozen ON visit')
        op.execute('DROP FUNCTION visit_frozen')
    else:
        for name in ('visit_double_booking_new', 'visit_double_booking', 'visit_frozen'):
            op.execute(f'DROP TRIGGER {name}')
    for name in ('to_version', 'from_version', 'to_status'):
        op.drop_column('crew_action', name)
    op.drop_index(op.f('ix_kept_answer_kept_until'), table_name='kept_answer')
    op.drop_table('kept_answer')
