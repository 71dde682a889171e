"""Read and check workflows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Integer, func, literal, select
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.catalog import catalog
from app.engine.graph.checks.models import ModelsHere
from app.engine.graph.ports import outputs_of
from app.engine.graph.upgrades import open_graph
from app.engine.sdk.node import ERROR_PORT, TOOL_PORT
from app.kernel.errors import NotFound
from app.models import MAIN, Draft, Project, Run, Workflow, metadata
from app.models.types import Json, UtcDateTime
from app.services.access import Actor, Permission, require, scoped
from app.services.page import Order, Page
from app.services.workflows.checks import compile_view
from app.services.workflows.rows import load_workflow, summary_view, workflow_view
from app.services.workflows.views import CompileView, WorkflowSummary, WorkflowView

WorkflowSort = Literal["name", "nodes", "last_run_at", "updated_at"]


@dataclass(frozen=True)
class Sorting:
    """What the list of workflows is sorted by."""

    by: WorkflowSort = "updated_at"
    descending: bool = True


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


async def list_workflows(
    uow: UnitOfWork,
    actor: Actor,
    *,
    cursor: str | None = None,
    limit: int = 50,
    search: str | None = None,
    project_id: str | None = None,
    sorting: Sorting = Sorting(),
) -> Page[WorkflowSummary]:
    """List workflows, the most recently changed first unless sorted otherwise. `search` looks in the names.

    The graphs stay in the database: only what the lines show of them is read.
    """
    require(actor, Permission.WORKFLOW_READ)
    columns = _columns(uow, actor)
    last_run = func.coalesce(columns["last_run_at"], literal(_NEVER, UtcDateTime))
    keys: dict[WorkflowSort, tuple[ColumnElement[Any], type]] = {
        "name": (func.lower(columns["name"]), str),
        "nodes": (columns["node_count"], int),
        "last_run_at": (last_run, datetime),
        "updated_at": (columns["updated_at"], datetime),
    }
    order = Order(sorting.by, *keys[sorting.by], sorting.descending)
    query = (
        scoped(Workflow, actor)
        .join(Draft, (col(Draft.workflow_id) == col(Workflow.id)) & (col(Draft.branch) == MAIN))
        .join(Project, col(Project.id) == col(Workflow.project_id))
        .where(col(Workflow.deleted_at).is_(None))
        .with_only_columns(
            order.key.label("key"), *(one.label(name) for name, one in columns.items())
        )
    )
    if search and search.strip():
        query = query.where(col(Workflow.name).icontains(search.strip(), autoescape=True))
    if project_id:
        query = query.where(col(Workflow.project_id) == project_id)
    rows = (await uow.session.execute(order.apply(query, col(Workflow.id), cursor, limit))).all()
    items = tuple(summary_view(row._asdict()) for row in rows[:limit])
    more = len(rows) > limit
    return Page(
        items=items,
        next_cursor=order.cursor(rows[limit - 1].key, items[-1].id) if more else None,
    )


async def see_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> None:
    """Check that there is such a workflow.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_READ)
    query = scoped(Workflow, actor).where(
        col(Workflow.id) == workflow_id, col(Workflow.deleted_at).is_(None)
    )
    if await uow.session.scalar(query.with_only_columns(col(Workflow.id))) is None:
        raise NotFound("There is no such workflow.")


async def name_workflows(
    uow: UnitOfWork, actor: Actor, limit: int = 100
) -> tuple[tuple[str, str], ...]:
    """Ids and names of workflows, the most recently changed first: to choose from."""
    require(actor, Permission.WORKFLOW_READ)
    query = (
        scoped(Workflow, actor)
        .where(col(Workflow.deleted_at).is_(None))
        .order_by(col(Workflow.updated_at).desc(), col(Workflow.id).desc())
        .limit(limit)
        .with_only_columns(col(Workflow.id), col(Workflow.name))
    )
    return tuple((row.id, row.name) for row in (await uow.session.execute(query)).all())


def _columns(uow: UnitOfWork, actor: Actor) -> dict[str, ColumnElement[Any]]:
    """What a line of the list shows, by its name."""
    latest = (
        scoped(Run, actor)
        .where(col(Run.workflow_id) == col(Workflow.id))
        .order_by(col(Run.queued_at).desc(), col(Run.id).desc())
        .limit(1)
        .correlate(Workflow)
    )
    names = ("id", "name", "project_id", "status", "template_id", "updated_at")
    table = metadata.tables["workflow"].c
    count, kinds = _inside(uow)
    return {
        **{name: table[name] for name in names},
        "revision": metadata.tables["draft"].c.revision,
        "project_name": metadata.tables["project"].c.name,
        "node_count": func.coalesce(count, 0),
        "kinds": kinds,
        "last_run_status": latest.with_only_columns(col(Run.status)).scalar_subquery(),
        "last_run_at": latest.with_only_columns(col(Run.queued_at)).scalar_subquery(),
    }


def _inside(uow: UnitOfWork) -> tuple[ColumnElement[int | None], ColumnElement[Any]]:
    """How many nodes a draft has, and their kinds."""
    graph = metadata.tables["draft"].c.graph
    if uow.session.get_bind().dialect.name == "postgresql":
        nodes = graph["nodes"]
        each = func.json_array_elements(nodes).column_valued("node")
        kinds = select(func.json_agg(each.op("->>")("kind").distinct(), type_=Json))
        return func.json_array_length(nodes, type_=Integer), kinds.scalar_subquery()
    node = func.json_each(graph, "$.nodes").table_valued("value")
    kind = func.json_extract(node.c.value, "$.kind")
    kinds = select(func.json_group_array(kind.distinct(), type_=Json))
    return func.json_array_length(graph, "$.nodes", type_=Integer), kinds.scalar_subquery()


async def get_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> WorkflowView:
    """Return a workflow with its draft.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_READ)
    return workflow_view(*await load_workflow(uow, actor, workflow_id))


async def blank_output(
    uow: UnitOfWork, actor: Actor, workflow_id: str, node_id: str
) -> dict[str, Any]:
    """Return an empty output of a node, by port, for a person to fill in.

    A node that is no longer in the draft has no ports.

    Raises:
        NotFound: There is no such workflow, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_READ)
    _, draft, _ = await load_workflow(uow, actor, workflow_id)
    node = next(
        (one for one in open_graph(draft.graph, catalog()).nodes if one.id == node_id), None
    )
    node_type = node and catalog().get(node.kind)
    if not node or not node_type:
        return {}
    ports = (port for port in outputs_of(node, node_type) if port.socket)
    kept = (port for port in ports if port.name not in (ERROR_PORT, TOOL_PORT))
    return {port.name: "" if port.type == "text" else None for port in kept}


async def compile_workflow(
    uow: UnitOfWork, actor: Actor, workflow_id: str, models: ModelsHere | None = None
) -> CompileView:
    """Say whether the draft can run, and if not, what to fix; `models` are those known to be available.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_READ)
    _, draft, _ = await load_workflow(uow, actor, workflow_id)
    return compile_view(open_graph(draft.graph, catalog()), draft.workflow_id, models)
