"""Canceling runs, and answering their questions."""

from typing import Any

from sqlmodel import col

from app.adapters.sql.database import UnitOfWork
from app.engine.events import TERMINAL_RUN
from app.engine.sdk import Answer
from app.kernel.clock import now
from app.kernel.errors import AlreadyDecided, InvalidInput, NotFound
from app.models import Approval, Workflow, WorkflowVersion
from app.services import audit
from app.services.access import Actor, Permission, named_row, require, scoped
from app.services.runs.lifecycle.claimed_run import (
    locked_run,
    queue_after_commit,
    stop,
    wake_answered,
)
from app.services.runs.lifecycle.lapsed import LapsedLease
from app.services.runs.reading import RunView, run_view


async def cancel_run(
    uow: UnitOfWork, actor: Actor, run_id: str, lapsed: LapsedLease | None = None
) -> RunView:
    """Cancel a run in any state; a finished one stays as it is. An active one stops within two seconds.

    Raises:
        NotFound: No such run.
        LeaseInDoubt: See `with_second_look`.
    """
    require(actor, Permission.RUN_CONTROL)
    run = await locked_run(uow, actor, run_id)
    if run.status not in TERMINAL_RUN:
        audit.record(uow, actor, "run.cancel", run.id)
        await stop(uow, run, lapsed)
    workflow = await named_row(uow, actor, Workflow, run.workflow_id)
    version = await named_row(uow, actor, WorkflowVersion, run.version_id)
    return run_view(run, workflow.name, version.number)


async def answer_step(uow: UnitOfWork, actor: Actor, step_id: str, output: Any) -> RunView:  # noqa: ANN401 - JSON
    """Answer the open question of a step; its run continues.

    Args:
        output: `{"choice", "comment"?, "value"?}`, or just the choice as text, or `{"approved":
        true}`.

    Raises:
        NotFound: No such step, or it has no question.
        InvalidInput: The choice is not one of the question's.
        AlreadyDecided: Somebody was faster.
    """
    require(actor, Permission.APPROVAL_ANSWER)
    query = (
        scoped(Approval, actor)
        .where(col(Approval.step_id) == step_id)
        .order_by(col(Approval.created_at).desc())
    )
    approval = (await uow.session.execute(query.limit(1))).scalar_one_or_none()
    if approval is None:
        raise NotFound("There is no such step, or it asks nothing.")
    run = await locked_run(uow, actor, approval.run_id)
    await uow.session.refresh(approval)  # another answer may have come before we held the run
    if approval.status != "open":
        raise AlreadyDecided("This question has been answered before.", status=approval.status)
    answer = _answer(approval.question, output, actor)
    approval.status, approval.decided_by, approval.decided_at = "answered", actor.user_id, now()
    approval.answer = answer.model_dump(mode="json")
    audit.record(uow, actor, "approval.answer", approval.id, choice=answer.choice, run_id=run.id)
    await uow.session.flush()
    if await wake_answered(uow, run):
        queue_after_commit(uow, run)
    workflow = await named_row(uow, actor, Workflow, run.workflow_id)
    version = await named_row(uow, actor, WorkflowVersion, run.version_id)
    return run_view(run, workflow.name, version.number)


def _answer(question: dict[str, Any], output: Any, actor: Actor) -> Answer:  # noqa: ANN401 - JSON
    choices = tuple(question.get("choices") or ())
    given = output if isinstance(output, dict) else {"choice": output}
    choice = given.get("choice")
    if choice is None and isinstance(given.get("approved"), bool) and len(choices) > 1:
        choice = choices[0] if given["approved"] else choices[1]
    if choice is None and question.get("kind") == "form":
        choice, given = (choices[0] if choices else "submit"), {"value": output}
    if not isinstance(choice, str) or (choices and choice not in choices):
        allowed = ", ".join(f"'{one}'" for one in choices)
        raise InvalidInput(
            f'The answer must be {{"choice": …}} with one of {allowed}.', field="output.choice"
        )
    return Answer(
        choice=choice,
        comment=str(given.get("comment") or "")[:4_000],
        value=given.get("value"),
        decided_by=actor.name or actor.user_id,
    )
