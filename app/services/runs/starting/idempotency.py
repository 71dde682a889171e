"""Repeated requests: the same idempotency key returns the same run."""

from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.adapters.sql.values import unpack
from app.kernel.errors import Conflict
from app.models import Run, Workflow, WorkflowVersion
from app.services.access import Actor, scoped
from app.services.runs.reading import RunView, run_view


async def repeated_run(
    uow: UnitOfWork, actor: Actor, key: str | None, asked: str
) -> RunView | None:
    """The run that an earlier request with this idempotency key started, if there is one.

    Args:
        asked: The hash of the request.

    Raises:
        Conflict: The key was used for another request.
    """
    if key is None:
        return None
    query = (
        scoped(Run, actor)
        .join(Workflow, col(Workflow.id) == col(Run.workflow_id))
        .join(WorkflowVersion, col(WorkflowVersion.id) == col(Run.version_id))
        .add_columns(col(Workflow.name), col(WorkflowVersion.number))
        .where(col(Run.idempotency_key) == key)
    )
    found = (await uow.session.execute(query)).one_or_none()
    if found is None:
        return None
    run, name, version = found
    if run.request_hash != asked:
        raise Conflict("This idempotency key was used before with another request.", run_id=run.id)
    view = run_view(run, name, version)
    return view.model_copy(update={"input": await unpack(uow.session, run.input, run.id)})
