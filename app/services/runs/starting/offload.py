"""Runs that callers wait for, spread over the processes of this machine.

The web process has one core's worth of Python, and pages to serve. When it is executing more than one of the workers
beside it, that worker executes the next run (decision 8). The run's id is assigned first: whatever happens to the
other process, the run is either found under it or can be started again under it, and only one can be stored.
"""

import asyncio

import orjson
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.adapters.process.peers import Listener, listen
from app.adapters.sql.journal import RETRY_S
from app.kernel import log
from app.kernel.errors import AppError, StorageDown
from app.models import Run
from app.services.access import Actor, Permission, require, scoped
from app.services.app_context import AppContext
from app.services.runs.reading import RunView, wait_for_run
from app.services.runs.starting.inline import run_here
from app.services.runs.starting.start import StartRun
from app.services.runs.starting.strategy import peer_to_ask


async def offload(
    app: AppContext, actor: Actor, request: StartRun, seconds: float, run_id: str
) -> RunView | None:
    """Have a run executed by a peer that has less to do; None when it is to be executed here, under this id."""
    peer = peer_to_ask(app)
    question = b"" if peer is None else _question(actor, request, seconds, run_id)
    if peer is None or not question:
        return None
    until = asyncio.get_running_loop().time() + seconds
    answer = await peer.ask(question)
    return RunView.model_validate_json(answer) if answer else await find(app, actor, run_id, until)


async def help_peers(app: AppContext) -> Listener | None:
    """Execute runs for the other processes of this machine; None where that is impossible."""

    async def answer(question: bytes) -> bytes:
        return await _answered(app, question)

    return await listen(app.settings.data, app.name, answer)


def _question(actor: Actor, request: StartRun, seconds: float, run_id: str) -> bytes:
    """The request for a peer; b"" when it is better not asked."""
    if request.extras:
        return b""
    asked = request.model_dump(exclude_defaults=True)
    try:
        return orjson.dumps([run_id, vars(actor), asked, seconds, log.context.get()])
    except TypeError:  # nor can it be stored: `run_here` says why
        return b""


async def _answered(app: AppContext, question: bytes) -> bytes:
    """The run that a peer asked for, as JSON; b"" when the peer is to execute it itself."""
    run_id, given, asked, seconds, context = orjson.loads(question)
    log.context.set(context)
    actor = Actor(**given)
    try:
        require(actor, Permission.RUN_START)
        run = await run_here(app, actor, StartRun(**asked), seconds, run_id)
    except (AppError, IntegrityError):  # it finds the run, or the same error, and reports it
        return b""
    return run.model_dump_json().encode()


async def find(app: AppContext, actor: Actor, run_id: str, until: float) -> RunView | None:
    """A run that a peer may have stored, as it is at that loop time or once it has ended; None when it is not stored.

    While the database is away nobody knows, and no answer may be given: the query is retried for half a minute.
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
