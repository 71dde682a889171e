"""The page of dead letters: what it lists, and its two decisions."""

from app.kernel.clock import now
from app.models import Run
from app.state.identity import actor
from app.state.runs.dead_letters import DeadLettersState
from tests.graphs import slow
from tests.rows import make_run, make_workflow
from tests.unit.state.conftest import fire, open_tab


async def dead(app, token, name="Invoices"):
    ada = await actor(open_tab(DeadLettersState, token))
    flow = await make_workflow(app.database, ada, slow(1), name=name)
    gone = {"status": "failed", "attempts": 6, "dead_at": now()}
    gone["error"] = {"code": "worker_lost", "message": "It died."}
    return await make_run(app.database, ada, flow, graph=slow(1), **gone)


async def test_the_page_lists_searches_and_decides(app, token):
    first, second = await dead(app, token), await dead(app, token, "Letters")
    tab = open_tab(DeadLettersState, token)
    await fire(tab, "load")
    assert [(row.id, row.crashes, row.error) for row in tab.rows] == [
        (second.id, "6 times", "It died."),
        (first.id, "6 times", "It died."),
    ]
    await fire(tab, "look_for", "invoi")
    await fire(tab, "load")
    assert [row.workflow for row in tab.rows] == ["Invoices"]

    await fire(tab, "ask_discard", first.id, "#1")
    assert (tab.discarding, tab.chosen) == (first.id, "#1")
    await fire(tab, "discard")
    await fire(tab, "look_for", "")
    await fire(tab, "load")
    assert [row.id for row in tab.rows] == [second.id]

    await fire(tab, "ask_requeue", second.id, "#2")
    await fire(tab, "leave", False)
    assert tab.requeueing == ""
    await fire(tab, "ask_requeue", second.id, "#2")
    await fire(tab, "requeue")
    await fire(tab, "load")
    assert tab.rows == []
    async with app.database.read() as uow:
        again = (await uow.session.get_one(Run, second.id)).requeued_as
        assert (await uow.session.get_one(Run, again)).status == "pending"
