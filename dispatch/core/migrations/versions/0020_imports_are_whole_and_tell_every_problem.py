"""Files that are sent say their size, and imports keep every problem."""

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('import_file', sa.Column('size', sa.Integer(), nullable=False, server_default='0'))
    op.execute(
        "UPDATE import_file SET size = (SELECT COALESCE(SUM(LENGTH(content)), 0) FROM import_part "
        "WHERE import_part.file_id = import_file.id)"
    )
    op.create_table('import_problems',
    sa.Column('import_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['import_run.id'], name=op.f('fk_import_problems_import_id')),
    sa.PrimaryKeyConstraint('import_id', 'number', name=op.f('pk_import_problems'))
    )


def downgrade() -> None:
    op.drop_table('import_problems')
    op.drop_column('import_file', 'size')
