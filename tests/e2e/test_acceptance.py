"""The main job, as a newcomer does it: sign up, template, edit, run, watch, approve, understand, break, mend."""

import re
import time

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.product import Product

pytestmark = pytest.mark.e2e
PASSWORD = "analytical engine 1843"
SLOW = 90_000  # a real model on a busy machine


def sign_up(page: Page, product: Product, name: str = "Ada Lovelace") -> str:
    """Register a fresh person through the page; return the e-mail address."""
    email = f"{name.split(maxsplit=1)[0].lower()}{time.time_ns()}@example.com"
    page.goto(f"{product.url}/register")
    page.get_by_test_id("name").fill(name)
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("start-template")).to_be_visible()
    return email


def use_template(page: Page, product: Product, template: str) -> str:
    """Take a template into use from its card; return the workflow's id."""
    page.goto(f"{product.url}/templates")
    page.get_by_test_id(f"use-{template}").click()
    page.wait_for_url(re.compile(r"/workflows/wfl_"))
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    return page.url.rpartition("/")[2].split("?")[0]


def drag(page: Page, start: Locator, x: float, y: float) -> None:
    """Press on the middle of something, move in steps, and let the button be held."""
    box = start.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(x, y, steps=12)


def middle(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_first_visitor_is_led_to_sign_up(page: Page, product: Product):
    page.goto(product.url)
    expect(page).to_have_url(re.compile(r"/register"))  # nobody has an account yet


def test_a_newcomer_builds_runs_and_understands(page: Page, product: Product):
    sign_up(page, product)

    page.get_by_test_id("start-template").click()
    expect(page.locator("[data-testid^=use-]")).to_have_count(9)
    page.get_by_placeholder("Search templates").fill("ticket")
    expect(page.get_by_test_id("use-ticket-triage")).to_be_visible()
    expect(page.get_by_test_id("use-data-report")).to_have_count(0)
    page.get_by_placeholder("Search templates").fill("")

    page.goto(f"{product.url}/templates/ticket-triage")
    expect(page.get_by_test_id("template-picture")).to_be_visible()
    page.get_by_test_id("use-template").click()
    expect(page.get_by_test_id("node-sort")).to_be_visible()

    _add_a_node(page)
    _refuse_an_impossible_connection(page)
    _change_a_prompt(page)
    run_url = _run_and_approve(page)
    _read_the_trace(page, run_url)
    _break_and_mend(page, product)


def _add_a_node(page: Page) -> None:
    canvas = page.get_by_test_id("canvas").bounding_box()
    assert canvas
    target = {"x": canvas["width"] * 0.5, "y": canvas["height"] * 0.75}
    page.get_by_test_id("kind-data.template").drag_to(
        page.get_by_test_id("canvas"), target_position=target
    )
    added = page.locator("[data-kind='data.template']")
    expect(added).to_have_count(1)
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    page.keyboard.press("Delete")
    expect(added).to_have_count(0)
    page.get_by_test_id("undo").click()
    expect(added).to_have_count(1)
    page.get_by_test_id("redo").click()
    expect(added).to_have_count(0)


def _refuse_an_impossible_connection(page: Page) -> None:
    """The code node's tool port fits agents only."""
    page.get_by_role("button", name="Fit").click()
    page.wait_for_timeout(500)  # until the camera stands still: places on the screen are read next
    x, y = middle(page.locator("[data-testid^='port-delicate-in-']").first)
    drag(page, page.get_by_test_id("port-rules-out-tool"), x, y)
    expect(page.get_by_test_id("refusal")).to_be_visible()
    page.mouse.up()
    expect(page.locator(".react-flow__edge")).to_have_count(9)


def _change_a_prompt(page: Page) -> None:
    page.get_by_test_id("node-draft").click()
    inspector = page.get_by_test_id("inspector")
    prompt = inspector.get_by_label("Prompt", exact=False).first
    prompt.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Be brief.")
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    page.reload()
    page.get_by_test_id("node-draft").click()
    expect(page.get_by_test_id("inspector").get_by_text("Be brief.").first).to_be_visible()
    page.keyboard.press("Escape")


def _run_and_approve(page: Page) -> str:
    page.get_by_test_id("run").click()
    dialog = page.get_by_test_id("run-dialog")
    expect(dialog.get_by_label("Customer")).to_have_value("Maria Lopez")
    page.get_by_test_id("start-run").click()
    expect(page.get_by_test_id("approval")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("node-draft")).to_contain_text("tok")
    page.get_by_test_id("answer-approve").click()
    expect(page.get_by_test_id("drawer")).to_have_attribute("data-run", "succeeded", timeout=SLOW)
    expect(page.get_by_test_id("node-hold")).to_contain_text(re.compile("not taken|skipped"))
    return str(page.get_by_test_id("open-trace").get_attribute("href"))


def _read_the_trace(page: Page, run_url: str) -> None:
    page.get_by_test_id("open-trace").click()
    page.wait_for_url(re.compile(re.escape(run_url)))
    trace = page.get_by_test_id("trace")
    expect(trace).to_contain_text("Draft a reply")
    trace.locator(".tx-row", has_text="Draft a reply").click()
    for tab, text in (("Output", "text"), ("Input", "Maria Lopez"), ("Prompt", "Maria Lopez")):
        trace.get_by_role("tab", name=tab, exact=True).click()
        expect(trace.get_by_role("tabpanel")).to_contain_text(text)
    trace.get_by_role("tab", name="Completion").click()
    expect(trace.get_by_role("tabpanel").locator("pre")).not_to_be_empty()
    for view in ("timeline", "graph", "log", "tree"):
        page.get_by_test_id(f"trace-{view}").click()
        expect(trace).to_contain_text("run.started" if view == "log" else "Draft a reply")


def _break_and_mend(page: Page, product: Product) -> None:
    page.get_by_test_id("open-workflow").click()
    page.get_by_test_id("node-draft").click()
    prompt = page.get_by_test_id("inspector").get_by_label("Prompt", exact=False).first
    prompt.click()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("open-problems")).to_contain_text("1")
    page.keyboard.press("Escape")
    page.get_by_test_id("run").click()
    expect(page.locator("body")).to_contain_text("Draft a reply")
    expect(page.get_by_test_id("problems")).to_contain_text("Prompt")
    page.get_by_test_id("problems").get_by_role("button").first.click()
    # The jump ends with the cursor in the field that is to be filled in.
    expect(page.get_by_test_id("inspector").locator(":focus")).to_have_count(1)
    page.wait_for_timeout(300)
    page.keyboard.type("Thank {{ trigger.customer }} in one sentence.")
    expect(page.get_by_test_id("open-problems")).to_contain_text("No problems")
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()
    expect(page.get_by_test_id("approval")).to_be_visible(timeout=SLOW)


