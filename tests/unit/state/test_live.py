"""Pages hear of changes in their workspace, and of no other's."""

import asyncio
from contextlib import aclosing

from app.engine.events import Event
from app.kernel.clock import now
from app.services.runs.reading.watch import changes
from app.state.identity import IdentityState, actor
from tests.unit.state.conftest import open_tab, sign_up


def ended(workspace_id):
    return Event(
        seq=9, at=now(), workspace_id=workspace_id, run_id="run_1", type="run.completed",
        payload={"run": {"status": "succeeded"}},
    )  # fmt: skip


async def test_a_change_is_noticed_by_its_workspace_only(app, token):
    ada = await actor(open_tab(IdentityState, token))
    bob = await actor(open_tab(IdentityState, await sign_up(app, "Bob")))
    async with aclosing(changes(app, ada)) as of_ada, aclosing(changes(app, bob)) as of_bob:
        await anext(of_ada)
        await anext(of_bob)
        app.bus.publish([ended(ada.workspace_id)])
        async with asyncio.timeout(5):
            await anext(of_ada)
        late = asyncio.ensure_future(anext(of_bob))
        done, _ = await asyncio.wait([late], timeout=0.3)
        assert not done
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
