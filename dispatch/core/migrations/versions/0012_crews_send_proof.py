"""Crews send proof, refusals stay refused, and who works alone is watched."""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('refused_action',
    sa.Column('op_id', sa.String(length=64), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('visit_id', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=16), nullable=False),
    sa.Column('mark', sa.String(length=64), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('code', sa.String(length=48), nullable=False),
    sa.Column('detail', sa.String(length=1000), nullable=False),
    sa.Column('device_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_refused_action_crew_id')),
    sa.PrimaryKeyConstraint('op_id', name=op.f('pk_refused_action'))
    )
    op.create_index(op.f('ix_refused_action_visit_id'), 'refused_action', ['visit_id'], unique=False)
    op.create_table('attachment',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.Enum('photo', 'signature', name='attachmentkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('media_type', sa.String(length=32), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sent', sa.String(length=64), nullable=False),
    sa.Column('kept', sa.String(length=64), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_attachment_crew_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_attachment_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment'))
    )
    op.create_index(op.f('ix_attachment_visit_id'), 'attachment', ['visit_id'], unique=False)
    op.create_table('lone_watch',
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('every_s', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_lone_watch_crew_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_lone_watch_territory_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_lone_watch_visit_id')),
    sa.PrimaryKeyConstraint('visit_id', name=op.f('pk_lone_watch'))
    )
    op.create_index('ix_lone_watch_due', 'lone_watch', ['ended_at', 'due_at'], unique=False)
    op.create_table('part_use',
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('part', sa.String(length=32), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('short', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_part_use_crew_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_part_use_visit_id')),
    sa.PrimaryKeyConstraint('visit_id', 'part', name=op.f('pk_part_use'))
    )
    op.add_column('work_type', sa.Column('check_in_minutes', sa.Integer(), nullable=False, server_default='60'))



def downgrade() -> None:
    op.drop_column('work_type', 'check_in_minutes')
    op.drop_table('part_use')
    op.drop_index('ix_lone_watch_due', table_name='lone_watch')
    op.drop_table('lone_watch')
    op.drop_index(op.f('ix_attachment_visit_id'), table_name='attachment')
    op.drop_table('attachment')
    op.drop_index(op.f('ix_refused_action_visit_id'), table_name='refused_action')
    op.drop_table('refused_action')
