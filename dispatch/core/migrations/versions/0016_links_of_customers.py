"""Links of customers are rows that can be taken back, and customers tell the crew how to get in."""

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('link_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link_key'))
    )
    op.create_table('link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('seal', sa.String(length=64), nullable=False),
    sa.Column('key_id', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('subject_version', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_link_customer_id')),
    sa.ForeignKeyConstraint(['key_id'], ['link_key.id'], name=op.f('fk_link_key_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link')),
    sa.UniqueConstraint('hash', name=op.f('uq_link_hash'))
    )
    for column in ('customer_id', 'expires_at', 'key_id', 'subject_id'):
        op.create_index(op.f(f'ix_link_{column}'), 'link', [column], unique=False)
    op.add_column('visit', sa.Column('access_note', sa.String(length=500), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('visit', 'access_note')
    for column in ('customer_id', 'expires_at', 'key_id', 'subject_id'):
        op.drop_index(op.f(f'ix_link_{column}'), table_name='link')
    op.drop_table('link')
    op.drop_table('link_key')
