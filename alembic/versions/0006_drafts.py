"""Drafts are rows of their own: those there are become the branch "main" of their workflows, and go back from it."""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


_MOVED = ("graph", "revision", "edits_seen")
_SHARED = ("workspace_id", *_MOVED, "created_at", "updated_at")


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


def upgrade() -> None:
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


def downgrade() -> None:
    op.add_column("workflow", sa.Column("graph", _json(), nullable=True))
    op.add_column("workflow", sa.Column("revision", sa.Integer(), nullable=True))
    op.add_column("workflow", sa.Column("edits_seen", _json(), nullable=True))
    _move_back()
    with op.batch_alter_table("workflow") as table:
        table.alter_column("graph", existing_type=_json(), nullable=False)
        table.alter_column("revision", existing_type=sa.Integer(), nullable=False)
    op.drop_table("draft")
