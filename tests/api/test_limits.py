"""What is refused before any endpoint sees it, and how every refusal looks."""

import pytest

from app.services.composition import close_app

# Nothing here depends on the database: one is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JSON = {"Content-Type": "application/json"}


def is_problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"] == body["code"]
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_every_response_has_an_id_and_security_headers(visitor):
    seen = set()
    for path in ("/healthz", "/api/me", "/api/nothing", "/api/openapi.json"):
        response = await visitor.get(path)
        seen.add(response.headers["x-request-id"])
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["referrer-policy"] == "same-origin"
    assert len(seen) == 4


async def test_what_the_api_says_is_not_kept_by_caches(ada):
    assert (await ada.get("/api/me")).headers["cache-control"] == "no-store"


async def test_foreign_origins_get_no_cors_headers(ada):
    response = await ada.get("/api/me", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_unknown_address_and_wrong_method_are_problems(visitor):
    assert is_problem(await visitor.get("/api/nothing"), 404)["code"] == "not_found"
    assert is_problem(await visitor.get("/api"), 404)
    wrong = await visitor.delete("/api/templates")
    assert is_problem(wrong, 405)["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_announced_size_over_ten_megabytes_is_refused_unread(visitor):
    async def endless():
        raise AssertionError("the body was read")
        yield b""

    response = await visitor.post(
        "/api/auth/login", content=endless(), headers={**JSON, "Content-Length": "10000001"}
    )
    assert is_problem(response, 413)["code"] == "too_large"


async def test_unannounced_body_over_ten_megabytes_is_refused(visitor):
    async def chunks():
        for _ in range(11):
            yield b" " * 1_000_000

    response = await visitor.post("/api/auth/login", content=chunks(), headers=JSON)
    assert is_problem(response, 413)["code"] == "too_large"


def nested(levels):
    return b'{"name": "x", "graph": ' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (nested(70), 413),
        (nested(900), 413),
        (nested(100_000), 413),
        (b'{"name": "x"', 422),
        (b'{"name": NaN}', 422),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": "a\\u0000b"}', 422),
        (b'{"name": "x", "graph": {"a\\u0000": 1}}', 422),
        (b"\xff\xfe", 422),
        (b"null", 422),
        (b"", 422),
    ],
)
async def test_body_that_no_database_should_see_is_refused(ada, body, status):
    response = await ada.post("/api/workflows", content=body, headers=JSON)
    assert is_problem(response, status)


async def test_too_deep_body_names_the_place(ada):
    graph = {"nodes": [{"id": "a", "config": {"text": deep(80)}}], "edges": []}
    response = await ada.post("/api/workflows", json={"name": "x", "graph": graph})
    body = is_problem(response, 413)
    assert body["place"] == "graph.nodes.0.config.text.in.in.in…"
    assert "graph.nodes.0.config.text" in body["detail"]


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"in": value, "beside": 1}
    return {"beside": [1], **value}


async def test_text_about_a_null_character_is_not_one(ada):
    response = await ada.post(
        "/api/workflows", content=b'{"name": "about \\\\u0000"}', headers=JSON
    )
    assert response.json()["name"] == "about \\u0000"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_body_that_is_not_json_is_refused(ada, kind):
    response = await ada.post(
        "/api/workflows", content=b'{"name": "x"}', headers={"Content-Type": kind}
    )
    assert "Content-Type: application/json" in is_problem(response, 415)["detail"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "workspace_id": "wsp_1"}, "workspace_id"),
        ({"name": "x", "status": "published"}, "status"),
        ({"name": "x", "revision": 7}, "revision"),
        ({"graph": {}}, "name"),
        ({"name": 1}, "name"),
        ({"name": "x", "graph": []}, "graph"),
    ],
)
async def test_unfit_field_is_named(ada, body, place):
    problem = is_problem(await ada.post("/api/workflows", json=body), 422)
    assert problem["field"] == place
    assert problem["errors"][0]["place"] == place


@pytest.mark.parametrize(
    ("query", "place"), [("limit=0", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")]
)
async def test_unfit_query_is_named(ada, query, place):
    for path in ("/api/workflows", "/api/runs"):
        assert is_problem(await ada.get(f"{path}?{query}"), 422)["field"] == place


async def test_defect_shows_no_trace(site, visitor, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("app.api.http.deps.actor_of_token", broken)
    response = await visitor.get("/api/me", headers={"Authorization": "Bearer x"})
    assert is_problem(response, 500)["code"] == "defect"
    assert "secret detail" not in response.text


async def test_before_the_runtime_is_open_the_answer_is_not_yet(site, visitor):
    await close_app()
    response = await visitor.get("/api/me", headers={"Authorization": "Bearer x"})
    assert is_problem(response, 503)["code"] == "unavailable"


async def test_openapi_describes_every_documented_route(visitor):
    document = (await visitor.get("/api/openapi.json")).json()
    assert document["info"]["title"] == "AgentLoom"
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            assert operation["description"], f"{verb} {path}"
