"""Dead letters: runs that were given up because their processes kept dying."""

from fastapi import Depends, Response

from app.api.http.bodies import router
from app.api.http.deps import Cursor, Id, Limit, Search, Signed
from app.api.http.limits import RUNS, limited
from app.services.app_context import current_app
from app.services.page import Page
from app.services.runs.reading import RunView
from app.services.runs.recovery import (
    DeadLetterView,
    discard,
    list_dead_letters,
    requeue,
)

dead_letters = router("/dead-letters", "runs")


@dead_letters.get("")
async def list_dead(
    who: Signed, cursor: Cursor = None, limit: Limit = 50, search: Search = None
) -> Page[DeadLetterView]:
    """Runs that were given up and neither requeued nor dismissed, the latest first."""
    async with current_app().database.read() as uow:
        return await list_dead_letters(uow, who, cursor=cursor, limit=limit, search=search)


@dead_letters.post(
    "/{run_id}/requeue", status_code=202, dependencies=[Depends(limited(RUNS))], responses={409: {}}
)
async def requeue_run(run_id: Id, who: Signed) -> RunView:
    """Start a new run that continues from what the dead one has finished."""
    async with current_app().database.work() as uow:
        return await requeue(uow, who, run_id)


@dead_letters.post("/{run_id}/discard", status_code=204, responses={409: {}})
async def discard_run(run_id: Id, who: Signed) -> Response:
    """Dismiss a dead letter; the run stays, failed."""
    async with current_app().database.work() as uow:
        await discard(uow, who, run_id)
    return Response(status_code=204)
