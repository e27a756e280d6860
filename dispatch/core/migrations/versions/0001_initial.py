"""The first release's tables."""

import sqlalchemy as sa
from alembic import op

from dispatch.core import triggers


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('alert',
    sa.Column('key', sa.String(length=160), nullable=False),
    sa.Column('text', sa.String(length=500), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_alert'))
    )
    op.create_table('customer',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('customer_class', sa.Enum('A', 'B', 'C', 'D', name='customerclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('phone', sa.String(length=32), nullable=True),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('wants_messages', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer'))
    )
    with op.batch_alter_table('customer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_customer_name'), ['name'], unique=False)

    op.create_table('event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('hash', sa.String(length=64), nullable=True),
    sa.Column('type', sa.String(length=64), nullable=False),
    sa.Column('entity', sa.String(length=32), nullable=False),
    sa.Column('entity_id', sa.String(length=64), nullable=False),
    sa.Column('from_status', sa.String(length=32), nullable=True),
    sa.Column('to_status', sa.String(length=32), nullable=True),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=True),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event')),
    sa.UniqueConstraint('position', name=op.f('uq_event_position'))
    )
    with op.batch_alter_table('event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_event_happened_at'), ['happened_at'], unique=False)
        batch_op.create_index('ix_event_subject', ['entity', 'entity_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_event_type'), ['type'], unique=False)

    op.create_table('occurrence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('job', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('scheduled_for', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_occurrence')),
    sa.UniqueConstraint('job', 'key', name=op.f('uq_occurrence_job_key'))
    )
    op.create_table('organisation',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('parent_id', sa.String(length=32), nullable=True),
    sa.Column('name_zh', sa.String(length=120), nullable=False),
    sa.Column('name_en', sa.String(length=120), nullable=False),
    sa.ForeignKeyConstraint(['parent_id'], ['organisation.id'], name=op.f('fk_organisation_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation'))
    )
    op.create_table('planning_rule',
    sa.Column('name', sa.String(length=48), nullable=False),
    sa.Column('value', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_planning_rule'))
    )
    op.create_table('points',
    sa.Column('priority', sa.Enum('P0', 'P1', 'P2', 'P3', 'P4', 'P5', name='priority', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('meaning_zh', sa.String(length=80), nullable=False),
    sa.Column('meaning_en', sa.String(length=80), nullable=False),
    sa.Column('unserved', sa.Integer(), nullable=False),
    sa.Column('late_per_second', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('priority', name=op.f('pk_points'))
    )
    op.create_table('sequence',
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('value', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_sequence'))
    )
    op.create_table('task',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('queue', sa.String(length=16), nullable=False),
    sa.Column('dedupe_key', sa.String(length=160), nullable=False),
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('task_class', sa.Enum('safety', 'normal', 'courtesy', name='taskclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('state', sa.Enum('due', 'leased', 'done', 'dead', name='taskstate', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('run_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('recoveries', sa.Integer(), nullable=False),
    sa.Column('max_attempts', sa.Integer(), nullable=False),
    sa.Column('lease_owner', sa.String(length=96), nullable=True),
    sa.Column('lease_token', sa.Integer(), nullable=False),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(length=2000), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_task')),
    sa.UniqueConstraint('dedupe_key', name=op.f('uq_task_dedupe_key'))
    )
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.create_index('ix_task_due', ['state', 'run_at'], unique=False)
        batch_op.create_index('ix_task_lease', ['state', 'lease_until'], unique=False)

    op.create_table('work_type',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=16), nullable=False),
    sa.Column('name_zh', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('mode', sa.Enum('visit', 'phone', name='mode', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('priority', sa.Enum('P0', 'P1', 'P2', 'P3', 'P4', 'P5', name='priority', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('p50_minutes', sa.Integer(), nullable=False),
    sa.Column('p90_minutes', sa.Integer(), nullable=False),
    sa.Column('setup_minutes', sa.Integer(), nullable=False),
    sa.Column('members', sa.Integer(), nullable=False),
    sa.Column('skills', sa.JSON(), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('clocks', sa.JSON(), nullable=False),
    sa.Column('permit', sa.String(length=200), nullable=False),
    sa.Column('checklist', sa.JSON(), nullable=False),
    sa.Column('closing_codes', sa.JSON(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_work_type'))
    )
    op.create_table('message',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('recipient', sa.String(length=254), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('template', sa.String(length=32), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('subject_version', sa.String(length=40), nullable=False),
    sa.Column('told_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message_class', sa.Enum('safety', 'normal', 'courtesy', name='taskclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('status', sa.Enum('pending', 'deferred', 'sending', 'sent', 'delivered', 'bounced', 'failed', 'unknown', 'suppressed', 'expired', name='messagestatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('reason', sa.String(length=80), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('body', sa.String(length=4000), nullable=False),
    sa.Column('message_id', sa.String(length=120), nullable=False),
    sa.Column('send_after', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sends', sa.Integer(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_message_customer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message')),
    sa.UniqueConstraint('message_id', name=op.f('uq_message_message_id')),
    sa.UniqueConstraint('recipient', 'template', 'subject_id', 'subject_version', name=op.f('uq_message_recipient_template_subject_id_subject_version'))
    )
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_message_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index('ix_message_status', ['status', 'send_after'], unique=False)
        batch_op.create_index(batch_op.f('ix_message_subject_id'), ['subject_id'], unique=False)

    op.create_table('territory',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('organisation_id', sa.String(length=32), nullable=False),
    sa.Column('name_zh', sa.String(length=120), nullable=False),
    sa.Column('name_en', sa.String(length=120), nullable=False),
    sa.Column('zone', sa.String(length=64), nullable=False),
    sa.Column('boundary', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_territory_organisation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_territory'))
    )
    op.create_table('clock',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('answer', 'arrive', 'visit_within', name='clockkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('subject', sa.String(length=16), nullable=False),
    sa.Column('subject_id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('policy', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Enum('running', 'kept', 'broken', 'cancelled', name='clockstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_warning_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('warned', sa.Integer(), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_clock_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clock')),
    sa.UniqueConstraint('subject', 'subject_id', 'kind', name=op.f('uq_clock_subject_subject_id_kind'))
    )
    with op.batch_alter_table('clock', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_clock_due_at'), ['due_at'], unique=False)
        batch_op.create_index('ix_clock_next', ['status', 'next_warning_at'], unique=False)

    op.create_table('counter',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('name_zh', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('kinds', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_counter_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_counter'))
    )
    with op.batch_alter_table('counter', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_counter_territory_id'), ['territory_id'], unique=False)

    op.create_table('depot',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('name_zh', sa.String(length=120), nullable=False),
    sa.Column('name_en', sa.String(length=120), nullable=False),
    sa.Column('lat', sa.Float(), nullable=False),
    sa.Column('lon', sa.Float(), nullable=False),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_depot_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_depot'))
    )
    with op.batch_alter_table('depot', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_depot_territory_id'), ['territory_id'], unique=False)

    op.create_table('plan',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('draft', 'solving', 'proposed', 'published', 'active', 'closed', 'superseded', name='planstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('board', sa.String(length=64), nullable=False),
    sa.Column('board_parts', sa.JSON(), nullable=False),
    sa.Column('origin', sa.String(length=16), nullable=False),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.Column('problem', sa.JSON(), nullable=True),
    sa.Column('answer', sa.JSON(), nullable=True),
    sa.Column('input_hash', sa.String(length=64), nullable=False),
    sa.Column('progress', sa.JSON(), nullable=False),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.Column('unplaceable', sa.JSON(), nullable=False),
    sa.Column('stop_asked', sa.Boolean(), nullable=False),
    sa.Column('error', sa.String(length=500), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('published_by', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_plan_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan')),
    sa.UniqueConstraint('territory_id', 'day', 'number', name=op.f('uq_plan_territory_id_day_number'))
    )
    with op.batch_alter_table('plan', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_plan_day'), ['day'], unique=False)
        batch_op.create_index(batch_op.f('ix_plan_territory_id'), ['territory_id'], unique=False)

    op.create_table('premises',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('address', sa.String(length=240), nullable=False),
    sa.Column('district', sa.String(length=80), nullable=False),
    sa.Column('area_class', sa.Enum('urban', 'rural', 'remote', name='areaclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('site_class', sa.Enum('ordinary', 'essential', 'critical', 'life_support', name='siteclass', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('lat', sa.Float(), nullable=True),
    sa.Column('lon', sa.Float(), nullable=True),
    sa.Column('accuracy_m', sa.Float(), nullable=True),
    sa.Column('access_notes', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_premises_customer_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_premises_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_premises'))
    )
    with op.batch_alter_table('premises', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_premises_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_premises_territory_id'), ['territory_id'], unique=False)

    op.create_table('visit_relation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('type', sa.String(length=16), nullable=False),
    sa.Column('visits', sa.JSON(), nullable=False),
    sa.Column('min_gap_s', sa.Integer(), nullable=False),
    sa.Column('max_gap_s', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_visit_relation_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_relation'))
    )
    with op.batch_alter_table('visit_relation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_relation_territory_id'), ['territory_id'], unique=False)

    op.create_table('crew',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('depot_id', sa.String(length=32), nullable=False),
    sa.Column('name_zh', sa.String(length=80), nullable=False),
    sa.Column('name_en', sa.String(length=80), nullable=False),
    sa.Column('vehicle', sa.String(length=32), nullable=False),
    sa.Column('phone', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['depot_id'], ['depot.id'], name=op.f('fk_crew_depot_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_crew_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_crew'))
    )
    with op.batch_alter_table('crew', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_crew_territory_id'), ['territory_id'], unique=False)

    op.create_table('request',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('counter_id', sa.String(length=32), nullable=False),
    sa.Column('owner', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.Enum('fault', 'billing', 'metering', 'connection', 'complaint', 'consultation', name='requestkind', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('status', sa.Enum('received', 'triaged', 'in_progress', 'resolved', 'confirmed', 'closed', 'waiting_customer', 'referred', 'merged', 'duplicate', 'rejected', 'cancelled', 'reopened', name='requeststatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('premises_id', sa.String(length=32), nullable=True),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('text', sa.String(length=4000), nullable=False),
    sa.Column('answer', sa.String(length=4000), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['counter_id'], ['counter.id'], name=op.f('fk_request_counter_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_request_customer_id')),
    sa.ForeignKeyConstraint(['premises_id'], ['premises.id'], name=op.f('fk_request_premises_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_request_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_request'))
    )
    with op.batch_alter_table('request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_request_counter_id'), ['counter_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_request_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_request_received_at'), ['received_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_request_status'), ['status'], unique=False)
        batch_op.create_index(batch_op.f('ix_request_territory_id'), ['territory_id'], unique=False)

    op.create_table('run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('input_hash', sa.String(length=64), nullable=False),
    sa.Column('outcome', sa.Enum('running', 'answered', 'refused', 'crashed', 'vanished', 'late', 'stopped', name='runoutcome', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('error', sa.String(length=500), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['plan_id'], ['plan.id'], name=op.f('fk_run_plan_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_run'))
    )
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_run_input_hash'), ['input_hash'], unique=False)
        batch_op.create_index(batch_op.f('ix_run_plan_id'), ['plan_id'], unique=False)

    op.create_table('series',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('premises_id', sa.String(length=32), nullable=False),
    sa.Column('work_type', sa.String(length=16), nullable=False),
    sa.Column('mode', sa.Enum('visit', 'phone', name='mode', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('owner', sa.String(length=32), nullable=False),
    sa.Column('status', sa.Enum('draft', 'active', 'suspended', 'ended', name='seriesstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('rrule', sa.String(length=200), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('zone', sa.String(length=64), nullable=False),
    sa.Column('tolerance_days', sa.Integer(), nullable=False),
    sa.Column('next_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_series_customer_id')),
    sa.ForeignKeyConstraint(['premises_id'], ['premises.id'], name=op.f('fk_series_premises_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_series_territory_id')),
    sa.ForeignKeyConstraint(['work_type'], ['work_type.code'], name=op.f('fk_series_work_type')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_series'))
    )
    with op.batch_alter_table('series', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_series_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_series_next_on'), ['next_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_series_territory_id'), ['territory_id'], unique=False)

    op.create_table('work_order',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('work_type', sa.String(length=16), nullable=False),
    sa.Column('customer_id', sa.String(length=32), nullable=False),
    sa.Column('premises_id', sa.String(length=32), nullable=False),
    sa.Column('request_id', sa.String(length=32), nullable=True),
    sa.Column('series_id', sa.String(length=32), nullable=True),
    sa.Column('priority', sa.Enum('P0', 'P1', 'P2', 'P3', 'P4', 'P5', name='priority', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('status', sa.Enum('draft', 'ready', 'scheduled', 'in_progress', 'completed', 'verified', 'closed', 'on_hold', 'cancelled', name='workorderstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('hold_reason', sa.Enum('material', 'permit', 'outage_window', 'weather', 'customer', 'other_department', name='holdreason', native_enum=False, create_constraint=True, length=32), nullable=True),
    sa.Column('owner', sa.String(length=32), nullable=False),
    sa.Column('description', sa.String(length=1000), nullable=False),
    sa.Column('earliest_day', sa.Date(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(length=500), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_work_order_customer_id')),
    sa.ForeignKeyConstraint(['premises_id'], ['premises.id'], name=op.f('fk_work_order_premises_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_work_order_territory_id')),
    sa.ForeignKeyConstraint(['work_type'], ['work_type.code'], name=op.f('fk_work_order_work_type')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_order'))
    )
    with op.batch_alter_table('work_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_work_order_customer_id'), ['customer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_order_earliest_day'), ['earliest_day'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_order_request_id'), ['request_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_order_series_id'), ['series_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_order_status'), ['status'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_order_territory_id'), ['territory_id'], unique=False)

    op.create_table('account',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('login', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('role', sa.Enum('admin', 'dispatcher', 'intake', 'crew', 'auditor', name='role', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=True),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('failed_logins', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_account_crew_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('login', name=op.f('uq_account_login'))
    )
    op.create_table('member',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('phone', sa.String(length=32), nullable=True),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_member_crew_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member'))
    )
    with op.batch_alter_table('member', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_member_crew_id'), ['crew_id'], unique=False)

    op.create_table('series_occurrence',
    sa.Column('series_id', sa.String(length=32), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('work_order_id', sa.String(length=32), nullable=True),
    sa.Column('skipped', sa.String(length=80), nullable=False),
    sa.ForeignKeyConstraint(['series_id'], ['series.id'], name=op.f('fk_series_occurrence_series_id')),
    sa.PrimaryKeyConstraint('series_id', 'due_on', name=op.f('pk_series_occurrence'))
    )
    op.create_table('shift',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=48), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('max_overtime_s', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('planned', 'on_duty', 'off_duty', name='shiftstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('absent', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_shift_crew_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shift'))
    )
    with op.batch_alter_table('shift', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_shift_crew_id'), ['crew_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_shift_day'), ['day'], unique=False)

    op.create_table('stock',
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('part', sa.String(length=32), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_stock_crew_id')),
    sa.PrimaryKeyConstraint('crew_id', 'part', name=op.f('pk_stock'))
    )
    op.create_table('account_session',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.String(length=32), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_account_session_account_id')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_account_session'))
    )
    with op.batch_alter_table('account_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_session_account_id'), ['account_id'], unique=False)

    op.create_table('certificate',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('member_id', sa.String(length=32), nullable=False),
    sa.Column('skill', sa.String(length=16), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_certificate_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_certificate')),
    sa.UniqueConstraint('member_id', 'skill', 'valid_from', name=op.f('uq_certificate_member_id_skill_valid_from'))
    )
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_member_id'), ['member_id'], unique=False)

    op.create_table('shift_break',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('shift_id', sa.String(length=48), nullable=False),
    sa.Column('earliest_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('latest_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('duration_s', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['shift_id'], ['shift.id'], name=op.f('fk_shift_break_shift_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shift_break'))
    )
    with op.batch_alter_table('shift_break', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_shift_break_shift_id'), ['shift_id'], unique=False)

    op.create_table('shift_member',
    sa.Column('shift_id', sa.String(length=48), nullable=False),
    sa.Column('member_id', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['member_id'], ['member.id'], name=op.f('fk_shift_member_member_id')),
    sa.ForeignKeyConstraint(['shift_id'], ['shift.id'], name=op.f('fk_shift_member_shift_id')),
    sa.PrimaryKeyConstraint('shift_id', 'member_id', name=op.f('pk_shift_member'))
    )
    op.create_table('sign_in_link',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.String(length=32), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_sign_in_link_account_id')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_sign_in_link'))
    )
    op.create_table('visit',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('work_order_id', sa.String(length=32), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('territory_id', sa.String(length=32), nullable=False),
    sa.Column('status', sa.Enum('planned', 'published', 'dispatched', 'accepted', 'en_route', 'arrived', 'working', 'paused', 'done', 'not_done', 'cancelled', name='visitstatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('earliest_day', sa.Date(), nullable=False),
    sa.Column('duration_s', sa.Integer(), nullable=False),
    sa.Column('setup_s', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('window_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('window_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('allowed_crews', sa.JSON(), nullable=True),
    sa.Column('forbidden_crews', sa.JSON(), nullable=False),
    sa.Column('preferred_crews', sa.JSON(), nullable=False),
    sa.Column('locked_crew', sa.Boolean(), nullable=False),
    sa.Column('locked_crew_id', sa.String(length=32), nullable=True),
    sa.Column('locked_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('crew_id', sa.String(length=32), nullable=True),
    sa.Column('shift_id', sa.String(length=48), nullable=True),
    sa.Column('planned_arrive_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('planned_start_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('planned_end_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('travel_s', sa.Integer(), nullable=True),
    sa.Column('arrived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=64), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_visit_crew_id')),
    sa.ForeignKeyConstraint(['locked_crew_id'], ['crew.id'], name=op.f('fk_visit_locked_crew_id')),
    sa.ForeignKeyConstraint(['shift_id'], ['shift.id'], name=op.f('fk_visit_shift_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_visit_territory_id')),
    sa.ForeignKeyConstraint(['work_order_id'], ['work_order.id'], name=op.f('fk_visit_work_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit')),
    sa.UniqueConstraint('work_order_id', 'number', name=op.f('uq_visit_work_order_id_number'))
    )
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.create_index('ix_visit_crew_day', ['crew_id', 'planned_start_at'], unique=False)
        batch_op.create_index('ix_visit_pool', ['territory_id', 'status', 'earliest_day'], unique=False)
        batch_op.create_index('uq_visit_crew_busy', ['crew_id'], unique=True, sqlite_where=sa.text("status IN ('en_route', 'arrived', 'working')"), postgresql_where=sa.text("status IN ('en_route', 'arrived', 'working')"))

    op.create_table('assignment',
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('shift_id', sa.String(length=48), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('arrive_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('start_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('travel_s', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_assignment_crew_id')),
    sa.ForeignKeyConstraint(['plan_id'], ['plan.id'], name=op.f('fk_assignment_plan_id')),
    sa.ForeignKeyConstraint(['shift_id'], ['shift.id'], name=op.f('fk_assignment_shift_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_assignment_visit_id')),
    sa.PrimaryKeyConstraint('plan_id', 'visit_id', name=op.f('pk_assignment'))
    )
    op.create_table('crew_action',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('op_id', sa.String(length=64), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('crew_id', sa.String(length=32), nullable=False),
    sa.Column('action', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.String(length=64), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('lat', sa.Float(), nullable=True),
    sa.Column('lon', sa.Float(), nullable=True),
    sa.Column('device_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['crew_id'], ['crew.id'], name=op.f('fk_crew_action_crew_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_crew_action_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_crew_action')),
    sa.UniqueConstraint('op_id', name=op.f('uq_crew_action_op_id'))
    )
    with op.batch_alter_table('crew_action', schema=None) as batch_op:
        batch_op.create_index('ix_crew_action_visit', ['visit_id', 'id'], unique=False)

    op.create_table('left_out',
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(length=32), nullable=False),
    sa.Column('shifts', sa.JSON(), nullable=False),
    sa.Column('hint', sa.String(length=500), nullable=False),
    sa.ForeignKeyConstraint(['plan_id'], ['plan.id'], name=op.f('fk_left_out_plan_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_left_out_visit_id')),
    sa.PrimaryKeyConstraint('plan_id', 'visit_id', name=op.f('pk_left_out'))
    )
    op.create_table('promise',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('visit_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('offered', 'held', 'booked', 'confirmed', 'kept', 'missed', 'rescheduled', 'cancelled', name='promisestatus', native_enum=False, create_constraint=True, length=32), nullable=False),
    sa.Column('start_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_promise_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_promise')),
    sa.UniqueConstraint('visit_id', 'number', name=op.f('uq_promise_visit_id_number'))
    )
    with op.batch_alter_table('promise', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_promise_visit_id'), ['visit_id'], unique=False)
    triggers.create(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first release; restore a backup instead")
