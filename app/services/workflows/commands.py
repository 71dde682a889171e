"""Create, edit, rename and delete workflows."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.catalog import catalog
from app.engine.graph.checks.models import ModelsHere
from app.engine.graph.document import MAX_BYTES, Graph, parse_graph
from app.engine.graph.edits import Overtaken, apply
from app.engine.graph.upgrades import open_graph
from app.kernel.clock import now
from app.kernel.errors import InvalidInput, NotFound, RevisionConflict, TooLarge
from app.kernel.ids import new_id
from app.models import Draft, Project, Workflow
from app.services import audit
from app.services.access import Actor, Permission, require, scoped
from app.services.workflows.checks import compile_view
from app.services.workflows.live import tell_editors
from app.services.workflows.rows import load_workflow, workflow_view
from app.services.workflows.views import EditOvertaken, EditResult, WorkflowView

_EDITORS_KEPT = 20


def clean_name(name: str) -> str:
    """Return a name without superfluous spaces.

    Raises:
        InvalidInput: It is empty or longer than 200 characters.
    """
    clean = " ".join(name.split())
    if not 1 <= len(clean) <= 200:
        raise InvalidInput("Give the workflow a name of 1 to 200 characters.", field="name")
    return clean


def _stored(graph: Graph) -> dict[str, Any]:
    """The document as it is stored.

    Raises:
        TooLarge: It has more than 5 MB.
    """
    document = graph.as_json()
    size = len(orjson.dumps(document))
    if size > MAX_BYTES:
        raise TooLarge(
            f"The graph has {size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are allowed. "
            "Keep large data outside the nodes' forms."
        )
    return document


async def create_workflow(
    uow: UnitOfWork,
    actor: Actor,
    name: str,
    graph: object | None = None,
    project_id: str | None = None,
    *,
    template_id: str | None = None,
    example_input: Any = None,  # noqa: ANN401 - a JSON value
) -> WorkflowView:
    """Create a workflow; without a graph it is blank, without a project it goes to the first one.

    Raises:
        InvalidInput: The name is invalid.
        GraphInvalid, TooLarge: The graph is broken; the message names the place.
        NotFound: There is no such project.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    clean = clean_name(name)
    document = _stored(Graph() if graph is None else parse_graph(graph))
    projects = scoped(Project, actor).order_by(col(Project.created_at), col(Project.id)).limit(1)
    if project_id is not None:
        projects = projects.where(col(Project.id) == project_id)
    project = (await uow.session.scalars(projects)).first()
    if project is None:
        raise NotFound("There is no such project.")
    moment = now()
    workflow = Workflow(
        id=new_id("workflow"),
        workspace_id=actor.workspace_id,
        project_id=project.id,
        name=clean,
        template_id=template_id,
        example_input=example_input,
        created_by=actor.user_id,
        created_at=moment,
        updated_at=moment,
    )
    draft = Draft(
        id=new_id("draft"),
        workspace_id=actor.workspace_id,
        workflow_id=workflow.id,
        graph=document,
        created_at=moment,
        updated_at=moment,
    )
    uow.session.add(workflow)
    await uow.session.flush()
    uow.session.add(draft)
    await uow.session.flush()
    audit.record(uow, actor, "workflow.create", workflow.id)
    return workflow_view(workflow, draft, project.name)


