"""Versions of workflows: made from drafts, compiled to plans."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.catalog import catalog
from app.engine.graph.upgrades import open_graph, upgraded
from app.engine.runtime.compiler import compile as compile_graph
from app.engine.runtime.plan import Plan
from app.kernel.clock import now
from app.kernel.errors import InvalidInput, NeedsMigration, NotFound
from app.kernel.ids import new_id
from app.models import Workflow, WorkflowVersion, Workspace
from app.services.access import Actor, scoped


def plan_of(graph: Mapping[str, Any]) -> Plan:
    """Compile a version's graph; the same graph is compiled once per process.

    Raises:
        GraphInvalid: `context["problems"]` lists what blocks running.
    """
    return compile_graph(open_graph(graph, catalog()), catalog())


def plan_to_execute(graph: Mapping[str, Any]) -> Plan:
    """Compile a version's graph to execute it: only with the node types it was made with, or upgraded to them.

    Raises:
        NeedsMigration: The implementation of a node is not here, or has another version to which nothing upgrades
            the node; running it would silently mean something else.
        GraphInvalid: `context["problems"]` lists what blocks running.
    """
    types = catalog()
    other = []
    for node in upgraded(dict(graph), types)["nodes"]:
        known = types.get(node["kind"])
        if known is None or known.version != node.get("version", 1):
            other.append(node)
    if other:
        first = other[0]
        name = first.get("label") or first["id"]
        more = f" and {len(other) - 1} more" if len(other) > 1 else ""
        raise NeedsMigration(
            f"'{name}' ({first['kind']} version {first.get('version', 1)}){more} cannot be executed "
            "here any more. Open the workflow, bring these nodes up to date, and run it again.",
            nodes=[node["id"] for node in other],
        )
    return plan_of(graph)


def hashed(value: Any) -> tuple[str, bytes]:  # noqa: ANN401 - JSON
    """Hash a wish or a graph; its JSON comes along.

    Raises:
        InvalidInput: It is no JSON value.
    """
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidInput("The input must be a JSON value.", field="input") from error
    return hashlib.sha256(data).hexdigest(), data


async def locked_workspace(uow: UnitOfWork, workspace_id: str) -> Workspace:
    """Read a workspace and keep its counter of runs: starts come one after the other.

    Rows that point to it may be stored meanwhile. Else whoever stores steps of a run, and waits for the
    workspace, and whoever wants that run here, would wait for each other.
    """
    return await uow.session.get_one(
        Workspace, workspace_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def locked_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> Workflow:
    """Read a workflow, locked, so that two first runs of a graph do not both make its version.

    Raises:
        NotFound: There is none, or it was deleted.
    """
    query = scoped(Workflow, actor).where(
        col(Workflow.id) == workflow_id, col(Workflow.deleted_at).is_(None)
    )
    workflow = (await uow.session.execute(query.with_for_update())).scalar_one_or_none()
    if workflow is None:
        raise NotFound("There is no such workflow.")
    return workflow


async def version_of(uow: UnitOfWork, actor: Actor, workflow: Workflow) -> WorkflowVersion:
    """Return the version of a workflow's draft as it is now, made when there is none. The workflow is locked."""
    query = scoped(WorkflowVersion, actor).where(col(WorkflowVersion.workflow_id) == workflow.id)
    latest = (
        await uow.session.execute(query.order_by(col(WorkflowVersion.number).desc()).limit(1))
    ).scalar_one_or_none()
    digest = hashed(workflow.graph)[0]
    if latest is not None and latest.graph_hash == digest:
        return latest
    version = WorkflowVersion(
        id=new_id("version"),
        workspace_id=workflow.workspace_id,
        workflow_id=workflow.id,
        number=latest.number + 1 if latest else 1,
        graph=workflow.graph,
        graph_hash=digest,
        created_by=actor.user_id,
        created_at=now(),
    )
    uow.session.add(version)
    await uow.session.flush()
    return version
