"""Fills this process's free slots with the runs that are next."""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import or_, select
from sqlmodel import col

from app.adapters.sql.statements import once
from app.kernel.errors import StorageDown
from app.models import Run
from app.services.app_context import AppContext
from app.services.runs.claiming import LEVELS, ClaimRequest, claim_runs
from app.services.runs.lifecycle import ClaimedRun, spawn_run

_log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often an idle process asks the database by itself. It finds what no job tells of: runs whose job was lost or
could not be queued, and those that may start because others have ended, on whatever machine.
"""

BATCH_S = 0.005
"""How long a busy process lets places become free before it claims again: claiming many costs little more than one."""


class Claimer:
    """Claims runs while there are slots, and executes them in the background.

    It asks the database when it is called, when a slot becomes free while others may be waiting, and every second.
    """

    def __init__(self, app: AppContext, places: int, levels: tuple[int, ...] = LEVELS) -> None:
        self._app = app
        self._places = places
        self._levels = levels
        of_ours = or_(*(col(Run.priority) == level for level in levels))
        pending = select(col(Run.id)).where(col(Run.status) == "pending", of_ours).limit(1)
        self._is_pending = once(pending)
        self._at_work = 0
        self._leaving = 0
        self._calls = asyncio.Event()
        self._closed = False
        self._callers: list[asyncio.Future[None]] = []
        self._more = True
        self._waits = False
        self._last = ""
        self.on_change: Callable[[], None] = lambda: None
        """Called in the loop whenever `free` may have changed."""

    @property
    def free(self) -> int:
        """How many more runs fit. One with only its last commit to come holds no slot: the next one starts meanwhile.
        But at most twice as many runs are open, should the database be slow.
        """
        if self._closed:
            return 0
        return min(self._places - self._at_work, 2 * self._places - self.in_flight)

    @property
    def in_flight(self) -> int:
        """How many runs are active, or wait for their last commit."""
        return self._at_work + self._leaving

    def call(self) -> None:
        """Signal that a run is waiting."""
        self._more = True
        self._calls.set()

    async def called(self) -> None:
        """Call, and wait for the claim that follows: until then `free` says nothing new."""
        if self._closed:
            return
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._callers.append(heard)
        self.call()
        await heard

    def close(self) -> None:
        """Stop claiming; active runs continue."""
        self._closed = True
        self._calls.set()
        self.on_change()

    async def work(self) -> None:
        """Claim until closed."""
        while not self._closed:
            try:
                if self._more and self.free:
                    await self._claim()
                else:
                    self._answer(self._callers)
                    await self._wait()
            except StorageDown:
                _log.warning("the database is away; runs stay where they are")
                await asyncio.sleep(LOOK_S)
            except Exception:  # noqa: BLE001 - the edge: one claim never takes the worker down
                _log.exception("runs could not be claimed")
                await asyncio.sleep(LOOK_S)
        self._answer(self._callers)

    async def _claim(self) -> None:
        self._calls.clear()
        self._more = False  # a call that comes meanwhile sets it again
        callers, self._callers = self._callers, []
        try:
            found = await claim_runs(self._app, self._request())
            self._more |= found.more
            self._waits, self._last = found.waits, found.last
            for claimed in found.runs:
                self._begin(claimed)
            self.on_change()
        except BaseException:
            self._more = True
            raise
        finally:
            self._answer(callers)
        if self.in_flight:
            await asyncio.sleep(BATCH_S)

    @staticmethod
    def _answer(callers: list[asyncio.Future[None]]) -> None:
        while callers:
            heard = callers.pop()
            if not heard.done():
                heard.set_result(None)

    async def _wait(self) -> None:
        """Wait for a call, or until polling finds something."""
        try:
            await asyncio.wait_for(self._calls.wait(), LOOK_S)
            self._calls.clear()
        except TimeoutError:
            if self.free:
                self._more = await self._looks_busy()

    def _request(self) -> ClaimRequest:
        return ClaimRequest(
            worker=self._app.name,
            free=self.free,
            levels=self._levels,
            max_concurrent=self._app.settings.workspace_runs,
            after=self._last,
        )

    async def _looks_busy(self) -> bool:
        """Whether any run is pending: a query that takes no lock."""
        return await self._app.database.look(self._is_pending, {}) is not None

    def _begin(self, claimed: ClaimedRun) -> None:
        self._at_work += 1
        has_left = False

        def left() -> None:
            nonlocal has_left
            if not has_left:
                has_left = True
                self._at_work -= 1
                self._leaving += 1
                self._look()

        def ended(_: object) -> None:
            left()
            self._leaving -= 1
            self._look()

        spawn_run(self._app, claimed, on_left=left).add_done_callback(ended)

    def _look(self) -> None:
        """Check whether a slot has become free."""
        if self._more or self._waits:
            self.call()
        self.on_change()
