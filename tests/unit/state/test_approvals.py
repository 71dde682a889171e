import orjson
import pytest
from sqlmodel import select

from app.kernel.clock import now
from app.kernel.errors import InvalidInput
from app.kernel.ids import new_id
from app.models import Approval, Draft, Step
from app.state.approvals import ApprovalsState, Choice, edited_value
from app.state.identity import actor
from app.state.shell import ShellState
from tests.rows import make_run
from tests.unit.state.conftest import fire, open_tab, said


async def ask(app, token, **question):
    """Store a run that waits for an answer; return the step's id."""
    ada = await actor(open_tab(ApprovalsState, token))
    run = await make_run(app.database, ada, status="waiting")
    step_id = new_id("step")
    whole = {"title": "Refund?", "choices": ["approve", "reject"], **question}
    async with app.database.work() as uow:
        uow.session.add(
            Step(
                id=step_id, workspace_id=ada.workspace_id, run_id=run.id, node_id="ask", path="ask",
                kind="human.approval", label="Ask", status="waiting_human", started_at=now(),
            )
        )  # fmt: skip
        uow.session.add(
            Approval(
                id=new_id("approval"), workspace_id=ada.workspace_id, run_id=run.id,
                step_id=step_id,
                step_path="ask", node_id="ask", kind="approval", question=whole,
                created_at=now(),
            )
        )  # fmt: skip
    return step_id


async def loaded(token):
    tab = open_tab(ApprovalsState, token)
    await fire(tab, "load")
    return tab


async def test_inbox_shows_open_questions(app, token):
    await ask(app, token, body="Charged twice.", value={"amount": 5}, editable=True)
    tab = await loaded(token)
    (question,) = tab.questions
    assert question.choices == [Choice("approve", "Approve"), Choice("reject", "Reject")]
    assert question.value == '{\n  "amount": 5\n}'
    assert question.editable
    assert not question.plain


async def test_search_looks_in_questions(app, token):
    await ask(app, token)
    tab = await loaded(token)
    await fire(tab, "look_for", "refund")
    assert len(tab.questions) == 1
    await fire(tab, "look_for", "invoice")
    assert tab.questions == []


async def test_answer_carries_remark_and_edited_value(app, token):
    step_id = await ask(app, token, value="Dear Ada", editable=True)
    tab = await loaded(token)
    await fire(tab, "comment", step_id, "looks fine")
    await fire(tab, "edit", step_id, "Dear Grace")
    assert "Answered “approve”" in said(await fire(tab, "answer", step_id, "approve"))
    async with app.database.read() as uow:
        stored = (await uow.session.execute(select(Approval))).scalar_one()
    assert stored.status == "answered"
    assert stored.answer["comment"] == "looks fine"
    assert stored.answer["value"] == "Dear Grace"


@pytest.mark.parametrize(
    ("choice", "value"), [("retry", {"ports": {"in": 2}}), ("skip", None), ("stop", None)]
)
async def test_an_edited_input_of_a_step_that_failed_goes_with_another_try_only(
    app, token, choice, value
):
    step_id = await ask(
        app, token, title="'Ask' failed. How shall the run go on?", body="No answer.",
        choices=["retry", "done", "skip", "stop"], recovery=True, editable=True,
        value={"ports": {"in": 1}},
    )  # fmt: skip
    tab = await loaded(token)
    (question,) = tab.questions
    assert [(one.value, one.word) for one in question.choices] == [
        ("retry", "Retry"), ("skip", "Skip"), ("stop", "Stop the run"),
    ]  # fmt: skip
    assert all(one.word in question.body for one in question.choices)
    await fire(tab, "edit", step_id, '{"ports": {"in": 2}}')
    await fire(tab, "answer", step_id, choice)
    async with app.database.read() as uow:
        stored = (await uow.session.execute(select(Approval))).scalar_one()
    assert (stored.answer["choice"], stored.answer["value"]) == (choice, value)


GRAPH = {
    "schema": 1, "edges": [],
    "nodes": [{"id": "ask", "kind": "tool.http", "version": 1, "config": {"url": "http://x/"}}],
}  # fmt: skip


async def test_the_result_of_a_step_that_was_cut_off_is_given_in_the_inbox(app, token):
    step_id = await ask(
        app, token, choices=["retry", "done", "skip", "stop"], recovery=True, value={"ports": {}},
        editable=True,
    )  # fmt: skip
    async with app.database.work() as uow:
        (await uow.session.execute(select(Draft))).scalar_one().graph = GRAPH
    tab = await loaded(token)
    await fire(tab, "give", step_id)
    assert orjson.loads(tab.result) == {"body": None, "status": None}
    await fire(tab, "enter", '{"body": ')
    with pytest.raises(InvalidInput, match="The result is not valid JSON"):
        await fire(tab, "answer", step_id, "done")
    await fire(tab, "enter", '{"body": "paid by hand"}')
    await fire(tab, "answer", step_id, "done")
    async with app.database.read() as uow:
        stored = (await uow.session.execute(select(Approval))).scalar_one()
    assert (stored.answer["choice"], stored.answer["value"]) == ("done", {"body": "paid by hand"})


async def test_the_form_for_a_result_opens_and_closes_and_a_plain_question_has_none(app, token):
    step_id = await ask(app, token, choices=["retry", "done"], recovery=True)
    tab = await loaded(token)
    assert tab.questions[0].givable
    await fire(tab, "give", step_id)
    assert (tab.giving, tab.result) == (step_id, "{}")
    await fire(tab, "give", step_id)
    assert tab.giving == ""
    other = await ask(app, token)
    await fire(tab, "load")
    assert {one.step_id: one.givable for one in tab.questions} == {step_id: True, other: False}


async def test_a_second_answer_is_told_that_it_came_late(app, token):
    step_id = await ask(app, token)
    first, second = await loaded(token), await loaded(token)
    await fire(first, "answer", step_id, "approve")
    assert "has been answered before" in said(await fire(second, "answer", step_id, "reject"))
    assert second.answering == ""


async def test_edited_json_must_be_json(app, token):
    await ask(app, token, value={"amount": 5}, editable=True)
    (question,) = (await loaded(token)).questions
    assert edited_value(question, '{"amount": 7}') == {"amount": 7}
    with pytest.raises(InvalidInput, match="not valid JSON"):
        edited_value(question, "{amount: 7}")


async def test_navigation_counts_what_waits(app, token):
    await ask(app, token)
    tab = open_tab(ShellState, token)
    await fire(tab, "refresh")
    assert (tab.open_approvals, tab.live_runs, tab.workflow_count) == (1, 0, 1)
