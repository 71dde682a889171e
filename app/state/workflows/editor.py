"""The open workflow: its name, and starting it. Its graph lives in browser and database."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import reflex as rx

from app.components.canvas.protocol import Start
from app.kernel.errors import AppError, NotFound
from app.services.app_context import current_app
from app.services.runs.starting import StartRun, start_run
from app.services.workflows.commands import rename_workflow
from app.services.workflows.live import follow_draft
from app.services.workflows.queries import get_workflow
from app.state.identity import actor
from app.state.runs.live import RunState
from app.state.socket.lanes import reading
from app.state.socket.push import edit_script


class EditorState(rx.State):
    """What the editor's page knows besides the canvas."""

    if TYPE_CHECKING:  # Reflex gives every state the parts of the page's address
        workflow_id: str

    name: str = ""
    answered: dict[str, Any] = {"count": 0, "ok": True, "message": ""}

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the name of the workflow in the address; the editor itself says when it is gone."""
        acting = await actor(self)
        self.name = ""
        try:
            async with current_app().database.read() as uow:
                self.name = (await get_workflow(uow, acting, self.workflow_id)).name
        except AppError:
            return

    @rx.event(background=True)
    async def follow(self) -> AsyncGenerator[Any, None]:
        """Push what others change in the workflow while the page is open."""
        workflow_id, acting = self.workflow_id, await actor(self)
        try:
            async with aclosing(follow_draft(current_app(), acting, workflow_id)) as messages:
                async for message in messages:
                    yield rx.call_script(edit_script(workflow_id, message))
        except NotFound:
            return  # the page itself says that there is no such workflow

    @rx.event
    async def rename(self, name: str) -> None:
        """Give the workflow another name."""
        acting = await actor(self)
        async with current_app().database.work() as uow:
            self.name = (await rename_workflow(uow, acting, self.workflow_id, name)).name

    @rx.event
    async def start(self, message: dict[str, Any]) -> None:
        """Run the workflow as it is now, and show the run."""
        acting = await actor(self)
        wish = Start.model_validate(message)
        request = StartRun(workflow_id=self.workflow_id, input=wish.input, idempotency_key=wish.key)
        try:
            app = current_app()
            async with app.database.work() as uow:
                run = await start_run(app, uow, acting, request)
        except AppError as error:
            self._answer(ok=False, message=error.message)
            return
        (await self.get_state(RunState)).show(run.id, self.workflow_id)
        self._answer(ok=True, message=run.notice or "")

    def _answer(self, *, ok: bool, message: str) -> None:
        self.answered = {"count": self.answered["count"] + 1, "ok": ok, "message": message}
