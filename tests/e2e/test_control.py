"""What a person does to runs: pause, let go on, decide about a failed step, run from a step with another value."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Outside
from tests.e2e.product import Product
from tests.e2e.test_acceptance import SLOW, sign_up
from tests.e2e.test_looks import serious
from tests.e2e.test_schedules import csrf

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("product", ["sqlite"], indirect=True)]


def node(node_id: str, kind: str, x: float, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": node_id, "kind": kind, "config": config, "position": {"x": x, "y": 0}, **more}


def chain(*nodes: dict[str, Any], ports: str) -> dict[str, Any]:
    """A graph of one line; `ports` names the output that leads on from each node but the last."""
    edges = [
        {
            "id": f"e{i}",
            "source": a["id"],
            "source_port": port,
            "target": b["id"],
            "target_port": to,
        }
        for i, (a, b, (port, to)) in enumerate(
            zip(nodes, nodes[1:], (pair.split(">") for pair in ports.split()), strict=False)
        )
    ]
    return {"schema": 1, "nodes": list(nodes), "edges": edges}


def make(page: Page, product: Product, name: str, graph: dict[str, Any]) -> str:
    headers = {"X-CSRF-Token": csrf(page)}
    reply = page.request.post(
        f"{product.url}/api/workflows", data={"name": name, "graph": graph}, headers=headers
    )
    assert reply.status == 201, reply.text()
    return str(reply.json()["id"])


def open_and_run(page: Page, product: Product, workflow: str) -> None:
    page.goto(f"{product.url}/workflows/{workflow}")
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()


def test_a_waiting_run_is_paused_resumed_and_canceled(page: Page, product: Product):
    sign_up(page, product, "Patient Person")
    graph = chain(
        node("start", "trigger.manual", 0, {}),
        node("later", "logic.wait", 280, {"seconds": 3600}),
        node("end", "flow.respond", 560, {}),
        ports="data>input value>input",
    )
    open_and_run(page, product, make(page, product, "Much later", graph))
    expect(page.get_by_test_id("waits-for")).to_contain_text("Waits until", timeout=SLOW)
    drawer = page.get_by_test_id("drawer")
    page.get_by_test_id("pause-run").click()
    expect(drawer).to_have_attribute("data-run", "paused", timeout=SLOW)
    page.get_by_test_id("resume-run").click()
    expect(drawer).to_have_attribute("data-run", "waiting", timeout=SLOW)
    page.get_by_test_id("cancel-run").click()
    expect(drawer).to_have_attribute("data-run", "canceled", timeout=SLOW)


def test_an_effect_that_a_cancel_cut_off_says_that_nobody_knows(page: Page, product: Product):
    sign_up(page, product, "Canceling Person")
    graph = chain(
        node("start", "trigger.manual", 0, {}), node("send", "logic.wait", 280, {"seconds": 3600}),
        ports="data>input",
    )  # fmt: skip
    open_and_run(page, product, make(page, product, "Sends", graph))
    expect(page.get_by_test_id("waits-for")).to_be_visible(timeout=SLOW)
    page.get_by_test_id("cancel-run").click()
    drawer = page.get_by_test_id("drawer")
    expect(drawer).to_have_attribute("data-run", "canceled", timeout=SLOW)
    words = "'Send' was cut off while it was changing the outside"

    def tell(route: Route) -> None:
        """The step as the API tells of one that was at work on the outside."""
        reply = route.fetch()
        told = reply.json()
        for step in told.get("steps", [told]):
            if step["node_id"] == "send":
                step["error"] = {"code": "effect_unknown", "message": words}
        route.fulfill(response=reply, json=told)

    page.route("**/api/runs/*/trace*", tell)
    page.route("**/api/runs/*/steps/*", tell)
    editor = page.url
    page.goto(product.url + str(page.get_by_test_id("open-trace").get_attribute("href")))
    mark = page.get_by_role("treeitem").get_by_label(words)
    expect(mark).to_be_visible(timeout=SLOW)
    mark.click()
    expect(page.get_by_role("tab", name="Error")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()
    assert serious(page) == []
    page.goto(editor)
    expect(page.get_by_test_id("row-send")).to_contain_text(words, timeout=SLOW)
    page.get_by_test_id("row-send").locator("button").click()
    expect(page.get_by_test_id("step-error")).to_contain_text(words)


def test_a_failed_step_is_decided_about_and_a_run_goes_on_from_a_step(page: Page, product: Product):
    sign_up(page, product, "Deciding Person")
    graph = chain(
        node("start", "trigger.manual", 0, {}),
        node("note", "data.template", 280, {"template": "Refund for Ada"}),
        node(
            "pay",
            "tool.http",
            560,
            {"url": "http://127.0.0.1:9/", "method": "POST"},
            settings={"on_error": "ask"},
        ),
        node("end", "flow.respond", 840, {"value": "{{ input }}"}),
        ports="data>input text>input body>input",
    )
    open_and_run(page, product, make(page, product, "Refund", graph))
    card = page.get_by_test_id("recovery")
    expect(card).to_contain_text("How shall the run go on?", timeout=SLOW)
    assert serious(page) == []
    page.get_by_test_id("recover-give").click()
    page.get_by_test_id("recovery-value").fill(json.dumps({"body": "paid by hand", "status": 200}))
    page.get_by_test_id("recover-send").click()
    expect(page.get_by_test_id("drawer")).to_have_attribute("data-run", "succeeded", timeout=SLOW)
    page.get_by_test_id("row-pay").locator("button").click()
    expect(page.get_by_test_id("origin")).to_contain_text("given by a person")

    page.get_by_test_id("open-trace").click()
    page.get_by_role("treeitem").filter(has_text="Respond").click()
    page.get_by_test_id("fork-from").click()
    page.get_by_test_id("fork-add-change").click()
    dialog = page.get_by_test_id("fork-dialog")
    dialog.locator("select").select_option("pay")
    expect(page.get_by_test_id("fork-output")).to_have_value(re.compile("paid by hand"))
    page.get_by_test_id("fork-output").fill(json.dumps({"body": "paid twice", "status": 200}))
    assert serious(page) == []
    page.get_by_test_id("fork-start").click()
    expect(page.get_by_role("link", name="after an earlier run")).to_be_visible(timeout=SLOW)
    page.get_by_role("treeitem").filter(has_text="Respond").click()
    expect(page.get_by_label("output", exact=True)).to_contain_text("paid twice", timeout=SLOW)
    page.get_by_role("treeitem").filter(has_text="Text template").first.click()
    expect(page.get_by_test_id("origin")).to_contain_text("Taken from the run")


def test_a_loop_is_tried_again_with_the_keyboard_and_its_done_turns_stay_done(
    page: Page, product: Product, outside: Outside
):
    sign_up(page, product, "Keyboard Person")
    start = node("start", "trigger.manual", 0, {})
    rows = node("rows", "data.set", 280, {"values": {"rows": ["first", "second", "third"]}})
    loop = {"items": "input.rows", "concurrency": 1}
    each = node("each", "logic.for_each", 560, loop, settings={"on_error": "ask"})
    get = node("get", "tool.http", 40, {"url": f"{outside.url}/{{{{ item }}}}"}, parent="each")
    graph = chain(start, rows, each, ports="data>input data>input")
    graph["nodes"].append(get)
    open_and_run(page, product, make(page, product, "Loop", graph))

    expect(page.get_by_test_id("recovery")).to_contain_text(
        "How shall the run go on?", timeout=SLOW
    )
    expect(page.get_by_test_id("row-each")).to_contain_text(re.compile(r"\d m?s"))
    retry, give = page.get_by_test_id("recover-retry"), page.get_by_test_id("recover-give")
    retry.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(give).to_be_focused()
    assert give.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("recovery-value")).to_be_focused()
    page.keyboard.press("Escape")
    expect(give).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(retry).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("step-detail")).to_be_focused()
    expect(page.get_by_test_id("drawer")).to_have_attribute("data-run", "succeeded", timeout=SLOW)
    assert outside.calls == {"/first": 1, "/second": 2, "/third": 1}
    expect(page.get_by_test_id("node-get").locator(".node-badge")).to_contain_text("3/3")
    expect(page.get_by_test_id("row-each[2]/get")).to_have_attribute("data-status", "succeeded")
