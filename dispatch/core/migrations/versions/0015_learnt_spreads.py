"""Learnt spreads"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "learnt_spread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("territory_id", sa.String(length=32), nullable=False),
        sa.Column(
            "measure",
            sa.Enum(
                "service",
                "travel",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "part",
            sa.Enum(
                "all",
                "work_type",
                "crew",
                "hour",
                name="part",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("mid", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("learnt_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["territory_id"], ["territory.id"], name=op.f("fk_learnt_spread_territory_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learnt_spread")),
        sa.UniqueConstraint(
            "territory_id",
            "measure",
            "part",
            "key",
            name=op.f("uq_learnt_spread_territory_id_measure_part_key"),
        ),
    )


def downgrade() -> None:
    op.drop_table("learnt_spread")
