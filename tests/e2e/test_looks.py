"""Every page, light and dark, wide and narrow: no serious finding of axe, nothing cut off, usable by keyboard."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import WIDE
from tests.e2e.product import Product
from tests.e2e.test_acceptance import SLOW, sign_up, use_template

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("product", ["sqlite"], indirect=True)]
PAGES = (
    "/",
    "/workflows",
    "/templates",
    "/templates/ticket-triage",
    "/runs",
    "/schedules",
    "/dead-letters",
    "/approvals",
    "/models",
    "/settings",
)


LABELS = {"rules": {"label-content-name-mismatch": {"enabled": True}}}
"""A rule that axe leaves out by itself: what one reads on a control is part of its name."""


def serious(page: Page) -> list[str]:
    """Serious and critical findings, with the first place of each."""
    found = Axe().run(page, options=LABELS).response["violations"]
    return [
        f"{page.url}: {one['id']}: {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def settle(page: Page) -> None:
    """Wait until nothing is loading any more."""
    expect(page.locator("main, #content, [data-testid=editor]").first).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_have_no_serious_finding_and_fit_every_width(
    browser: Browser, product: Product, scheme: str
):
    context = browser.new_context(viewport=WIDE, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{product.url}/login")
    expect(page.get_by_test_id("submit")).to_be_visible()
    findings = serious(page)
    sign_up(page, product, f"{scheme.title()} Person")
    workflow = use_template(page, product, "ticket-triage")
    page.get_by_test_id("run").click()
    findings += serious(page)
    page.get_by_test_id("start-run").click()
    expect(page.get_by_test_id("approval")).to_be_visible(timeout=SLOW)
    trace = str(page.get_by_test_id("open-trace").get_attribute("href"))
    cut: list[str] = []
    for path in (*PAGES, f"/workflows/{workflow}", trace):
        page.set_viewport_size(WIDE)
        page.goto(f"{product.url}{path}")
        settle(page)
        if path.endswith(workflow):
            page.get_by_test_id("node-draft").click()
            expect(page.get_by_test_id("inspector")).to_be_visible()
        findings += serious(page)
        for width in (1024, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.wait_for_timeout(150)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                cut.append(f"{path} at {width}: {wide}")
    context.close()
    assert not findings, "\n".join(findings)
    assert not cut
    assert not errors


def test_a_workflow_is_built_and_run_by_keyboard_alone(page: Page, product: Product):
    sign_up(page, product, "Keyboard Person")
    page.goto(f"{product.url}/workflows")
    page.get_by_role("button", name=re.compile("New workflow")).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/workflows/wfl_"))
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    expect(page.get_by_test_id("kind-trigger.manual")).to_be_visible()
    nodes = page.locator("[data-testid^=node-][data-kind]")
    had = nodes.count()
    for kind in ("Manual start", "Text template", "Respond")[1 if had else 0 :]:
        page.keyboard.press("Escape")  # out of the first field of the node that was added
        page.keyboard.press("/")
        page.keyboard.type(kind)
        page.keyboard.press("Enter")
        had += 1
        expect(nodes).to_have_count(had)
    expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    page.get_by_test_id("show-outline").focus()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("outline")).to_be_visible()


def test_foreign_and_missing_things_look_alike(browser: Browser, page: Page, product: Product):
    sign_up(page, product, "Owner Person")
    workflow = use_template(page, product, "data-report")
    other = browser.new_context(viewport=WIDE)
    stranger = other.new_page()
    sign_up(stranger, product, "Other Person")
    texts = []
    for found in (workflow, "wfl_01AAAAAAAAAAAAAAAAAAAAAAAA"):
        reply = stranger.request.get(f"{product.url}/api/workflows/{found}")
        assert reply.status == 404
        body = reply.json()
        texts.append({key: body[key] for key in body if key not in ("request_id", "instance")})
        stranger.goto(f"{product.url}/workflows/{found}")
        expect(stranger.locator("body")).to_contain_text(
            re.compile("no such workflow|not here|does not exist", re.I)
        )
    other.close()
    assert texts[0] == texts[1]


def test_sign_out_ends_every_tab(page: Page, product: Product):
    sign_up(page, product, "Leaving Person")
    second = page.context.new_page()
    second.goto(f"{product.url}/workflows")
    settle(second)
    page.goto(f"{product.url}/settings")
    page.get_by_test_id("sign-out").first.click()
    expect(page).to_have_url(re.compile("/login"))
    expect(second).to_have_url(re.compile("/login"), timeout=20_000)
    second.goto(f"{product.url}/runs")
    expect(second).to_have_url(re.compile("/login"), timeout=20_000)
