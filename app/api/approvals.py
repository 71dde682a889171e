"""What waits for a person."""

from app.api.bodies import router
from app.api.deps import Signed
from app.services.page import Page
from app.services.runs.queries import list_approvals
from app.services.runs.views import ApprovalView
from app.services.runtime import runtime

approvals = router("/approvals", "approvals")


@approvals.get("")
async def list_open(who: Signed, include_answered: bool = False) -> Page[ApprovalView]:
    """Questions of waiting runs, oldest first."""
    async with runtime().database.read() as uow:
        return Page(items=await list_approvals(uow, who, open_only=not include_answered))
