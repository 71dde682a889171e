"""What runs need to wait, pause, fork, be called by runs, take turns and start by schedule."""

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def json() -> sa.JSON:
    """A JSON value; Python's None is SQL's NULL."""
    return sa.JSON(none_as_null=True)


def moment() -> sa.DateTime:
    """A moment in UTC."""
    return sa.DateTime(timezone=True)


def _belongs(table: str, owner: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{owner}_id"
    return sa.ForeignKeyConstraint([f"{owner}_id"], [f"{owner}.id"], name=name, ondelete="CASCADE")


def _columns() -> dict[str, tuple[sa.Column, ...]]:
    return {
        "run": (
            sa.Column("priority", sa.Integer(), nullable=False, server_default="1"),
            sa.Column("concurrency_key", sa.String(200), nullable=True),
            sa.Column("limits", json(), nullable=True),
            sa.Column("pins", json(), nullable=True),
            sa.Column("parent_run_id", sa.String(), nullable=True),
            sa.Column("parent_path", sa.String(), nullable=True),
            sa.Column("depth", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("forked_from", sa.String(), nullable=True),
            sa.Column("fork_path", sa.String(), nullable=True),
            sa.Column("dead_at", moment(), nullable=True),
            sa.Column("requeued_as", sa.String(), nullable=True),
        ),
        "approval": (sa.Column("taken", sa.Boolean(), nullable=False, server_default=sa.false()),),
        "step": (sa.Column("origin", sa.String(20), nullable=True),),
        "workflow": (sa.Column("run_settings", json(), nullable=True),),
        "workspace": (sa.Column("max_running", sa.Integer(), nullable=True),),
    }


def _wait() -> None:
    op.create_table(
        "wait",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("step_path", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(100), nullable=True),
        sa.Column("until", moment(), nullable=True),
        sa.Column("child_run_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("result", json(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("done_at", moment(), nullable=True),
        sa.Column("taken", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_wait"),
        _belongs("wait", "run"),
        _belongs("wait", "workspace"),
    )
    op.create_index("ix_wait_workspace_id", "wait", ["workspace_id"])
    op.create_index("ix_wait_run_id", "wait", ["run_id"])
    op.create_index("ix_wait_child_run_id", "wait", ["child_run_id"])
    op.create_index("ix_wait_due", "wait", ["status", "until"])


def _step_cache() -> None:
    op.create_table(
        "step_cache",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("output", json(), nullable=True),
        sa.Column("alive", json(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "key", name="pk_step_cache"),
        _belongs("step_cache", "workspace"),
    )
    op.create_index("ix_step_cache_expires_at", "step_cache", ["expires_at"])


def _schedule() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("cron", sa.String(200), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("input", json(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("missed", sa.String(10), nullable=False),
        sa.Column("next_at", moment(), nullable=True),
        sa.Column("planned_at", moment(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
        _belongs("schedule", "workspace"),
        _belongs("schedule", "workflow"),
    )
    op.create_index("ix_schedule_workspace_id", "schedule", ["workspace_id"])
    op.create_index("ix_schedule_workflow_id", "schedule", ["workflow_id"])
    op.create_index("ix_schedule_due", "schedule", ["enabled", "next_at"])


def _schedule_fire() -> None:
    op.create_table(
        "schedule_fire",
        sa.Column("schedule_id", sa.String(), nullable=False),
        sa.Column("fire_at", moment(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("schedule_id", "fire_at", name="pk_schedule_fire"),
        _belongs("schedule_fire", "schedule"),
        _belongs("schedule_fire", "workspace"),
    )
    op.create_index("ix_schedule_fire_workspace_id", "schedule_fire", ["workspace_id"])


def upgrade() -> None:
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_run_turn", "run", ["status", "workspace_id", "priority", "queued_at"])
    dead = sa.text("dead_at IS NOT NULL")
    op.create_index(
        "ix_run_dead", "run", ["workspace_id", "dead_at"], sqlite_where=dead, postgresql_where=dead
    )
    op.create_index("ix_run_parent_run_id", "run", ["parent_run_id"])
    op.create_index("ix_run_forked_from", "run", ["forked_from"])
    _wait()
    _step_cache()
    _schedule()
    _schedule_fire()


def downgrade() -> None:
    for table in ("schedule_fire", "schedule", "step_cache", "wait"):
        op.drop_table(table)
    for index in ("ix_run_turn", "ix_run_dead", "ix_run_parent_run_id", "ix_run_forked_from"):
        op.drop_index(index, "run")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
