"""What the browser is told to refuse, and that no page needs it: each is opened, and used a little, under the product's
own content security policy.
"""

import http.client
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.product import Product
from tests.e2e.test_acceptance import SLOW, sign_up, use_template
from tests.e2e.test_looks import PAGES, settle

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("product", ["sqlite"], indirect=True)]

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
SOCKET = "/_event/?EIO=4&transport=websocket"


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the browser refuses or fails to do while the test runs."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda line: found.append(f"{page.url}: {line.text}") if line.type == "error" else None,
    )
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => console.error("
        "`refused by policy: ${e.violatedDirective} ${e.blockedURI} ${e.sample}`))"
    )
    return found


def test_every_page_works_under_its_policy(page: Page, product: Product, complaints: list[str]):
    for path in ("/login", "/register"):
        page.goto(f"{product.url}{path}")
        expect(page.get_by_test_id("submit")).to_be_visible()
    sign_up(page, product, "Policy Person")
    for path in PAGES:
        page.goto(f"{product.url}{path}")
        settle(page)
    page.goto(f"{product.url}/dev/gallery")  # shows skeletons on purpose
    page.wait_for_load_state("networkidle")
    use_template(page, product, "ticket-triage")
    page.get_by_test_id("run").click()
    page.get_by_test_id("start-run").click()
    drawer = page.get_by_test_id("drawer")
    expect(drawer).to_have_attribute("data-run", "running", timeout=SLOW)
    page.get_by_test_id("cancel-run").click()
    expect(drawer).to_have_attribute("data-run", "canceled", timeout=SLOW)
    page.get_by_test_id("open-trace").click()
    expect(page.get_by_test_id("trace")).to_be_visible()
    page.goto(page.url)
    settle(page)
    assert complaints == []


def test_a_foreign_inline_script_does_not_run(page: Page, product: Product, complaints: list[str]):
    page.goto(f"{product.url}/login")
    expect(page.get_by_test_id("submit")).to_be_visible()
    page.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.foreign = 1';"
        "document.body.append(script);"
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.foreign = 2\">');"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("window.foreign") is None
    assert [line for line in complaints if "refused by policy: script-src" in line]


def asked(
    product: Product, path: str, host: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer to a request that calls the product by this host."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def test_nothing_is_served_under_the_name_of_another_site(product: Product):
    own, bundle = f"localhost:{product.port}", "/session.js"
    for path in ("/", "/login/", bundle, "/ping", "/api/models", "/api/nothing", SOCKET):
        extra = UPGRADE if path == SOCKET else {}
        assert asked(product, path, "evil.example", extra)[0] == 421, path
        assert asked(product, path, own, extra)[0] in (101, 200, 401, 404), path
    other_page = {**UPGRADE, "Origin": "https://evil.example"}
    assert asked(product, SOCKET, own, other_page)[0] == 403
    assert asked(product, SOCKET, own, {**UPGRADE, "Origin": product.url})[0] == 101


def test_pages_lead_on_without_scheme_and_host(product: Product):
    status, headers = asked(product, "/login", f"localhost:{product.port}")
    assert (status, headers["location"]) == (307, "/login/")
    for path in ("/login", "/login/", "/api/me", "/session.js"):
        _, headers = asked(product, path, "localhost")
        assert headers["server"] == ""
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
