"""The editor in the browser: wires of large graphs, the keyboard, two tabs at one workflow, exact numbers."""

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
