"""Who administers the installation, remarks on steps that went well, estimated usage, and prices set by hand."""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COMMAND_LINE = "local@agentloom.invalid"


def _columns() -> dict[str, tuple[sa.Column, ...]]:
    def no(name: str) -> sa.Column:
        return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())

    return {
        "user_account": (no("is_installation_admin"),),
        "step": (sa.Column("warnings", sa.JSON(none_as_null=True), nullable=True),),
        "run": (sa.Column("warning_count", sa.Integer(), nullable=False, server_default="0"),),
        "llm_call": (no("is_estimated"),),
    }


def _name_the_first() -> None:
    """The oldest account administers an installation that is there already."""
    account = sa.table(
        "user_account",
        sa.column("id"),
        sa.column("email"),
        sa.column("created_at"),
        sa.column("is_installation_admin", sa.Boolean()),
    )
    first = (
        sa.select(account.c.id)
        .where(account.c.email != _COMMAND_LINE)
        .order_by(account.c.created_at, account.c.id)
        .limit(1)
        .scalar_subquery()
    )
    op.execute(sa.update(account).where(account.c.id == first).values(is_installation_admin=True))


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "model_price",
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("input_usd_per_mtok", sa.Float(), nullable=False),
        sa.Column("output_usd_per_mtok", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_model_price"),
    )
    _name_the_first()


def downgrade() -> None:
    op.drop_table("model_price")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
