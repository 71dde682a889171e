"""The run that a page shows: followed live, cancelled, answered."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import reflex as rx

from app.components.canvas.protocol import Control, Decision, Patch
from app.engine.events import Event
from app.kernel.errors import NotFound
from app.services.access import Actor
from app.services.app_context import AppContext, current_app
from app.services.runs.lifecycle import (
    answer_step,
    cancel_run,
    pause_run,
    resume_run,
    with_second_look,
)
from app.services.runs.reading import follow, last_seq, list_runs
from app.state.identity import actor
from app.state.runs.patches import patch_of
from app.state.socket.push import push_script

COALESCE_S = 0.05
SUMMARY_S = 0.5

_wakes: dict[str, asyncio.Event] = {}
"""By tab: set when it is to show another run. A tab's socket and watcher live in one process."""


@contextmanager
def _wake_of(tab: str) -> Iterator[asyncio.Event]:
    wake = _wakes[tab] = asyncio.Event()
    try:
        yield wake
    finally:
        if _wakes.get(tab) is wake:
            del _wakes[tab]


async def until(
    batches: AsyncGenerator[Sequence[Event], None], wake: asyncio.Event
) -> AsyncGenerator[Sequence[Event], None]:
    """Yield batches until they end or the wake is set."""
    stop = asyncio.ensure_future(wake.wait())
    step = asyncio.ensure_future(anext(batches, None))
    try:
        while True:
            await asyncio.wait({step, stop}, return_when=asyncio.FIRST_COMPLETED)
            if stop.done() or (batch := step.result()) is None:
                return
            yield batch
            step = asyncio.ensure_future(anext(batches, None))
    finally:
        stop.cancel()
        step.cancel()
        await asyncio.gather(stop, step, return_exceptions=True)
        await batches.aclose()


async def patches(
    app: AppContext, acting: Actor, run_id: str, wake: asyncio.Event
) -> AsyncGenerator[Patch, None]:
    """Yield what happens in a run as patches, a few events each, until it ends or the wake is set.

    The first says only where the page must start from: it loads the trace itself.
    """
    async with app.database.read() as uow:
        seq = await last_seq(uow, acting, run_id)
    yield patch_of(run_id, seq, ())
    async with aclosing(until(follow(app, acting, run_id, seq), wake)) as batches:
        async for events in batches:
            if not events:
                continue
            patch = patch_of(run_id, seq, events)
            seq = patch.seq
            yield patch
            await asyncio.sleep(COALESCE_S)


class Summary:
    """Says when the page's small vars are due: at once on a new status, else twice a second."""

    def __init__(self) -> None:
        self.run: dict[str, Any] = {}
        self._told_at = float("-inf")
        self._told: dict[str, Any] = {}

    def add(self, patch: Patch) -> bool:
        """Take in a patch; say whether the page's vars are to be set now."""
        self.run.update(patch.run or {})
        changed = self.run != self._told
        fresh = self.run.get("status") != self._told.get("status")
        if not changed or not (fresh or time.monotonic() - self._told_at >= SUMMARY_S):
            return False
        self._told_at, self._told = time.monotonic(), dict(self.run)
        return True


class RunState(rx.State):
    """The run this page shows, in a few words; what changes fast goes to the live store."""

    if TYPE_CHECKING:  # Reflex gives every state the parts of the page's address
        run_id: str
        workflow_id: str

    shown: str = ""
    shown_of: str = ""
    status: str = ""
    tokens: int = 0
    cost_usd: float | None = 0.0

    @rx.event
    async def open_run(self) -> None:
        """Show the run of the page's address (`/runs/[run_id]`)."""
        await actor(self)
        self.show(self.run_id)

    @rx.event
    async def open_latest(self) -> None:
        """Show the run named by `?run=`, else the latest of the page's workflow."""
        acting = await actor(self)
        named = self.router.url.query_parameters.get("run", "")
        if named:
            self.show(named, self.workflow_id)
            return
        async with current_app().database.read() as uow:
            found = await list_runs(uow, acting, workflow_id=self.workflow_id, limit=1)
        self.show(found.items[0].id if found.items else "", self.workflow_id)

    @rx.event(background=True)
    async def watch(self) -> AsyncGenerator[Any, None]:
        """Push what happens in the shown run, then in the next, while the page is open."""
        with _wake_of(self.router.session.client_token) as wake:
            while True:
                wake.clear()
                run_id = await self._shown()
                if run_id:
                    async with aclosing(self._pushes(run_id, wake)) as pushes:
                        async for push in pushes:
                            yield push
                await wake.wait()

    @rx.event
    async def control(self, message: dict[str, Any]) -> None:
        """Pause, resume or cancel a run."""
        acting = await actor(self)
        wish = Control.model_validate(message)
        if wish.action == "resume":
            async with current_app().database.work() as uow:
                await resume_run(uow, acting, wish.run_id)
        else:
            stop = cancel_run if wish.action == "cancel" else pause_run
            await with_second_look(current_app().database, stop, acting, wish.run_id)

    @rx.event
    async def answer(self, message: dict[str, Any]) -> None:
        """Answer the question of a waiting step; its run goes on."""
        acting = await actor(self)
        decision = Decision.model_validate(message)
        output = decision.model_dump(include={"choice", "comment", "value"})
        async with current_app().database.work() as uow:
            await answer_step(uow, acting, decision.step_id, output)

    def show(self, run_id: str, workflow_id: str = "") -> None:
        """Show a run in this tab; its watcher, whether it was here before or not, turns to it."""
        self.shown, self.shown_of = run_id, workflow_id
        self.status, self.tokens, self.cost_usd = "", 0, 0.0
        if wake := _wakes.get(self.router.session.client_token):
            wake.set()

    async def _shown(self) -> str:
        async with self:
            return self.shown

    async def _pushes(self, run_id: str, wake: asyncio.Event) -> AsyncGenerator[Any, None]:
        acting, summary = await actor(self), Summary()
        try:
            async with aclosing(patches(current_app(), acting, run_id, wake)) as found:
                async for patch in found:
                    yield rx.call_script(push_script(patch))
                    if summary.add(patch):
                        await self._tell(run_id, summary.run)
        except NotFound:
            return  # the page itself says that there is no such run

    async def _tell(self, run_id: str, run: dict[str, Any]) -> None:
        async with self:
            if self.shown == run_id:
                self.status = run.get("status", self.status)
                self.tokens = run.get("tokens", self.tokens)
                self.cost_usd = run.get("cost_usd", self.cost_usd)
