"""Rows that tests start from: a workspace with a person, a workflow, a version, a run."""

import hashlib
from typing import Any

import orjson
from sqlmodel import col, select

from app.adapters.sql.database import Database, UnitOfWork
from app.kernel.clock import now
from app.kernel.ids import new_id
from app.models import Draft, Member, Project, Run, User, Workflow, WorkflowVersion, Workspace
from app.services.access import Actor, Role

EMPTY_GRAPH: dict[str, Any] = {"schema": 1, "nodes": [], "edges": []}


async def make_actor(database: Database, role: Role = "owner") -> Actor:
    """Store a person with a workspace of their own."""
    user_id, workspace_id = new_id("user"), new_id("workspace")
    async with database.work() as uow:
        uow.session.add_all(
            [
                User(
                    id=user_id,
                    email=f"{user_id}@example.org",
                    name="Ada",
                    password_hash="x",
                    created_at=now(),
                ),
                Workspace(id=workspace_id, name="Ada's", created_at=now()),
            ]
        )
        await uow.session.flush()
        uow.session.add(
            Member(
                id=new_id("member"),
                workspace_id=workspace_id,
                user_id=user_id,
                role=role,
                created_at=now(),
            )
        )
    return Actor(user_id=user_id, workspace_id=workspace_id, role=role, name="Ada")


async def make_workflow(
    database: Database, actor: Actor, graph: dict[str, Any] | None = None, name: str = "Flow"
) -> str:
    """Store a project with a workflow; return the workflow's id."""
    project_id, workflow_id = new_id("project"), new_id("workflow")
    async with database.work() as uow:
        uow.session.add(
            Project(id=project_id, workspace_id=actor.workspace_id, name="First", created_at=now())
        )
        await uow.session.flush()
        uow.session.add(
            Workflow(
                id=workflow_id,
                workspace_id=actor.workspace_id,
                project_id=project_id,
                name=name,
                created_at=now(),
                updated_at=now(),
            )
        )
        await uow.session.flush()
        uow.session.add(
            Draft(
                id=new_id("draft"),
                workspace_id=actor.workspace_id,
                workflow_id=workflow_id,
                graph=graph or EMPTY_GRAPH,
                created_at=now(),
                updated_at=now(),
            )
        )
    return workflow_id


async def draft_of(uow: UnitOfWork, workflow_id: str) -> Draft:
    """The draft of a workflow, to look at or to change."""
    return (
        await uow.session.execute(select(Draft).where(col(Draft.workflow_id) == workflow_id))
    ).scalar_one()


async def make_run(
    database: Database,
    actor: Actor,
    workflow_id: str | None = None,
    *,
    graph: dict[str, Any] | None = None,
    **columns: Any,
) -> Run:
    """Store a run (status running under epoch 1 unless told otherwise) with a version of its
    own."""
    workflow_id = workflow_id or await make_workflow(database, actor, graph)
    version_id = new_id("version")
    document = graph or EMPTY_GRAPH
    digest = hashlib.sha256(orjson.dumps([version_id, document])).hexdigest()
    async with database.work() as uow:
        workspace = await uow.session.get_one(Workspace, actor.workspace_id)
        workspace.run_count += 1
        number = workspace.run_count
        uow.session.add(
            WorkflowVersion(
                id=version_id,
                workspace_id=actor.workspace_id,
                workflow_id=workflow_id,
                number=number,
                graph=document,
                graph_hash=digest,
                created_at=now(),
            )
        )
        await uow.session.flush()
        run = Run(
            **{
                "id": new_id("run"),
                "workspace_id": actor.workspace_id,
                "workflow_id": workflow_id,
                "version_id": version_id,
                "number": number,
                "status": "running",
                "epoch": 1,
                "queued_at": now(),
                **columns,
            }
        )
        uow.session.add(run)
    return run
