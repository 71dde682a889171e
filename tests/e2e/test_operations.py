"""What a person does when much or something bad has happened: dead letters, long traces, runs that called others."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.product import Product
from tests.e2e.test_acceptance import sign_up
from tests.e2e.test_control import make
from tests.e2e.test_looks import serious
from tests.e2e.test_schedules import csrf
from tests.graphs import QUICK, START, edge, node

pytestmark = pytest.mark.e2e
ITEMS = 600
IN_SIGHT = 80  # rows that are drawn of a list, however long it is
GIVEN_UP_BY = 10_000  # the sweeper looks every few seconds


def run(page: Page, product: Product, workflow: str, given: dict[str, Any]) -> str:
    """Run a workflow to its end; return the run's id."""
    reply = page.request.post(
        f"{product.url}/api/workflows/{workflow}/runs",
        data={"input": given, "wait": 30},
        headers={"X-CSRF-Token": csrf(page)},
    )
    assert reply.json()["status"] == "succeeded", reply.text()
    return str(reply.json()["id"])


def kill_again_and_again(product: Product, run_id: str) -> None:
    """Leave the run as a process does that died with it for the fifth time in a row, its first step done."""
    product.change(
        f"DELETE FROM step WHERE run_id = '{run_id}' AND node_id != 'start'",
        "UPDATE run SET status = 'running', attempts = 5, crash_seq = 1000, output = NULL, finished_at = NULL,"
        f" lease_until = '2020-01-01 00:00:00.000000' WHERE id = '{run_id}'",
    )


def test_a_dead_letter_is_seen_inspected_and_requeued(page: Page, product: Product):
    sign_up(page, product, "Careful Person")
    run_id = run(page, product, make(page, product, "Greeting", QUICK), {"name": "Ada"})
    page.goto(f"{product.url}/runs")
    page.get_by_test_id("dead-letters").click()
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing was given up")

    kill_again_and_again(product, run_id)
    table = page.get_by_test_id("dead-letters-table")
    expect(table).to_contain_text("6 processes that ran this died", timeout=GIVEN_UP_BY)
    assert serious(page) == []
    page.get_by_test_id(f"dead-{run_id}").click()
    expect(page.get_by_role("heading", name="#1 Greeting")).to_be_visible()
    expect(page.get_by_role("treeitem")).to_have_count(1)

    page.go_back()
    page.get_by_test_id(f"requeue-{run_id}").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_text("Run #2 goes on from there.")).to_be_visible()
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing was given up")
    page.get_by_role("link", name="All runs").first.click()
    again = page.get_by_role("row").filter(has_text="#2")
    expect(again).to_contain_text("succeeded")
    again.get_by_role("link").click()
    expect(page.get_by_role("link", name="after an earlier run")).to_be_visible()
    page.get_by_role("treeitem").filter(has_text="Start").click()
    expect(page.get_by_test_id("origin")).to_contain_text("Taken from the run")
    page.get_by_role("treeitem").filter(has_text="Greet").click()
    expect(page.get_by_label("output", exact=True)).to_contain_text("Hi Ada")


