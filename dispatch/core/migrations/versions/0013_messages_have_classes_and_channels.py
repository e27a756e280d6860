"""Messages have classes, channels and several visits; customers have preferences; texts can be edited."""

from typing import Any

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

TASK_CLASS = sa.Enum('safety', 'normal', 'courtesy', name='taskclass', native_enum=False, create_constraint=True, length=32)
MESSAGE_CLASS = sa.Enum('emergency', 'service_urgent', 'service', 'survey', 'marketing', name='messageclass', native_enum=False, create_constraint=True, length=32)
SUBJECT_KIND = sa.Enum('visit', 'request', 'outage', 'customer', name='subjectkind', native_enum=False, create_constraint=True, length=32)
STATUS = sa.Enum('pending', 'deferred', 'sending', 'sent', 'delivered', 'bounced', 'failed', 'unknown', 'suppressed', 'expired', name='messagestatus', native_enum=False, create_constraint=True, length=32)
TEXT_KIND = sa.Enum('email', 'sms', name='textkind', native_enum=False, create_constraint=True, length=32)

OLD_NAME = 'uq_message_recipient_template_subject_id_subject_version'


def upgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        _widen_on_postgresql()
    else:
        _rebuild_on_sqlite()
    op.create_index('ix_message_provider', 'message', ['provider', 'provider_id'], unique=False)
    op.create_index('ix_message_territory', 'message', ['territory_id', 'id'], unique=False)
    op.create_index(op.f('ix_message_fallback_of'), 'message', ['fallback_of'], unique=False)
    op.create_table('telling',
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.String(length=40), nullable=False),
    sa.Column('told_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_telling_message_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_telling_visit_id')),
    sa.PrimaryKeyConstraint('message_id', 'visit_id', name=op.f('pk_telling'))
    )
    op.create_index(op.f('ix_telling_visit_id'), 'telling', ['visit_id'], unique=False)
    op.execute(
        'INSERT INTO telling (message_id, visit_id, version, told_start_at, told_end_at) '
        'SELECT id, subject_id, subject_version, told_start_at, told_end_at FROM message'
    )
    op.create_table('contact_preference',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('channels', sa.JSON(), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=True),
    sa.Column('earliest_hour', sa.Integer(), nullable=True),
    sa.Column('latest_hour', sa.Integer(), nullable=True),
    sa.Column('nominee_name', sa.String(length=120), nullable=False),
    sa.Column('nominee_phone', sa.String(length=32), nullable=True),
    sa.Column('nominee_email', sa.String(length=254), nullable=True),
    sa.Column('nominee_instead', sa.Boolean(), nullable=False),
    sa.Column('stopped', sa.JSON(), nullable=False),
    sa.Column('wants_marketing', sa.Boolean(), nullable=False),
    sa.Column('do_not_contact', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_contact_preference_customer_id')),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_contact_preference'))
    )
    op.create_table('template_text',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('kind', TEXT_KIND, nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body', sa.String(length=4000), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('activated_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_template_text')),
    sa.UniqueConstraint('name', 'kind', 'language', 'number', name='uq_template_text_number')
    )
    op.create_table('outage_notice',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason_zh', sa.String(length=200), nullable=False),
    sa.Column('reason_en', sa.String(length=200), nullable=False),
    sa.Column('premises', sa.JSON(), nullable=False),
    sa.Column('restored_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_outage_notice_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outage_notice'))
    )
    op.create_index(op.f('ix_outage_notice_territory_id'), 'outage_notice', ['territory_id'], unique=False)


def downgrade() -> None:
    raise NotImplementedError('Messages over several channels have no place in the tables of before.')


