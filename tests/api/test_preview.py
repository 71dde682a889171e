"""What the editor shows below an expression in a loop: the values of a turn of the last run."""

from tests.api.conftest import new_workflow
from tests.graphs import START, edge, node

ROWS = {"rows": [{"name": "Ada"}, {"name": "Alan"}]}


def looped():
    """For each row a While of two turns."""
    each = node("each", "logic.for_each", {"items": "trigger.rows"})
    again = node("again", "logic.while", {"condition": "index < 2"}, parent="each")
    count = node("count", "data.set", {"values": {"n": "{{ index + 1 }}"}}, parent="again")
    return {
        "schema": 1,
        "nodes": [START, each, again, count],
        "edges": [edge(START, each, "", "input")],
    }


async def preview(client, workflow_id, node_id, text, mode="template"):
    wish = {"workflow_id": workflow_id, "node_id": node_id, "text": text, "mode": mode}
    answer = await client.post("/api/expressions/preview", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def run(site, client, workflow_id, given):
    started = await client.post(f"/api/workflows/{workflow_id}/runs", json={"input": given})
    assert started.status_code == 202, started.text
    run_id = started.json()["run_id"]
    await site.work()
    assert (await client.get(f"/api/runs/{run_id}")).json()["status"] == "succeeded"


async def test_names_of_a_turn_have_their_values(site, ada):
    workflow_id = await new_workflow(ada, looped())
    await run(site, ada, workflow_id, ROWS)
    for node_id, text, value in (
        ("count", "{{ last }}", ROWS["rows"][0]),
        ("count", "{{ index }}", 0),
        ("count", "{{ item.name }}", "Ada"),
        ("again", "{{ item.name }}", "Ada"),
        ("again", "{{ last.name }}", "Ada"),
    ):
        found = await preview(ada, workflow_id, node_id, text)
        assert (found["ok"], found["value"]) == (True, value), (node_id, text, found)
    condition = await preview(ada, workflow_id, "again", "index < 3", mode="expression")
    assert (condition["ok"], condition["value"]) == (True, True)
    outside = await preview(ada, workflow_id, "each", "item", mode="expression")
    assert outside["ok"] is False


async def test_before_the_first_run_they_exist_without_a_value(ada):
    workflow_id = await new_workflow(ada, looped())
    for node_id, text in (("count", "last"), ("count", "item"), ("again", "last")):
        found = await preview(ada, workflow_id, node_id, text, mode="expression")
        assert (found["ok"], found["value"], found["run_id"]) == (True, None, None), (node_id, text)


async def test_a_circle_drawn_by_hand_shows_its_first_turn(site, ada):
    more = node("more", "data.set", {"values": {"n": "{{ input.n + 1 }}"}})
    check = node("check", "logic.if", {"condition": "input.n < 3"})
    answer = node("answer", "flow.respond", {"value": "{{ input }}"})
    circle = [edge(START, more), edge(more, check), edge(check, more), edge(check, answer, "false")]
    graph = {"schema": 1, "nodes": [START, more, check, answer], "edges": circle}
    workflow_id = await new_workflow(ada, graph)
    await run(site, ada, workflow_id, {"n": 0})
    for node_id, text, value in (
        ("check", "{{ input.n }}", 1),
        ("check", "{{ nodes.more.data.n }}", 1),
        ("answer", "{{ input.n }}", 3),
    ):
        found = await preview(ada, workflow_id, node_id, text)
        assert (found["ok"], found["value"]) == (True, value), (node_id, text, found)