def test_a_turn_far_down_a_long_trace_is_opened(page: Page, product: Product):
    sign_up(page, product, "Thorough Person")
    each = node("each", "logic.for_each", {"items": "trigger.rows", "concurrency": 50})
    name = node(
        "name", "data.template", {"template": "Invoice {{ index }} of {{ item }}"}, parent="each"
    )
    keep = node("keep", "data.set", {"values": {"n": "{{ index }}"}}, parent="each")
    wires = [edge(START, each, "", "input"), edge(name, keep)]
    graph = {"schema": 1, "nodes": [START, each, name, keep], "edges": wires}
    rows = [f"customer {number}" for number in range(ITEMS)]
    run_id = run(page, product, make(page, product, "Invoices", graph), {"rows": rows})

    page.goto(f"{product.url}/runs/{run_id}")
    hidden = page.get_by_test_id("trace-hidden")
    expect(hidden).to_contain_text(f"{2 * ITEMS - 1_000} steps")
    page.get_by_role("treeitem").filter(has_text="Each").first.click()
    page.get_by_role("tab", name="Turns").click()
    page.get_by_test_id("turn-number").fill(str(ITEMS + 1))
    page.get_by_test_id("open-turn").click()
    expect(page.get_by_text(f"There is no turn {ITEMS + 1}.")).to_be_visible()
    page.get_by_test_id("turn-number").fill(str(ITEMS))
    page.get_by_test_id("open-turn").click()
    expect(page.get_by_label("output", exact=True)).to_contain_text(
        f"Invoice {ITEMS - 1} of customer {ITEMS - 1}"
    )
    expect(hidden).to_contain_text(f"{2 * ITEMS - 1_002} steps")
    expect(page.get_by_role("treeitem").filter(has_text=f"Item {ITEMS}")).to_be_in_viewport()
    chosen = page.get_by_role("treeitem", selected=True)
    expect(chosen).to_contain_text("Name")
    expect(chosen).to_be_in_viewport()
    page.evaluate("id => window.agentloomLive.refresh(id)", run_id)  # as after a lost connection
    expect(page.get_by_role("treeitem").filter(has_text=f"Item {ITEMS}")).to_be_in_viewport()
    expect(hidden).to_contain_text(f"{2 * ITEMS - 1_002} steps")
    assert serious(page) == []

    page.get_by_test_id("trace-timeline").click()
    bars = page.locator(".tx-lane button")
    expect(bars.and_(page.locator("[aria-pressed=true]"))).to_be_in_viewport()
    assert bars.count() < IN_SIGHT
    assert serious(page) == []
    page.get_by_test_id("trace-log").click()
    expect(page.get_by_role("log")).to_contain_text("run.started")
    assert page.locator(".tx-log-line").count() < IN_SIGHT


def test_a_run_leads_to_the_run_it_called_and_back(page: Page, product: Product):
    sign_up(page, product, "Calling Person")
    called = make(page, product, "Called", QUICK)
    call = node("call", "flow.run_workflow", {"workflow": called, "given": "{{ trigger }}"})
    answer = node("answer", "flow.respond", {"value": "{{ input }}"})
    wires = [edge(START, call, "", "input"), edge(call, answer, "output")]
    graph = {"schema": 1, "nodes": [START, call, answer], "edges": wires}
    caller = make(page, product, "Caller", graph)
    reply = page.request.post(
        f"{product.url}/api/workflows/{caller}/runs",
        data={"input": {"name": "Ada"}},
        headers={"X-CSRF-Token": csrf(page)},
    )
    page.goto(f"{product.url}/runs/{reply.json()['run_id']}")
    expect(page.get_by_role("treeitem").filter(has_text="Answer")).to_be_visible()
    page.get_by_role("treeitem").filter(has_text="Call").click()
    expect(page.get_by_test_id("waited")).to_contain_text("of it waiting")
    page.get_by_test_id("child-run").click()
    expect(page.get_by_role("heading", name="Called")).to_be_visible()
    page.get_by_role("link", name="called by a run").click()
    expect(page.get_by_role("heading", name="Caller")).to_be_visible()


def test_a_failed_run_leads_to_the_field_and_the_editor_to_a_schedule(page: Page, product: Product):
    sign_up(page, product, "Mending Person")
    ask = node("ask", "tool.http", {"url": "http://127.0.0.1:9/"})
    graph = {"schema": 1, "nodes": [START, ask], "edges": [edge(START, ask)]}
    workflow = make(page, product, "Broken", graph)
    page.goto(f"{product.url}/workflows/{workflow}")
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()
    expect(page.get_by_test_id("drawer")).to_have_attribute("data-run", "failed")
    page.get_by_test_id("open-trace").click()
    page.get_by_test_id("go-to-field").click()
    expect(page).to_have_url(re.compile(r"\?node=ask"))
    expect(page.get_by_test_id("inspector")).to_have_attribute("aria-label", "Node Ask")

    page.get_by_test_id("schedule").click()
    expect(page).to_have_url(re.compile(rf"/schedules/?\?new={workflow}"))
    expect(page.get_by_test_id("sched-workflow")).to_have_value("Broken")
