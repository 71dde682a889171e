"""Starting a run and waiting for it: what the API does for a request with `wait`."""

import asyncio

from sqlalchemy.exc import IntegrityError

from app.kernel.ids import new_id
from app.services.access import Actor, Permission, require
from app.services.app_context import AppContext
from app.services.runs.reading import RunView
from app.services.runs.starting.inline import run_here
from app.services.runs.starting.offload import find, offload
from app.services.runs.starting.start import StartRun


async def run_and_wait(app: AppContext, actor: Actor, request: StartRun, seconds: float) -> RunView:
    """Start a run of the workflow's current draft; return it when it has ended or waits for a person, or as it is after
    this many seconds. It is stored when this returns.

    Raises:
        NotFound: No such workflow.
        GraphInvalid: The graph has errors; `context["problems"]` lists them.
        InvalidInput: The input does not fit the trigger's form; `context["field"]` names the field.
        Conflict: The idempotency key was used for another request.
    """
    require(actor, Permission.RUN_START)
    loop, run_id = asyncio.get_running_loop(), new_id("run")
    until = loop.time() + seconds
    run = await offload(app, actor, request, seconds, run_id)
    if run is None:
        try:
            left = max(0.0, until - loop.time()) if seconds else 0.0
            run = await run_here(app, actor, request, left, run_id)
        except IntegrityError:  # a peer has stored it at last
            run = await find(app, actor, run_id, until)
            if run is None:
                raise
    return run
