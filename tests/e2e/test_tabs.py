"""Tabs in a browser: one that is left does not hold up the next, and one whose session is over closes."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.product import Product
from tests.tab import beside_silent_models

PASSWORD = "copper kettle 9"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with beside_silent_models() as started:
        yield started


@pytest.fixture(scope="module")
def signed_in(browser: Browser, product: Product) -> Iterator[BrowserContext]:
    """A browser whose person is signed in."""
    opened = browser.new_context()
    body = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    assert opened.request.post(f"{product.url}/api/auth/register", data=body).ok
    yield opened
    opened.close()


def seconds_to(tab: Page, address: str) -> float:
    """How long the page of workflows takes until it shows what there is."""
    began = time.monotonic()
    tab.goto(address, wait_until="commit")
    expect(tab.get_by_text("No workflows yet")).to_be_visible(timeout=15_000)
    return time.monotonic() - began


def test_a_page_left_while_it_loads_holds_up_no_other(signed_in: BrowserContext, product: Product):
    tab, workflows = signed_in.new_page(), f"{product.url}/workflows"
    usual = max(seconds_to(tab, workflows) for _ in range(4))
    for pause_ms in (150, 400, 1_000):
        tab.goto(f"{product.url}/models", wait_until="commit")
        tab.wait_for_timeout(pause_ms)
        assert seconds_to(tab, workflows) < usual + 1
    for _ in range(2):
        tab.goto(f"{product.url}/models", wait_until="commit")
        tab.wait_for_timeout(500)
    assert seconds_to(tab, workflows) < usual + 1


def test_signing_out_closes_the_tabs_of_the_session_wherever_they_are(
    browser: Browser, signed_in: BrowserContext, product: Product
):
    here = browser.new_context()
    body = {"email": "ada@example.com", "password": PASSWORD}
    assert here.request.post(f"{product.url}/api/auth/login", data=body).ok
    elsewhere = browser.new_context(storage_state=here.storage_state())
    first, second, other = here.new_page(), elsewhere.new_page(), signed_in.new_page()
    for tab in (first, second, other):
        seconds_to(tab, f"{product.url}/workflows")
    first.evaluate("agentloomSession.signOut()")
    second.wait_for_url("**/login**", timeout=5_000)
    expect(second.get_by_test_id("password")).to_be_visible()
    expect(other.get_by_text("No workflows yet")).to_be_visible()
    assert "/workflows" in other.url
    here.close()
    elsewhere.close()