# Says where a node is whenever the page is about to be drawn.
PLACES = """
window.places = [];
const look = () => {
  const box = document.querySelector("[data-testid=node-draft]")?.getBoundingClientRect();
  const place = box && `${Math.round(box.x + box.width / 2)} ${Math.round(box.y + box.height / 2)}`;
  if (place && place !== window.places.at(-1)) window.places.push(place);
  requestAnimationFrame(look);
};
look();
"""


@pytest.mark.parametrize("product", ["sqlite"], indirect=True)
@pytest.mark.parametrize("address", ["", "?node=draft"])
def test_a_node_is_where_it_is_seen_from_the_first_moment(
    page: Page, product: Product, address: str
):
    sign_up(page, product, "Quick Person")
    workflow = use_template(page, product, "ticket-triage")
    page.add_init_script(PLACES)
    page.goto(f"{product.url}/workflows/{workflow}{address}")
    x, y = page.wait_for_function("window.places[0]").json_value().split()
    page.mouse.click(int(x), int(y))
    expect(page.get_by_test_id("inspector")).to_have_attribute("aria-label", "Node Draft a reply")
    expect(page.get_by_test_id("open-problems")).to_contain_text("No problems")  # all has arrived
    assert page.evaluate("window.places") == [f"{x} {y}"]


def test_everything_is_there_after_a_restart_and_a_run_goes_on(
    page: Page, context: BrowserContext, product: Product
):
    sign_up(page, product, "Grace Hopper")
    workflow = use_template(page, product, "ticket-triage")
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()
    expect(page.get_by_test_id("node-draft")).to_contain_text(
        re.compile(r"tok|running|streaming"), timeout=SLOW
    )
    product.stop()
    product.start()
    page.goto(f"{product.url}/workflows/{workflow}")
    expect(page.get_by_test_id("approval")).to_be_visible(timeout=SLOW)
    page.get_by_test_id("answer-approve").click()
    expect(page.get_by_test_id("drawer")).to_have_attribute("data-run", "succeeded", timeout=SLOW)
    late = context.new_page()
    late.goto(page.url)
    expect(late.get_by_test_id("drawer")).to_have_attribute("data-run", "succeeded")
