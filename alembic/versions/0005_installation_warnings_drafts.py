"""Who administers the installation, remarks on steps that went well, estimated usage, and prices set by hand.

Drafts become rows of their own: those there are are the branch "main" of their workflows, and go back from it.
"""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COMMAND_LINE = "local@agentloom.invalid"
_MOVED = ("graph", "revision", "edits_seen")
_SHARED = ("workspace_id", *_MOVED, "created_at", "updated_at")


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


def _json() -> sa.JSON:
    return sa.JSON(none_as_null=True)


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _tables() -> tuple[sa.TableClause, sa.TableClause]:
    workflow = sa.table("workflow", sa.column("id"), *map(sa.column, _SHARED))
    names = ("id", "workflow_id", "branch", *_SHARED)
    return workflow, sa.table("draft", *map(sa.column, names))


def _move_to_drafts() -> None:
    """The draft of `wfl_01J…` is `drf_01J…`."""
    workflow, draft = _tables()
    tail = sa.case(
        (workflow.c.id.startswith("wfl_", autoescape=True), sa.func.substr(workflow.c.id, 5)),
        else_=workflow.c.id,
    )
    rows = sa.select(
        sa.literal("drf_") + tail,
        workflow.c.id,
        sa.literal("main"),
        *(workflow.c[name] for name in _SHARED),
    )
    op.execute(sa.insert(draft).from_select(("id", "workflow_id", "branch", *_SHARED), rows))


def _move_back() -> None:
    workflow, draft = _tables()
    of_it = (draft.c.workflow_id == workflow.c.id) & (draft.c.branch == "main")
    values = {name: sa.select(draft.c[name]).where(of_it).scalar_subquery() for name in _MOVED}
    op.execute(sa.update(workflow).values(values))


def _upgrade_drafts() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("branch", sa.String(100), nullable=False),
        sa.Column("graph", _json(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("edits_seen", _json(), nullable=True),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft"),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflow.id"], name="fk_draft_workflow_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_draft_workspace_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workflow_id", "branch", name="uq_draft_workflow_id_branch"),
    )
    op.create_index("ix_draft_workspace_id", "draft", ["workspace_id"])
    _move_to_drafts()
    for column in _MOVED:
        op.drop_column("workflow", column)


def _downgrade_drafts() -> None:
    op.add_column("workflow", sa.Column("graph", _json(), nullable=True))
    op.add_column("workflow", sa.Column("revision", sa.Integer(), nullable=True))
    op.add_column("workflow", sa.Column("edits_seen", _json(), nullable=True))
    _move_back()
    with op.batch_alter_table("workflow") as table:
        table.alter_column("graph", existing_type=_json(), nullable=False)
        table.alter_column("revision", existing_type=sa.Integer(), nullable=False)
    op.drop_table("draft")


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
    _upgrade_drafts()


def downgrade() -> None:
    _downgrade_drafts()
    op.drop_table("model_price")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
