"""What waits for a person."""

from typing import Annotated

from fastapi import Query

from app.api.bodies import router
from app.api.deps import Signed
from app.services.app_context import current_app
from app.services.page import Page
from app.services.runs.reading import queries
from app.services.runs.reading.views import ApprovalView

Answered = Annotated[bool, Query(description="Also those that are answered or canceled.")]

approvals = router("/approvals", "approvals")


@approvals.get("")
async def list_approvals(who: Signed, include_answered: Answered = False) -> Page[ApprovalView]:
    """Questions of waiting runs, oldest first."""
    async with current_app().database.read() as uow:
        return Page(items=await queries.list_approvals(uow, who, open_only=not include_answered))
