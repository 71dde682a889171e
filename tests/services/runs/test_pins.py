"""Outputs used again and pinned outputs, through the services and the database."""

from app.services.runs.lifecycle.commands import answer_step
from app.services.runs.reading.queries import get_run, list_approvals, list_steps
from app.services.runs.starting.start import StartRun
from app.services.runs.starting.waiting import run_and_wait
from tests.graphs import START, chain, node
from tests.rows import make_workflow

CALL = node("call", "tool.http", {"url": "https://x.example/"}, settings={"cache_s": 60})
ANSWER = node("answer", "flow.respond", {"value": "{{ input }}"})


async def origins(app, actor, run_id):
    async with app.database.read() as uow:
        return {step.path: step for step in await list_steps(uow, actor, run_id)}


async def test_a_look_outside_is_used_again_for_as_long_as_it_is_fresh(
    app, actor, start, world, work_off
):
    for _ in range(2):
        run = await start(chain(START, CALL, ANSWER), {"text": "x"})
        await work_off()
    steps = await origins(app, actor, run.id)
    assert steps["call"].status == steps["answer"].status == "succeeded"
    assert len(world.calls) == 1


async def test_an_effect_is_not_left_out(app, actor, start, world, work_off):
    post = {**CALL, "config": {"url": "https://x.example/", "method": "POST"}}
    for _ in range(2):
        await start(chain(START, post, ANSWER), {"text": "x"})
        await work_off()
    assert len(world.calls) == 2


async def test_an_output_pinned_in_the_graph_stands_in_by_hand_alone(
    app, actor, start, world, work_off
):
    pinned = {**CALL, "settings": {"pinned": {"body": "pinned", "status": 200, "headers": {}}}}
    await start(chain(START, pinned, ANSWER), {"text": "x"})
    await work_off()
    assert world.calls == []
    await start(chain(START, pinned, ANSWER), {"text": "x"}, trigger="schedule")
    await work_off()
    assert len(world.calls) == 1


async def test_a_quick_run_by_hand_takes_pinned_outputs_too_and_may_ask(app, actor, work_off):
    greet = node(
        "greet", "data.template", {"template": "Hi"}, settings={"pinned": {"text": "Pinned"}}
    )
    workflow_id = await make_workflow(app.database, actor, chain(START, greet, ANSWER))
    asked = StartRun(workflow_id=workflow_id, input={"text": "x"})
    view = await run_and_wait(app, actor, asked, 10)
    assert (view.status, view.output) == ("succeeded", "Pinned")
    broken = node(
        "greet", "data.template", {"template": "{{ 1 / trigger.n }}"}, settings={"on_error": "ask"}
    )
    workflow_id = await make_workflow(app.database, actor, chain(START, broken, ANSWER))
    view = await run_and_wait(app, actor, StartRun(workflow_id=workflow_id, input={"n": 0}), 1)
    assert view.status == "waiting"
    async with app.database.read() as uow:
        [question] = await list_approvals(uow, actor)
    async with app.database.work() as uow:
        await answer_step(uow, actor, question.step_id, {"choice": "done", "value": "by hand"})
    await work_off()
    async with app.database.read() as uow:
        run = await get_run(uow, actor, view.id)
    assert (run.status, run.output) == ("succeeded", "by hand")
