"""Starts the runs of triggers whose time has come, and keeps their plans in order."""

import logging
from datetime import datetime

from app.kernel.errors import AppError, Defect, Unavailable
from app.services.app_context import AppContext
from app.services.runs.lifecycle import database_now
from app.services.triggers import firing

_log = logging.getLogger(__name__)
_OURS = "Something went wrong on our side. The server's log says more."


async def fire_triggers(app: AppContext, at: datetime | None = None) -> int:
    """Decide every trigger that is due; return how many runs were started.

    Each in its own transaction: one that fails stops no other, and is recorded as failed. While database or Redis are
    away nothing is decided; the times are made up for when they are back.

    Args:
        at: The current time; None: the database's.
    """
    async with app.database.read() as uow:
        moment = at or await database_now(uow)
        due = await firing.due_triggers(uow, moment)
    started = 0
    for trigger_id in due:
        started += await _fire(app, trigger_id, moment)
    return started


async def tend_triggers(app: AppContext, at: datetime | None = None) -> None:
    """Plan again after the clock was put back, and delete what is long past."""
    async with app.database.work() as uow:
        moment = at or await database_now(uow)
        if count := await firing.replan(uow, moment):
            _log.warning("the clock went back: triggers are planned again", extra={"count": count})
        await firing.forget_old(uow, moment)


async def _fire(app: AppContext, trigger_id: str, at: datetime) -> bool:
    context = {"trigger_id": trigger_id}
    try:
        async with app.database.work() as uow:
            return await firing.fire(app, uow, trigger_id, at) is not None
    except Unavailable:
        raise
    except AppError as error:
        reason = _OURS if isinstance(error, Defect) else error.message
        _log.warning("a trigger could not start its run", extra={**context, "code": error.code})
    except Exception:  # noqa: BLE001 - the edge: one trigger never stops the others
        reason = _OURS
        _log.exception("a trigger could not start its run", extra=context)
    await _give_up(app, trigger_id, at, reason)
    return False


async def _give_up(app: AppContext, trigger_id: str, at: datetime, reason: str) -> None:
    try:
        async with app.database.work() as uow:
            await firing.fail(uow, trigger_id, at, reason)
    except Unavailable:
        raise
    except Exception:  # noqa: BLE001 - the edge: one trigger never stops the others
        _log.exception("a trigger cannot be planned", extra={"trigger_id": trigger_id})
        async with app.database.work() as uow:
            await firing.postpone(uow, trigger_id, at, reason)
