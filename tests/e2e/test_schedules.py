"""Schedules as a person uses them: make one, see it fire, follow its run, change, switch off, delete."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.product import Product
from tests.e2e.test_acceptance import sign_up
from tests.e2e.test_looks import serious
from tests.graphs import QUICK

pytestmark = pytest.mark.e2e
BROKEN_RULE = "61 * * * *"


def make_workflow(page: Page, product: Product) -> str:
    """A workflow that needs no model."""
    reply = page.request.post(
        f"{product.url}/api/workflows",
        data={"name": "Greeting", "graph": QUICK},
        headers={"X-CSRF-Token": csrf(page)},
    )
    assert reply.status == 201, reply.text()
    return str(reply.json()["id"])


def csrf(page: Page) -> str:
    return next(c["value"] for c in page.context.cookies() if c["name"] == "agentloom_csrf")


def test_a_schedule_from_its_making_to_its_end(page: Page, product: Product):
    sign_up(page, product, "Time LeaseHeartbeat")
    workflow = make_workflow(page, product)
    page.goto(f"{product.url}/workflows")
    page.get_by_test_id(f"actions-{workflow}").click()
    page.get_by_test_id("schedule").click()
    _fill_in(page)
    _see_it_fire(page, product)
    page.goto(f"{product.url}/schedules")
    _change_and_switch_off(page)
    _delete_and_undo(page)


def _fill_in(page: Page) -> None:
    """Faults are said where they are, and the next times are shown before anything is stored."""
    form = page.get_by_test_id("schedule-form")
    expect(form.get_by_test_id("sched-workflow")).to_have_value("Greeting")
    form.get_by_test_id("rule-kind").select_option("custom")
    form.get_by_test_id("rule-cron").fill(BROKEN_RULE)
    expect(form.get_by_role("alert")).to_contain_text("0 to 59")
    expect(form.get_by_test_id("save-schedule")).to_be_disabled()
    form.get_by_test_id("rule-cron").fill("* * * * *")
    form.get_by_test_id("sched-zone").click()
    page.keyboard.type("kathm")
    page.keyboard.press("Enter")
    expect(form.get_by_test_id("sched-zone")).to_have_value("Asia/Kathmandu")
    preview = form.get_by_test_id("preview")
    expect(preview).to_contain_text("Every minute")
    expect(preview.locator("li")).to_have_count(5)
    form.get_by_test_id("sched-input").fill("{not json")
    form.get_by_test_id("save-schedule").click()
    expect(form.get_by_role("alert")).to_contain_text("not valid JSON")
    form.get_by_test_id("sched-input").fill('{"name": "Ada"}')
    form.get_by_test_id("sched-name").fill("Greet each minute")
    assert not serious(page)
    form.get_by_test_id("save-schedule").click()


def _see_it_fire(page: Page, product: Product) -> None:
    table = page.get_by_test_id("schedules-table")
    expect(table).to_contain_text("Greet each minute")
    product.change("UPDATE schedule SET next_at = planned_at")  # its minute has come
    run = table.get_by_role("link", name="Run #1")
    expect(run).to_be_visible(timeout=20_000)
    expect(table).to_contain_text("succeeded", timeout=20_000)
    run.click()
    page.wait_for_url(re.compile(r"/runs/run_"))
    expect(page.get_by_test_id("trace")).to_contain_text("Greet")


def _change_and_switch_off(page: Page) -> None:
    table, form = page.get_by_test_id("schedules-table"), page.get_by_test_id("schedule-form")
    page.get_by_role("button", name="Greet each minute", exact=True).focus()
    page.keyboard.press("Enter")
    expect(form.get_by_test_id("rule-kind")).to_have_value("minutes")
    form.get_by_test_id("rule-kind").select_option("weekdays")
    expect(form.get_by_test_id("preview")).to_contain_text("Monday through Friday")
    form.get_by_test_id("save-schedule").click()
    expect(table).to_contain_text("Monday through Friday")
    expect(table).to_contain_text("Kathmandu")
    assert not serious(page)
    switch = table.get_by_role("switch")
    switch.click()
    expect(switch).to_have_attribute("data-state", "unchecked")
    page.reload()
    expect(switch).to_have_attribute("data-state", "unchecked")


def _delete_and_undo(page: Page) -> None:
    table = page.get_by_test_id("schedules-table")
    table.locator("[data-testid^=actions-]").click()
    page.get_by_test_id("history").click()
    expect(page.get_by_test_id("fires-table")).to_contain_text("Run #")
    page.keyboard.press("Escape")
    table.locator("[data-testid^=actions-]").click()
    page.get_by_test_id("delete").click()
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("empty")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(table).to_contain_text("Greet each minute")
