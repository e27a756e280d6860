"""How late crews set out is learnt."""

import sqlalchemy as sa
from alembic import op


revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def _measure(*names: str) -> sa.Enum:
    return sa.Enum(*names, name='measure', native_enum=False, create_constraint=True, length=32)


BEFORE = _measure('service', 'travel')
AFTER = _measure('service', 'travel', 'setting_out')


def upgrade() -> None:
    with op.batch_alter_table('learnt_spread') as batch:
        batch.alter_column('measure', existing_type=BEFORE, type_=AFTER, existing_nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM learnt_spread WHERE measure = 'setting_out'")
    with op.batch_alter_table('learnt_spread') as batch:
        batch.alter_column('measure', existing_type=AFTER, type_=BEFORE, existing_nullable=False)