def _new_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column('territory_id', sa.String(length=32), nullable=True),
        sa.Column('to_nominee', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('template_version', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('subject_kind', SUBJECT_KIND, nullable=False, server_default='visit'),
        sa.Column('message_class', MESSAGE_CLASS, nullable=False, server_default='service'),
        sa.Column('details', sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column('fallback_of', sa.Integer(), nullable=True),
        sa.Column('provider', sa.String(length=32), nullable=False, server_default=''),
        sa.Column('provider_id', sa.String(length=120), nullable=False, server_default=''),
    ]


def _widen_on_postgresql() -> None:
    op.alter_column('message', 'message_class', new_column_name='task_class')
    for column in _new_columns():
        op.add_column('message', column)
    op.execute(_URGENT)
    op.execute(
        'UPDATE message SET territory_id = (SELECT territory_id FROM visit WHERE visit.id = message.subject_id)'
    )
    op.alter_column('message', 'territory_id', nullable=False)
    op.drop_constraint(OLD_NAME, 'message', type_='unique')
    op.create_unique_constraint(
        'uq_message_telling',
        'message',
        ['customer_id', 'to_nominee', 'recipient', 'channel', 'template', 'subject_id', 'subject_version'],
    )
    op.create_foreign_key(op.f('fk_message_territory_id'), 'message', 'territory', ['territory_id'], ['id'])
    op.create_foreign_key(op.f('fk_message_fallback_of'), 'message', 'message', ['fallback_of'], ['id'])


_URGENT = "UPDATE message SET message_class = 'service_urgent' WHERE template = 'on_the_way'"

_KEPT = (
    'version, id, customer_id, recipient, channel, template, language, subject_id, subject_version, told_start_at, '
    'told_end_at, status, reason, subject, body, message_id, send_after, expires_at, created_at, sends, begun_at, '
    'sent_at, error'
)


def _rebuild_on_sqlite() -> None:
    """A table of before is copied into a new one: SQLite neither renames a checked column nor drops a constraint."""
    op.create_table('message_new',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('to_nominee', sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column('recipient', sa.String(length=254), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('template', sa.String(length=32), nullable=False),
    sa.Column('template_version', sa.Integer(), nullable=False, server_default='0'),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('subject_kind', SUBJECT_KIND, nullable=False, server_default='visit'),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('subject_version', sa.String(length=40), nullable=False),
    sa.Column('told_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message_class', MESSAGE_CLASS, nullable=False, server_default='service'),
    sa.Column('task_class', TASK_CLASS, nullable=False),
    sa.Column('status', STATUS, nullable=False),
    sa.Column('reason', sa.String(length=80), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.String(length=4000), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column('message_id', sa.String(length=120), nullable=False),
    sa.Column('fallback_of', sa.Integer(), nullable=True),
    sa.Column('provider', sa.String(length=32), nullable=False, server_default=''),
    sa.Column('provider_id', sa.String(length=120), nullable=False, server_default=''),
    sa.Column('send_after', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sends', sa.Integer(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name='fk_message_customer_id'),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name='fk_message_territory_id'),
    sa.ForeignKeyConstraint(['fallback_of'], ['message_new.id'], name='fk_message_fallback_of'),
    sa.PrimaryKeyConstraint('id', name='pk_message'),
    sa.UniqueConstraint('message_id', name='uq_message_message_id'),
    sa.UniqueConstraint('customer_id', 'to_nominee', 'recipient', 'channel', 'template', 'subject_id', 'subject_version', name='uq_message_telling')
    )
    op.execute(
        f'INSERT INTO message_new ({_KEPT}, task_class, territory_id) '
        f"SELECT {_KEPT.replace(', id,', ', m.id,', 1)}, message_class, territory FROM message m "
        'JOIN (SELECT id AS visit_number, territory_id AS territory FROM visit) ON visit_number = m.subject_id'
    )
    op.drop_table('message')
    op.rename_table('message_new', 'message')
    op.execute(_URGENT)
    op.create_index('ix_message_customer_id', 'message', ['customer_id'], unique=False)
    op.create_index('ix_message_status', 'message', ['status', 'send_after'], unique=False)
    op.create_index('ix_message_subject_id', 'message', ['subject_id'], unique=False)
