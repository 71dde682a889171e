"""The numbers beside the navigation, live."""

import reflex as rx

from app.services.app_context import current_app
from app.services.runs.reading import activity, changes
from app.state.identity import IdentityState, actor
from app.state.socket.lanes import reading
from app.state.socket.said import Said, Saying
from app.state.workflows.list import WorkflowsState


class ShellState(rx.State):
    """How much goes on in the workspace."""

    live_runs: int = 0
    open_approvals: int = 0
    workflow_count: int = 0

    @rx.event
    @reading
    async def refresh(self) -> None:
        """Count again."""
        acting = await actor(self)
        async with current_app().database.read() as uow:
            now = await activity(uow, acting)
        self.live_runs, self.open_approvals = now.live, now.waiting
        self.workflow_count = now.workflows

    @rx.event(background=True)
    async def watch(self) -> Saying:
        """Count again whenever a run of the workspace changes, as long as the page is open."""
        async for _ in changes(current_app(), await actor(self)):
            yield ShellState.refresh

    @rx.event
    async def act(self, action: str) -> Said:
        """Run an action of the command palette."""
        await actor(self)
        actions = {"sign-out": IdentityState.sign_out, "new-workflow": WorkflowsState.create}
        return actions.get(action)
