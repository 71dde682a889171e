"""Addresses under /api belong to the API alone, whatever is mounted behind it."""

from httpx import ASGITransport, AsyncClient
from starlette.responses import PlainTextResponse

from app.api.app import build


async def test_pages_mounted_behind_the_api_get_nothing_of_its_addresses():
    api = build()
    api.mount("/", PlainTextResponse("a page"))
    async with AsyncClient(transport=ASGITransport(api), base_url="http://site") as browser:
        for path in ("/api", "/api/", "/api/nothing", "/api/runs/x/y/z"):
            for answer in (await browser.get(path), await browser.post(path)):
                assert answer.status_code == 404
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["code"] == "not_found"
        assert (await browser.get("/apiary")).text == "a page"
