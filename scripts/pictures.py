"""Take the README's pictures from the running product: light and dark, wide and narrow.

It starts the product with data of its own, does the main job once with the small local model, and photographs it.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from app.adapters.models.weights import SMOLLM2, WeightStore  # noqa: E402
from app.cli.build import ensure_built  # noqa: E402
from tests.conftest import free_port  # noqa: E402
from tests.e2e.conftest import CHROMIUM, WIDE  # noqa: E402
from tests.e2e.product import Product  # noqa: E402
from tests.e2e.test_acceptance import sign_up, use_template  # noqa: E402
from tests.fakes.local_model import cache_directory, give_weights  # noqa: E402

TO = ROOT / "docs" / "pictures"


def take(page: Page, name: str) -> None:
    """Photograph the page as it is, once it stands still."""
    page.wait_for_timeout(700)
    page.screenshot(path=TO / f"{name}.png")
    print(f"docs/pictures/{name}.png")


def run(page: Page, *, approve: bool) -> None:
    """Start the open workflow with its example and see it to its question or its end."""
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()
    if not approve:
        return
    page.get_by_test_id("approval").wait_for(timeout=120_000)
    page.get_by_test_id("answer-approve").click()
    page.locator("[data-testid=drawer][data-run=succeeded]").wait_for(timeout=120_000)


def journey(browser: Browser, product: Product) -> None:
    """Photograph each stop of the main job."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    sign_up(page, product)
    take(page, "first-home")
    page.goto(f"{product.url}/templates")
    page.locator("[data-testid^=use-]").first.wait_for()
    take(page, "templates")
    for template in ("invoice-extract", "data-report", "classify-route"):
        use_template(page, product, template)
        run(page, approve=False)
        page.locator("[data-testid=drawer][data-run=succeeded]").wait_for(timeout=120_000)
    workflow = use_template(page, product, "ticket-triage")
    run(page, approve=True)
    run(page, approve=False)
    page.get_by_test_id("approval").wait_for(timeout=120_000)
    page.get_by_test_id("node-draft").click()
    take(page, "editor")
    address = page.get_by_test_id("open-trace").get_attribute("href")
    page.goto(f"{product.url}{address}")
    page.get_by_test_id("trace").locator(".tx-row", has_text="Draft a reply").click()
    take(page, "trace")
    page.goto(product.url)
    page.get_by_test_id("stat-runs").wait_for()
    take(page, "home")
    page.emulate_media(color_scheme="dark")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.goto(f"{product.url}/workflows/{workflow}")
    page.get_by_test_id("node-draft").click()
    take(page, "editor-dark")
    context.close()


def main() -> None:
    """Start, photograph, stop."""
    TO.mkdir(parents=True, exist_ok=True)
    ensure_built()
    weights = asyncio.run(WeightStore(cache_directory()).pull(SMOLLM2))
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    give_weights(weights, data)
    product = Product(data, free_port())
    started = time.monotonic()
    try:
        product.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=CHROMIUM
            )
            journey(browser, product)
            browser.close()
    finally:
        product.stop()
        shutil.rmtree(data, ignore_errors=True)
    print(f"done in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
