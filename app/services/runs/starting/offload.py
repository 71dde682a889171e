"""Runs that callers wait for, spread over the processes of this machine.

The web process has one core's worth of Python, and pages to serve. When it has more at work than one of the workers
beside it, that one executes the next run (decision 8). The run's id is given before: whatever becomes of the other
process, the run is either found under it or can be begun again under it, and only one can be stored.
"""

import asyncio
from contextlib import suppress

import orjson
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.adapters.process.peers import Listener, listen
from app.adapters.sql.journal import RETRY_S
from app.kernel import log
from app.kernel.errors import AppError, StorageDown
from app.kernel.ids import new_id
from app.models import Run
from app.services.access import Actor, Permission, require, scoped
from app.services.app_context import AppContext
from app.services.runs.reading.follow import wait_for_run
from app.services.runs.reading.views import RunView
from app.services.runs.starting.inline import run_inline
from app.services.runs.starting.start import StartRun, start_run


async def run_and_wait(app: AppContext, actor: Actor, request: StartRun, seconds: float) -> RunView:
    """Start a run of the workflow as it is now; return it when it has ended or waits for a person, or as
    it is after so many seconds. It is stored when this returns.

    Raises:
        NotFound: No such workflow.
        GraphInvalid: The graph has errors; `context["problems"]` lists them.
        InvalidInput: The input does not fit the trigger's form; `context["field"]` names the field.
        Conflict: The idempotency key was used for another wish.
    """
    require(actor, Permission.RUN_START)
    run_id = new_id("run")
    near = app.peers.less_busy_than(app.inline_runs)
    question = _question(actor, request, seconds, run_id) if near is not None else b""
    if near is None or not question:
        return await _here(app, actor, request, seconds, run_id)
    until = asyncio.get_running_loop().time() + seconds
    done = await near.ask(question)
    if done:
        return RunView.model_validate_json(done)
    found = await _found(app, actor, run_id, until)
    if found is not None:
        return found
    try:
        left = max(0.0, until - asyncio.get_running_loop().time())
        return await _here(app, actor, request, left, run_id)
    except IntegrityError:
        found = await _found(app, actor, run_id, until)
        if found is None:
            raise
        return found  # the other process has stored it at last


async def help_peers(app: AppContext) -> Listener | None:
    """Execute runs for the other processes of this machine; None where that cannot be."""

    async def answer(question: bytes) -> bytes:
        return await _answered(app, question)

    return await listen(app.settings.data, app.name, answer)


def _question(actor: Actor, request: StartRun, seconds: float, run_id: str) -> bytes:
    """What to ask a neighbour; b"" when it is better not asked."""
    if request.extras:
        return b""
    asked = request.model_dump(exclude_defaults=True)
    try:
        return orjson.dumps([run_id, vars(actor), asked, seconds, log.context.get()])
    except TypeError:  # nor can it be stored: `run_inline` says why
        return b""


async def _answered(app: AppContext, question: bytes) -> bytes:
    """The run that a neighbour wished for, as JSON; b"" when it is to look after it itself."""
    run_id, actor, asked, seconds, context = orjson.loads(question)
    log.context.set(context)
    try:
        run = await run_inline(app, Actor(**actor), StartRun(**asked), seconds, run_id)
    except (AppError, IntegrityError):  # it finds the run, or the same error, and tells its caller
        return b""
    return run.model_dump_json().encode() if run is not None else b""


async def _here(
    app: AppContext, actor: Actor, request: StartRun, seconds: float, run_id: str
) -> RunView:
    view = await run_inline(app, actor, request, seconds, run_id)
    return view if view is not None else await _with_care(app, actor, request, seconds)


async def _with_care(app: AppContext, actor: Actor, request: StartRun, seconds: float) -> RunView:
    """Start a run with pins, or one that is bounded by more than what is so for all."""
    async with app.database.work() as uow:
        run = await start_run(uow, actor, request)
    with suppress(StorageDown):  # it was accepted, and goes on when the database is back
        if seconds > 0:
            return await wait_for_run(app, actor, run.id, seconds)
    return run


async def _found(app: AppContext, actor: Actor, run_id: str, until: float) -> RunView | None:
    """The run as it is at that time of the loop, or has ended; None when it is not stored.

    While nobody knows, because the database is away, nothing may be said of it: it is asked again for half a minute.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + RETRY_S
    while True:
        try:
            if not await _is_stored(app, actor, run_id):
                return None
            return await wait_for_run(app, actor, run_id, max(0.0, until - loop.time()))
        except StorageDown:
            if loop.time() > give_up:
                raise
        await asyncio.sleep(0.5)


async def _is_stored(app: AppContext, actor: Actor, run_id: str) -> bool:
    wanted = scoped(Run, actor).where(col(Run.id) == run_id).with_only_columns(col(Run.id))
    async with app.database.read() as uow:
        return await uow.session.scalar(wanted) is not None
