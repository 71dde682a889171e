"""All tables of the first release.

Column types are spelled out, so that later changes of the models do not change this migration.
"""

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def json() -> sa.JSON:
    """A JSON value; Python's None is SQL's NULL."""
    return sa.JSON(none_as_null=True)


def moment() -> sa.DateTime:
    """A moment in UTC."""
    return sa.DateTime(timezone=True)


def _audit_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=True),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("details", json(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_workspace_id", "audit_entry", ["workspace_id"])


def _template() -> None:
    op.create_table(
        "template",
        sa.Column("id", sa.String(60), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("needs", json(), nullable=False),
        sa.Column("graph", json(), nullable=False),
        sa.Column("example_input", json(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_template"),
    )


def _user_account() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("disabled_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("email", name="uq_user_account_email"),
    )


def _workspace() -> None:
    op.create_table(
        "workspace",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("run_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspace"),
    )


def _member() -> None:
    op.create_table(
        "member",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_member"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_member_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_member_workspace_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("workspace_id", "user_id", name="uq_member_workspace_id_user_id"),
    )
    op.create_index("ix_member_user_id", "member", ["user_id"])
    op.create_index("ix_member_workspace_id", "member", ["workspace_id"])


def _memory_value() -> None:
    op.create_table(
        "memory_value",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("value", json(), nullable=True),
        sa.Column("updated_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "scope", "key", name="pk_memory_value"),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name="fk_memory_value_workspace_id",
            ondelete="CASCADE",
        ),
    )


def _project() -> None:
    op.create_table(
        "project",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_project_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_project_workspace_id", "project", ["workspace_id"])


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.Column("revoked_at", moment(), nullable=True),
        sa.Column("user_agent", sa.String(300), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_session_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_session_user_id", "session", ["user_id"])


def _workflow() -> None:
    op.create_table(
        "workflow",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("graph", json(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("edits_seen", json(), nullable=True),
        sa.Column("template_id", sa.String(), nullable=True),
        sa.Column("example_input", json(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_workflow"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name="fk_workflow_project_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_workflow_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_workflow_project_id", "workflow", ["project_id"])
    op.create_index("ix_workflow_recent", "workflow", ["workspace_id", "updated_at"])
    op.create_index("ix_workflow_workspace_id", "workflow", ["workspace_id"])


def _workflow_version() -> None:
    op.create_table(
        "workflow_version",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("graph", json(), nullable=False),
        sa.Column("graph_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_version"),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflow.id"],
            name="fk_workflow_version_workflow_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name="fk_workflow_version_workspace_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("workflow_id", "number", name="uq_workflow_version_workflow_id_number"),
    )
    op.create_index("ix_workflow_version_workflow_id", "workflow_version", ["workflow_id"])
    op.create_index("ix_workflow_version_workspace_id", "workflow_version", ["workspace_id"])


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("trigger", sa.String(40), nullable=False),
        sa.Column("started_by", sa.String(), nullable=True),
        sa.Column("idempotency_key", sa.String(200), nullable=True),
        sa.Column("request_hash", sa.String(64), nullable=True),
        sa.Column("input", json(), nullable=True),
        sa.Column("output", json(), nullable=True),
        sa.Column("error", json(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger(), nullable=False),
        sa.Column("unpriced", sa.Boolean(), nullable=False),
        sa.Column("control", sa.String(20), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", moment(), nullable=True),
        sa.Column("queued_at", moment(), nullable=False),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("finished_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["workflow_version.id"], name="fk_run_version_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflow.id"], name="fk_run_workflow_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_run_workspace_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "workspace_id", "idempotency_key", name="uq_run_workspace_id_idempotency_key"
        ),
    )
    op.create_index("ix_run_lease", "run", ["status", "lease_until"])
    op.create_index("ix_run_of_workflow", "run", ["workflow_id", "queued_at"])
    op.create_index("ix_run_recent", "run", ["workspace_id", "queued_at"])


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("step_path", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("question", json(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("answer", json(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("decided_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_approval_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_approval_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_approval_open", "approval", ["workspace_id", "status"])
    op.create_index("ix_approval_run_id", "approval", ["run_id"])
    op.create_index("ix_approval_step_id", "approval", ["step_id"])


def _blob() -> None:
    op.create_table(
        "blob",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blob"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_blob_run_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_blob_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_blob_run_id", "blob", ["run_id"])
    op.create_index("ix_blob_workspace_id", "blob", ["workspace_id"])


def _llm_call() -> None:
    op.create_table(
        "llm_call",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("step_path", sa.String(), nullable=False),
        sa.Column("span_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_llm_call"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_llm_call_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_llm_call_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_llm_call_run_id", "llm_call", ["run_id"])
    op.create_index("ix_llm_call_workspace_id", "llm_call", ["workspace_id"])


def _run_event() -> None:
    op.create_table(
        "run_event",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("node_id", sa.String(), nullable=True),
        sa.Column("path", sa.String(), nullable=True),
        sa.Column("span_id", sa.String(), nullable=True),
        sa.Column("payload", json(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name="pk_run_event"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name="fk_run_event_run_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_run_event_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_run_event_workspace_id", "run_event", ["workspace_id"])


def _span() -> None:
    op.create_table(
        "span",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("step_path", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attributes", json(), nullable=False),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("finished_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_span"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_span_run_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_span_workspace_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_span_run_id", "span", ["run_id"])
    op.create_index("ix_span_workspace_id", "span", ["workspace_id"])


def _step() -> None:
    op.create_table(
        "step",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("alive", json(), nullable=True),
        sa.Column("input", json(), nullable=True),
        sa.Column("output", json(), nullable=True),
        sa.Column("error", json(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger(), nullable=True),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("finished_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_step"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_step_run_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_step_workspace_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("run_id", "path", name="uq_step_run_id_path"),
    )
    op.create_index("ix_step_workspace_id", "step", ["workspace_id"])


def upgrade() -> None:
    _audit_entry()
    _template()
    _user_account()
    _workspace()
    _member()
    _memory_value()
    _project()
    _session()
    _workflow()
    _workflow_version()
    _run()
    _approval()
    _blob()
    _llm_call()
    _run_event()
    _span()
    _step()


def downgrade() -> None:
    for table in (
        "step",
        "span",
        "run_event",
        "llm_call",
        "blob",
        "approval",
        "run",
        "workflow_version",
        "workflow",
        "session",
        "project",
        "memory_value",
        "member",
        "workspace",
        "user_account",
        "template",
        "audit_entry",
    ):
        op.drop_table(table)
