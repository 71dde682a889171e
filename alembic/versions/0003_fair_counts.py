"""How long runs have been worked on, what they had reached at a crash, and waits that last."""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _columns() -> dict[str, tuple[sa.Column, ...]]:
    return {
        "run": (
            sa.Column("crash_seq", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("worked_s", sa.Float(), nullable=False, server_default="0"),
        ),
        "wait": (sa.Column("lasts", sa.Boolean(), nullable=False, server_default=sa.false()),),
    }


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