async def save_draft(
    uow: UnitOfWork,
    actor: Actor,
    workflow_id: str,
    graph: object,
    base_revision: int,
    name: str | None = None,
) -> WorkflowView:
    """Replace the draft that was read at `base_revision`. A broken one is kept: it just cannot run.

    Raises:
        RevisionConflict: Somebody saved since; `context["revision"]` is the current one.
        GraphInvalid, TooLarge: The graph is malformed; the message names the place.
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    document = _stored(parse_graph(graph))
    workflow, draft, project_name = await load_workflow(uow, actor, workflow_id, lock=True)
    if draft.revision != base_revision:
        raise _moved_on(draft, base_revision)
    if name is not None:
        workflow.name = clean_name(name)
    _put(workflow, draft, document)
    tell_editors(uow, draft)
    await uow.session.flush()
    return workflow_view(workflow, draft, project_name)


async def edit_draft(  # noqa: PLR0913 - what an editor sends, and what is here
    uow: UnitOfWork,
    actor: Actor,
    workflow_id: str,
    base_revision: int,
    ops: Sequence[dict[str, Any]],
    client: str = "",
    seq: int = 0,
    *,
    models: ModelsHere | None = None,
    exact: bool = False,
) -> EditResult:
    """Apply edits to the current draft, and say what is wrong with the result.

    Args:
        base_revision: What the editor had; an older one still applies, and the answer is `behind`.
        client: The editor's own name. With it, a repeated `seq` changes nothing.
        models: Those known to be available; None: models are not checked.
        exact: Apply only to the revision the editor had; an older one is refused.

    Raises:
        RevisionConflict: The draft has moved on, and the edits fit no other revision.
        EditRefused: An edit would make the graph invalid; nothing is applied.
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    workflow, draft, _ = await load_workflow(uow, actor, workflow_id, lock=True)
    seen = dict(draft.edits_seen or {})
    last_seq, last_revision = seen.get(client, (0, 0))
    graph = open_graph(draft.graph, catalog())
    if base_revision > draft.revision:
        raise InvalidInput(
            f"There is no revision {base_revision} yet; the workflow is at {draft.revision}.",
            field="base_revision",
        )
    if client and seq <= last_seq:
        return _edited(draft, graph, (), models, behind=draft.revision != last_revision)
    if exact and draft.revision != base_revision:
        raise _moved_on(draft, base_revision)
    behind = draft.revision not in (base_revision, last_revision if client else base_revision)
    applied = apply(graph, ops)
    if applied.overtaken:
        return _edited(draft, graph, (), models, behind=behind, overtaken=applied.overtaken)
    graph = applied.graph
    _put(workflow, draft, _stored(graph))
    tell_editors(uow, draft, client, ops)
    if client:
        seen[client] = [seq, draft.revision]
        latest = sorted(seen, key=lambda editor: -int(seen[editor][1]))[:_EDITORS_KEPT]
        draft.edits_seen = {editor: seen[editor] for editor in latest}
    await uow.session.flush()
    return _edited(draft, graph, tuple(ops), models, behind=behind)


async def rename_workflow(
    uow: UnitOfWork, actor: Actor, workflow_id: str, name: str
) -> WorkflowView:
    """Give a workflow another name.

    Raises:
        InvalidInput: The name is invalid.
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    workflow, draft, project_name = await load_workflow(uow, actor, workflow_id, lock=True)
    workflow.name, workflow.updated_at = clean_name(name), now()
    await uow.session.flush()
    return workflow_view(workflow, draft, project_name)


async def delete_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> None:
    """Delete a workflow; its runs stay readable, and `restore_workflow` brings it back.

    Raises:
        NotFound: There is none, or it belongs to another workspace.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    workflow, _, _ = await load_workflow(uow, actor, workflow_id, lock=True)
    workflow.deleted_at = now()
    audit.record(uow, actor, "workflow.delete", workflow.id)


async def restore_workflow(uow: UnitOfWork, actor: Actor, workflow_id: str) -> WorkflowView:
    """Restore a deleted workflow as it was.

    Raises:
        NotFound: No such workflow was deleted.
    """
    require(actor, Permission.WORKFLOW_EDIT)
    opened = await load_workflow(uow, actor, workflow_id, deleted=True, lock=True)
    opened[0].deleted_at = None
    audit.record(uow, actor, "workflow.restore", workflow_id)
    await uow.session.flush()
    return workflow_view(*opened)


def _moved_on(draft: Draft, base_revision: int) -> RevisionConflict:
    return RevisionConflict(
        f"The workflow was changed since you loaded it: it is at revision {draft.revision}, "
        f"you have {base_revision}. Load it again and repeat your change.",
        revision=draft.revision,
    )


def _put(workflow: Workflow, draft: Draft, document: dict[str, Any]) -> None:
    draft.graph = document
    draft.revision += 1
    draft.updated_at = workflow.updated_at = now()


def _edited(
    draft: Draft,
    graph: Graph,
    ops: tuple[dict[str, Any], ...],
    models: ModelsHere | None,
    *,
    behind: bool,
    overtaken: Iterable[Overtaken] = (),
) -> EditResult:
    found = compile_view(graph, draft.workflow_id, models)
    return EditResult(
        revision=draft.revision,
        problems=found.problems,
        ops=ops,
        ports=found.ports,
        overtaken=tuple(EditOvertaken(index=o.index, value=o.value) for o in overtaken),
        behind=behind,
    )
