"""Answers to the questions of waiting steps."""

from typing import Any

from pydantic import Field

from app.api.bodies import Body, router
from app.api.deps import Id, Signed
from app.services.app_context import current_app
from app.services.runs.lifecycle.commands import answer_step
from app.services.runs.reading.views import RunView

steps = router("/steps", "approvals")


class StepAnswer(Body):
    """What the person decided, such as `{"choice": "approve", "comment": "fine"}`."""

    output: Any = Field(description="The decision.", examples=[{"choice": "approve"}])


@steps.post("/{step_id}/human-complete", responses={409: {}})
async def complete_step(step_id: Id, body: StepAnswer, who: Signed) -> RunView:
    """Answer the question of a step; its run goes on."""
    async with current_app().database.work() as uow:
        return await answer_step(uow, who, step_id, body.output)
