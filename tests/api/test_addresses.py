"""Addresses under /api belong to the API alone, whatever is mounted behind it; what is behind is kept as it may be."""

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.responses import HTMLResponse, PlainTextResponse

from app.api.app import build
from app.api.http.problems import of_error
from app.kernel.errors import QueueDown, RateLimited, TooMuch

PROBLEM = "application/problem+json"


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


async def test_whatever_lies_below_api_answers_with_problems():
    api = build()
    api.mount("/", PlainTextResponse("a page"))
    async with AsyncClient(transport=ASGITransport(api), base_url="http://site") as browser:
        for path in (
            "/api",
            "/api/",
            "/api/_anything",
            "/api/_event/",
            "/api//runs",
            "/api/runs/",
            "/api/x.html",
        ):
            for method in (
                "GET",
                "HEAD",
                "OPTIONS",
                "POST",
                "PUT",
                "PATCH",
                "DELETE",
                "TRACE",
                "BREW",
            ):
                answer = await browser.request(method, path)
                assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM), (
                    method,
                    path,
                )


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (QueueDown("away"), "5"),
        (TooMuch("full"), "10"),
        (RateLimited("slow", retry_after_s=42), "42"),
    ],
)
def test_who_is_sent_away_hears_when_to_come_again(error, seconds):
    assert of_error(error).headers["retry-after"] == seconds


async def test_browsers_keep_files_named_by_content_and_ask_about_pages():
    api = build()

    async def site(scope, receive, send):
        missing = scope["path"].startswith("/assets/none")
        answer = HTMLResponse("x", 404 if missing else 200)
        await answer(scope, receive, send)

    api.mount("/", site)
    async with AsyncClient(transport=ASGITransport(api), base_url="http://site") as browser:
        kept = {path: (await browser.get(path)).headers["cache-control"] for path in
                ("/assets/index-C4J84QbE.js", "/assets/none-1.js", "/", "/runs", "/app.css")}  # fmt: skip
    assert kept.pop("/assets/index-C4J84QbE.js") == "public, max-age=31536000, immutable"
    assert set(kept.values()) == {"no-cache"}
