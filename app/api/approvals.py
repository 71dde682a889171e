"""What waits for a person, and the answers."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.deps import Id, Signed
from app.services.app_context import current_app
from app.services.page import Page
from app.services.runs import reading
from app.services.runs.lifecycle import answer_step
from app.services.runs.reading import ApprovalView, RunView

Answered = Annotated[bool, Query(description="Also those that are answered or canceled.")]

approvals = router("/approvals", "approvals")
steps = router("/steps", "approvals")


class StepAnswer(Body):
    """What the person decided, such as `{"choice": "approve", "comment": "fine"}`."""

    output: Any = Field(description="The decision.", examples=[{"choice": "approve"}])


@approvals.get("")
async def list_approvals(who: Signed, include_answered: Answered = False) -> Page[ApprovalView]:
    """Questions of waiting runs, oldest first."""
    async with current_app().database.read() as uow:
        return Page(items=await reading.list_approvals(uow, who, open_only=not include_answered))


@steps.post("/{step_id}/human-complete", responses={409: {}})
async def complete_step(step_id: Id, body: StepAnswer, who: Signed) -> RunView:
    """Answer the question of a step; its run continues."""
    async with current_app().database.work() as uow:
        return await answer_step(uow, who, step_id, body.output)
