"""Customers are asked what they think, called, and other systems are told."""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_message_created', 'message', ['created_at'], unique=False)
    op.create_table('webhook',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('description', sa.String(length=200), nullable=False),
    sa.Column('event_types', sa.JSON(), nullable=False),
    sa.Column('territories', sa.JSON(), nullable=False),
    sa.Column('status', sa.Enum('active', 'disabled', name='webhookstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('secret_number', sa.Integer(), nullable=False),
    sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('rests_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook'))
    )
    op.create_table('webhook_delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('webhook_id', sa.String(length=32), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=True),
    sa.Column('message_id', sa.String(length=64), nullable=False),
    sa.Column('type', sa.String(length=80), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'delivered', 'failed', name='deliverystatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('replays', sa.Integer(), nullable=False),
    sa.Column('response_code', sa.Integer(), nullable=True),
    sa.Column('error', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_webhook_delivery_event_id')),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id'], name=op.f('fk_webhook_delivery_webhook_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery')),
    sa.UniqueConstraint('webhook_id', 'message_id', name=op.f('uq_webhook_delivery_webhook_id_message_id'))
    )
    op.create_index('ix_webhook_delivery_created', 'webhook_delivery', ['created_at'], unique=False)
    op.create_index('ix_webhook_delivery_status', 'webhook_delivery', ['webhook_id', 'status', 'id'], unique=False)
    op.create_table('call_attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('work_order_id', sa.String(length=32), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('made_by', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Enum('reached', 'no_answer', 'call_back', 'refused', 'wrong_number', name='calloutcome', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('answers', sa.JSON(), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('again_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('requests', sa.JSON(), nullable=False),
    sa.Column('order_id', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_call_attempt_customer_id')),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_call_attempt_work_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_attempt'))
    )
    op.create_index('ix_call_attempt_customer', 'call_attempt', ['customer_id', 'made_at'], unique=False)
    op.create_index('ix_call_attempt_work_order_id', 'call_attempt', ['work_order_id'], unique=False)
    op.create_table('call_claim',
    sa.Column('work_order_id', sa.String(length=32), nullable=False),
    sa.Column('caller_id', sa.String(length=64), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_call_claim_work_order_id')),
    sa.PrimaryKeyConstraint('work_order_id', name=op.f('pk_call_claim'))
    )
    op.create_table('survey',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=True),
    sa.Column('work_type', sa.String(length=16), nullable=False),
    sa.Column('customer_class', sa.Enum('A', 'B', 'C', 'D', name='customerclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('solved', sa.Boolean(), nullable=True),
    sa.Column('comment', sa.String(length=500), nullable=False),
    sa.Column('request_id', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_survey_crew_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_survey_customer_id')),
    sa.ForeignKeyConstraint(['request_id'], ['request.id'], name=op.f('fk_survey_request_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_survey_territory_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_survey_visit_id')),
    sa.ForeignKeyConstraint(['work_type'], ['work_type.code'], name=op.f('fk_survey_work_type')),
    sa.PrimaryKeyConstraint('visit_id', name=op.f('pk_survey'))
    )
    op.create_index('ix_survey_answered', 'survey', ['territory_id', 'answered_at'], unique=False)
    op.create_index('ix_survey_asked', 'survey', ['customer_id', 'asked_at'], unique=False)
    op.create_index('ix_survey_request_id', 'survey', ['request_id'], unique=False)



def downgrade() -> None:
    op.drop_index('ix_survey_request_id', table_name='survey')
    op.drop_index('ix_survey_asked', table_name='survey')
    op.drop_index('ix_survey_answered', table_name='survey')
    op.drop_table('survey')
    op.drop_table('call_claim')
    op.drop_index('ix_call_attempt_work_order_id', table_name='call_attempt')
    op.drop_index('ix_call_attempt_customer', table_name='call_attempt')
    op.drop_table('call_attempt')
    op.drop_index('ix_webhook_delivery_status', table_name='webhook_delivery')
    op.drop_index('ix_webhook_delivery_created', table_name='webhook_delivery')
    op.drop_table('webhook_delivery')
    op.drop_table('webhook')
    op.drop_index('ix_message_created', table_name='message')
