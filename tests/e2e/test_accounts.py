"""Who may create an account and who may download models, as the pages say it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import free_port
from tests.e2e.conftest import WIDE
from tests.e2e.product import Product
from tests.e2e.test_acceptance import sign_up

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def empty() -> Iterator[Product]:
    """A fresh installation where only addresses of one domain may register after the first account."""
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    env = {"AGENTLOOM_REGISTRATION": "domains", "AGENTLOOM_REGISTRATION_DOMAINS": "example.com",
           "AGENTLOOM_FIRST_MODEL": "none", "AGENTLOOM_WORKERS": "0"}  # fmt: skip
    started = Product(data, free_port(), env)
    started.start()
    yield started
    started.stop()
    shutil.rmtree(data, ignore_errors=True)


def test_the_first_account_administers_and_others_are_told_to_ask(
    browser: Browser, page: Page, empty: Product
):
    page.goto(empty.url)
    sign_up(page, empty, "First Person")
    page.goto(f"{empty.url}/models")
    expect(page.get_by_test_id("pull").first).to_be_visible()
    expect(page.get_by_test_id("ask")).to_have_count(0)
    other = browser.new_context(viewport=WIDE)
    second = other.new_page()
    sign_up(second, empty, "Second Person")
    second.goto(f"{empty.url}/models")
    expect(second.get_by_test_id("ask").first).to_contain_text("administrator of the installation")
    expect(second.get_by_test_id("pull")).to_have_count(0)
    other.close()


def test_an_address_of_another_domain_is_refused_with_a_sentence(page: Page, empty: Product):
    page.goto(f"{empty.url}/register")
    page.get_by_test_id("name").fill("Mallory Person")
    page.get_by_test_id("email").fill("mallory@elsewhere.example")
    page.get_by_test_id("password").fill("copper kettle 9")
    page.get_by_test_id("submit").click()
    expect(page.get_by_test_id("form-error")).to_contain_text("example.com")


def test_where_nobody_may_register_the_pages_say_so(browser: Browser, empty: Product):
    env = {
        "AGENTLOOM_REGISTRATION": "closed",
        "AGENTLOOM_FIRST_MODEL": "none",
        "AGENTLOOM_WORKERS": "0",
    }
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    closed = Product(data, free_port(), env)
    closed.start()
    try:
        first, other = (browser.new_context(viewport=WIDE) for _ in range(2))
        sign_up(first.new_page(), closed, "Only Person")
        page = other.new_page()
        page.goto(f"{closed.url}/register")
        expect(page.get_by_test_id("closed")).to_contain_text("Registration is closed here.")
        expect(page.get_by_test_id("submit")).to_have_count(0)
        page.get_by_test_id("other-way").click()
        expect(page.get_by_test_id("submit")).to_be_visible()
        expect(page.get_by_test_id("closed")).to_be_visible()
        expect(page.get_by_test_id("other-way")).to_have_count(0)
        for context in (first, other):
            context.close()
    finally:
        closed.stop()
        shutil.rmtree(data, ignore_errors=True)
