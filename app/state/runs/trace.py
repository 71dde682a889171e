"""The head line of a run's page: which run it is, and running it again."""

from typing import TYPE_CHECKING

import reflex as rx

from app.kernel.errors import AppError
from app.services.app_context import current_app
from app.services.runs.reading import see_run
from app.services.runs.starting import ForkRun, fork_run
from app.state.identity import actor
from app.state.socket.lanes import reading
from app.state.socket.said import Said


class RunTraceState(rx.State):
    """What the page knows of the run besides its trace."""

    if TYPE_CHECKING:  # Reflex gives every state the parts of the page's address
        run_id: str

    title: str = ""
    workflow_id: str = ""
    origin: str = ""
    goes_on_from: str = ""
    called_by: str = ""
    loaded_status: str = ""
    loaded_id: str = ""
    error: str = ""

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the run in the address."""
        acting = await actor(self)
        self.title = self.workflow_id = self.error = self.loaded_id = ""
        try:
            async with current_app().database.read() as uow:
                run = await see_run(uow, acting, self.run_id)
        except AppError as error:
            self.error = error.message
            return
        self.title, self.workflow_id = f"#{run.number} {run.workflow_name}", run.workflow_id
        self.origin = f"v{run.version} · {run.trigger}"
        self.goes_on_from, self.called_by = run.forked_from or "", run.parent_run_id or ""
        self.loaded_status, self.loaded_id = run.status, run.id

    @rx.event
    async def run_again(self) -> Said:
        """Start the workflow as it is now with the input of this run, and show that run."""
        acting = await actor(self)
        wish = ForkRun(run_id=self.run_id, version="current", copies=False)
        async with current_app().database.work() as uow:
            fresh = await fork_run(uow, acting, wish)
        return rx.redirect(f"/runs/{fresh.id}")
