"""The editor in the browser: wires of large graphs, the keyboard, two tabs at one workflow, exact numbers."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.product import Product
from tests.e2e.test_acceptance import sign_up

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("product", ["sqlite"], indirect=True)]

ENDS = """() => [...document.querySelectorAll('.react-flow__edge')].map((edge) => {
  const [from, to] = edge.dataset.id.split('>').map((id) => document.querySelector(`[data-testid=rf__node-${id}]`)?.getBoundingClientRect());
  const path = edge.querySelector('.react-flow__edge-path');
  const ends = [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())].map((point) => point.matrixTransform(path.getScreenCTM()));
  return [from && Math.hypot(ends[0].x - from.right, 0), to && Math.hypot(ends[1].x - to.left, 0),
    from && (ends[0].y >= from.top && ends[0].y <= from.bottom), to && (ends[1].y >= to.top && ends[1].y <= to.bottom)];
})"""


def send(page: Page, product: Product, verb: str, path: str, body: Any = None) -> Any:
    """Call the API as the person of this page."""
    token = next(c["value"] for c in page.context.cookies() if c["name"] == "agentloom_csrf")
    reply = page.request.fetch(
        f"{product.url}/api{path}", method=verb, data=body, headers={"X-CSRF-Token": token}
    )
    assert reply.ok, reply.text()
    return reply.json()


def make(page: Page, product: Product, graph: dict[str, Any]) -> str:
    """Make a workflow and open it; return its id."""
    made = send(page, product, "POST", "/workflows", {"name": "Made", "graph": graph})
    page.goto(f"{product.url}/workflows/{made['id']}")
    expect(page.get_by_test_id("editor")).to_have_attribute("data-phase", "ready")
    return str(made["id"])


def node(name: str, kind: str, x: int = 0, y: int = 0, **config: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "position": {"x": x, "y": y}, "config": config}


def edge(source: str, port: str, target: str) -> dict[str, str]:
    return {
        "id": f"{source}>{target}", "source": source, "source_port": port, "target": target, "target_port": "input",
    }  # fmt: skip


def many(count: int) -> dict[str, Any]:
    """A start with rows of ten nodes, wired one after the other, so that all stays in sight when tidied."""
    nodes = [node("start", "trigger.manual")]
    edges = []
    for i in range(count):
        nodes.append(node(f"n{i}", "data.template", 260 * (i % 10 + 1), 120 * (i // 10)))
        first = i % 10 == 0
        edges.append(edge("start" if first else f"n{i - 1}", "data" if first else "text", f"n{i}"))
    return {"nodes": nodes, "edges": edges}


def assert_all_wires(page: Page, count: int) -> None:
    """All wires are drawn, from the right border of a node to the left one of another."""
    expect(page.locator(".react-flow__edge-path")).to_have_count(count)
    page.wait_for_timeout(400)  # the view moves for a moment
    for left, right, inside, within in page.evaluate(ENDS):
        assert left is None or (left < 6 and inside)
        assert right is None or (right < 6 and within)


def test_all_wires_of_a_large_graph_are_drawn_after_fit_and_tidy(page: Page, product: Product):
    sign_up(page, product, "Wire Person")
    make(page, product, many(320))
    expect(page.locator(".react-flow__edge-path").first).to_be_attached()
    page.get_by_test_id("canvas").focus()
    page.keyboard.press("1")
    assert_all_wires(page, 320)
    page.keyboard.press("Shift+L")
    page.keyboard.press("1")
    assert_all_wires(page, 320)
    page.keyboard.press("0")  # what came into sight from afar keeps its wires from near
    page.wait_for_timeout(400)
    seen = page.locator(".react-flow__node").count()
    assert 1 < seen < 320
    assert page.locator(".react-flow__edge-path").count() >= seen - 10


FORM = {
    "nodes": [
        node("start", "trigger.manual"),
        node("text", "data.template", 260, 0, template="Hi {{ input }}"),
        node("code", "tool.code_python", 520, 0, code="output = 1"),
        node("ask", "model.chat", 780, 0, prompt="{{ input }}"),
    ],
    "edges": [edge("start", "data", "text"), edge("text", "text", "code")],
}


def assert_on_canvas(page: Page) -> None:
    """The canvas has the keyboard, and goes on with it."""
    expect(page.get_by_test_id("canvas")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("quick-add")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("canvas")).to_be_focused()


def test_escape_leads_from_every_field_back_to_the_canvas(page: Page, product: Product):
    sign_up(page, product, "Escape Person")
    make(page, product, FORM)
    inspector = page.get_by_test_id("inspector")

    page.get_by_test_id("node-text").click()
    field = inspector.get_by_role("combobox").first
    field.click()
    field.press("End")
    page.keyboard.type(" {{ trig")
    expect(page.get_by_test_id("completions")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("completions")).to_have_count(0)
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    assert_on_canvas(page)
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")

    page.get_by_test_id("node-name").click()
    page.keyboard.press("Escape")
    assert_on_canvas(page)

    page.get_by_test_id("node-code").click()
    editor = inspector.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Escape")  # the first one lets the selection go
    page.keyboard.press("Escape")
    assert_on_canvas(page)

    page.get_by_test_id("node-ask").click()
    inspector.locator("select").first.focus()
    page.keyboard.press("Escape")
    assert_on_canvas(page)

    inspector.get_by_role("button", name="More").click()
    page.keyboard.press("Escape")
    expect(inspector.get_by_role("menu")).to_have_count(0)
    page.keyboard.press("Escape")
    assert_on_canvas(page)

    page.get_by_test_id("open-run-settings").click()
    expect(page.get_by_test_id("run-settings")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("run-settings")).to_have_count(0)
    page.keyboard.press("Escape")
    assert_on_canvas(page)


TWO = {
    "nodes": [node("text", "data.template", template="start"), node("more", "data.template", 260)],
    "edges": [],
}
FOLLOWED_MS = 1_000  # 200 on a machine that is idle


def field(page: Page) -> Any:
    """The template of the node that is set up."""
    return page.get_by_test_id("inspector").get_by_role("combobox").first


def test_tabs_of_a_workflow_follow_one_another_and_ask_about_a_field_changed_in_both(
    page: Page, product: Product
):
    sign_up(page, product, "Two Tabs")
    workflow = make(page, product, TWO)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_test_id("editor")).to_have_attribute("data-phase", "ready")
    for tab in (page, other):
        tab.get_by_test_id("node-text").click()
        expect(field(tab)).to_have_value("start")

    field(page).fill("from the first tab")
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    expect(field(other)).to_have_value("from the first tab", timeout=FOLLOWED_MS)

    # Both type at once: each edit is made before the other one is known.
    page.context.set_offline(True)
    field(other).fill("second")
    other.wait_for_timeout(500)
    field(page).fill("first")
    page.wait_for_timeout(500)
    page.context.set_offline(False)
    asked = [tab for tab in (page, other) if wait_for(tab, "[data-testid=ask]", 15_000)]
    assert len(asked) == 1
    mine, theirs = ("first", "second") if asked[0] is page else ("second", "first")
    expect(asked[0].get_by_test_id("ask-mine")).to_have_text(mine)
    expect(asked[0].get_by_test_id("ask-theirs")).to_have_text(theirs)
    expect(asked[0].get_by_test_id("save-state")).to_have_attribute("data-state", "asks")
    asked[0].get_by_test_id("keep-mine").click()
    for tab in (page, other):
        expect(field(tab)).to_have_value(mine, timeout=5_000)
    expect(asked[0].get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    stored = send(page, product, "GET", f"/workflows/{workflow}")["graph"]["nodes"][0]
    assert stored["config"]["template"] == mine

    # Who was overtaken does not undo the other one's text.
    loser = other if asked[0] is page else page
    loser.get_by_test_id("undo").click()
    expect(loser.get_by_test_id("notice")).to_contain_text("Somebody else")
    expect(field(asked[0])).to_have_value(mine)
    other.close()


def wait_for(page: Page, selector: str, timeout: float) -> bool:
    """Whether it comes in time; the other tab is not asked."""
    for _ in range(int(timeout / 100)):
        if page.locator(selector).count():
            return True
        if any(tab.locator(selector).count() for tab in page.context.pages if tab is not page):
            return False
        page.wait_for_timeout(100)
    return False


ELSEWHERE = """([batch, token]) => {
  const send = () => fetch(`/api/workflows/${location.pathname.split('/')[2]}/edits`, {
    method: 'POST', body: JSON.stringify(batch), headers: {'Content-Type': 'application/json', 'X-CSRF-Token': token},
  });
  document.addEventListener('input', () => setTimeout(send, 500), {once: true});
}"""


def test_typing_goes_on_while_another_tab_changes_the_field(page: Page, product: Product):
    sign_up(page, product, "Typing Person")
    make(page, product, TWO)
    page.get_by_test_id("node-text").click()
    token = next(c["value"] for c in page.context.cookies() if c["name"] == "agentloom_csrf")
    change = {"op": "set_config", "id": "text", "path": ["template"], "value": "theirs"}
    batch = {"base_revision": 1, "client": "elsewhere", "seq": 1, "ops": [change]}
    field(page).click()
    page.evaluate(ELSEWHERE, [batch, token])
    page.keyboard.type("typed without a pause, and typed on for a while as people do", delay=60)
    expect(page.get_by_test_id("ask")).to_be_visible()
    expect(field(page)).to_be_focused()
    expect(page.get_by_test_id("ask-theirs")).to_have_text("theirs")
    page.get_by_test_id("take-theirs").click()
    expect(field(page)).to_have_value("theirs")
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")


LOOP = {
    "nodes": [
        node("start", "trigger.manual"),
        node("each", "logic.for_each", 300, items="[1, 'x', 3, 'y', 5]", on_item_error="skip"),
        {**node("ten", "data.set", 40, 80, values={"n": "{{ item * 1.0 }}"}), "parent": "each"},
        node("out", "flow.respond", 900, value="{{ nodes.each.results }}"),
    ],
    "edges": [edge("start", "data", "each"), edge("each", "results", "out")],
}  # fmt: skip


def test_a_loop_with_failed_items_says_so_wherever_the_run_is_seen(page: Page, product: Product):
    sign_up(page, product, "Loop Person")
    workflow = make(page, product, LOOP)
    run = send(page, product, "POST", f"/workflows/{workflow}/runs", {"wait": 20})
    assert (run["status"], run["warning_count"]) == ("succeeded", 1)
    said = "2 of 5 items failed"
    page.goto(f"{product.url}/workflows/{workflow}?run={run['id']}")
    expect(page.get_by_test_id("node-each").locator(".node-badge").last).to_contain_text(said)
    expect(page.get_by_test_id("row-each")).to_contain_text(said)
    expect(page.get_by_test_id("run-warnings")).to_have_text("1 warning")
    page.get_by_test_id("row-each").get_by_role("gridcell").first.click()
    expect(page.get_by_test_id("step-warning")).to_have_text(said)
    page.goto(f"{product.url}/runs")
    expect(page.get_by_test_id("runs-table")).to_contain_text("1 warning")
    page.goto(f"{product.url}/runs/{run['id']}")
    row = page.get_by_role("treeitem").filter(has_text=said)
    expect(row).to_have_count(1)
    row.click()
    expect(page.get_by_test_id("step-warning")).to_have_text(said)


LONG = "9007199254740993"
IDS = {
    "nodes": [
        node("start", "trigger.manual", fields=[{"name": "id", "type": "number", "title": "Id", "required": True}]),
        node("keep", "data.set", 300, values={"id": "{{ trigger.id }}"}),
        node("ask", "human.approval", 600, title="Right?", value="{{ nodes.keep.data }}", editable=True),
        node("out", "flow.respond", 900, value="{{ input }}"),
    ],
    "edges": [edge("start", "data", "keep"), edge("keep", "data", "ask"), edge("ask", "approved", "out")],
}  # fmt: skip


def test_no_id_is_rounded_on_its_way_through_the_browser(page: Page, product: Product):
    sign_up(page, product, "Exact Person")
    workflow = make(page, product, IDS)
    page.get_by_test_id("run").click()
    page.get_by_test_id("run-dialog").get_by_role("spinbutton").fill(LONG)
    page.get_by_test_id("start-run").click()
    expect(page.get_by_test_id("approval-value")).to_contain_text(LONG, timeout=20_000)
    run = page.url.rpartition("run=")[2]
    assert LONG in page.request.get(f"{product.url}/api/runs/{run}").text()
    page.get_by_test_id("approval-value").press("End")
    page.keyboard.type(" ")  # it counts as changed, and goes back as it is typed
    page.get_by_test_id("answer-approve").click()
    expect(page.get_by_test_id("drawer")).to_have_attribute("data-run", "succeeded", timeout=20_000)
    page.goto(f"{product.url}/runs/{run}")
    page.get_by_role("treeitem").filter(has_text="Set values").click()
    expect(page.get_by_role("tabpanel", name="Output")).to_contain_text(LONG)
    page.get_by_role("treeitem").filter(has_text="Approval").click()
    page.get_by_test_id("fork-from").click()
    page.get_by_test_id("fork-add-change").click()
    page.get_by_test_id("fork-change").locator("select").select_option("keep")
    expect(page.get_by_test_id("fork-output")).to_have_value(re.compile(LONG))
    page.get_by_test_id("fork-start").click()
    page.wait_for_url(lambda url: run not in url)
    fork = page.url.rpartition("/")[2]
    steps = page.request.get(f"{product.url}/api/runs/{fork}/trace").text()
    assert LONG in steps
    assert str(int(LONG) - 1) not in steps
    assert workflow in steps
