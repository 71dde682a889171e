"""Sign-in over HTTP: tokens, cookies, CSRF, origin, generic errors, throttle."""

from http.cookies import SimpleCookie

import pytest

from app.kernel.settings import settings
from app.services import throttle
from tests.api.conftest import ORIGIN, PASSWORD, register

# Nothing here depends on the database: one is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOGIN = {"email": "ada@example.com", "password": PASSWORD}


def cookies_of(response):
    jar = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        jar.load(line)
    return jar


def csrf(client):
    return {"X-CSRF-Token": client.cookies["agentloom_csrf"]}


async def test_register_signs_in_and_me_says_who(visitor):
    made = await register(visitor)
    assert made.status_code == 201
    assert made.json()["token_type"] == "bearer"
    assert made.json()["user"]["email"] == "ada@example.com"
    me = await visitor.get("/api/me")
    assert me.status_code == 200
    found = me.json()
    assert (found["name"], found["workspace_name"], found["role"]) == (
        "Ada", "Ada's workspace", "owner",
    )  # fmt: skip
    assert "password" not in me.text


async def test_login_gives_a_token_and_cookies(visitor):
    await register(visitor)
    visitor.cookies.clear()
    signed = await visitor.post("/api/auth/login", json=LOGIN)
    assert signed.status_code == 200
    assert set(signed.json()) == {"access_token", "token_type"}
    jar = cookies_of(signed)
    session, token = jar["agentloom_session"], jar["agentloom_csrf"]
    assert session.value == signed.json()["access_token"]
    assert session["httponly"]
    assert not token["httponly"]
    assert {session["samesite"], token["samesite"]} == {"lax"}
    assert {session["path"], token["path"]} == {"/"}
    assert not session["secure"]


async def test_cookies_are_secure_behind_https(visitor, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_PUBLIC_URL", "https://loom.example.com")
    settings.cache_clear()
    jar = cookies_of(await register(visitor))
    assert jar["agentloom_session"]["secure"]
    assert jar["agentloom_csrf"]["secure"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**LOGIN, "password": "wrong password"}, 401),
        ({**LOGIN, "email": "nobody@example.com"}, 401),
        ({**LOGIN, "email": "no address"}, 401),
        ({**LOGIN, "password": ""}, 401),
        ({"email": "ada@example.com"}, 422),
        ({**LOGIN, "remember": True}, 422),
        ({**LOGIN, "password": 12}, 422),
        ({**LOGIN, "password": None}, 422),
        ({**LOGIN, "password": "x" * 20_000}, 422),
        ([], 422),
        ("text", 422),
    ],
)
async def test_bad_login_is_refused_without_repeating_what_was_sent(visitor, body, status):
    await register(visitor)
    answer = await visitor.post("/api/auth/login", json=body)
    assert answer.status_code == status
    assert "wrong password" not in answer.text
    assert "x" * 50 not in answer.text


async def test_wrong_password_and_unknown_account_have_one_body(visitor):
    await register(visitor)
    bodies = []
    for body in ({**LOGIN, "password": "wrong password"}, {**LOGIN, "email": "no@example.com"}):
        answer = (await visitor.post("/api/auth/login", json=body)).json()
        answer.pop("request_id")
        bodies.append(answer)
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({}, 409, "conflict", "email"),
        ({"email": " ADA@example.com"}, 409, "conflict", "email"),
        ({"email": "bob@example.com", "password": "short"}, 422, "invalid_input", "password"),
        ({"email": "bob@example.com", "password": "password123"}, 422, "invalid_input", "password"),
        ({"email": "bob"}, 422, "invalid_input", "email"),
        ({"name": ""}, 422, "invalid_input", "name"),
        ({"role": "owner"}, 422, "invalid_input", "role"),
        ({"is_admin": "1"}, 422, "invalid_input", "is_admin"),
    ],
)
async def test_refused_registration_names_the_field(visitor, changes, status, code, field):
    await register(visitor)
    answer = await register(visitor, **changes)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (status, code, field)
    assert problem["detail"].endswith(".")


async def test_logout_ends_the_session_for_cookie_and_token(visitor, site):
    token = (await register(visitor)).json()["access_token"]
    out = await visitor.post("/api/auth/logout", headers=csrf(visitor))
    assert out.status_code == 204
    assert {morsel["max-age"] for morsel in cookies_of(out).values()} == {"0"}
    assert (await visitor.get("/api/me")).status_code == 401
    async with site.visitor(Authorization=f"Bearer {token}") as again:
        assert (await again.get("/api/me")).status_code == 401
    async with site.visitor(Cookie=f"agentloom_session={token}") as again:
        assert (await again.get("/api/me")).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "bearer  ",
        "Token x",
        "Bearer é".encode(),
    ],
)
async def test_bad_bearer_is_not_signed_in(visitor, header):
    answer = await visitor.get("/api/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_bad_bearer_does_not_fall_back_to_the_cookie(visitor):
    await register(visitor)
    answer = await visitor.get("/api/me", headers={"Authorization": "Bearer x.y.z"})
    assert answer.status_code == 401


async def test_write_with_a_cookie_needs_the_csrf_token_of_that_session(visitor, bob):
    await register(visitor)
    wish = {"json": {"name": "Flow"}}
    assert (await visitor.post("/api/workflows", **wish)).status_code == 403
    for wrong in ("", "0" * 64, visitor.cookies["agentloom_csrf"][:-1] + "é"):
        headers = {"X-CSRF-Token": wrong.encode()}
        answer = await visitor.post("/api/workflows", **wish, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "denied")
    answer = await visitor.post("/api/workflows", **wish, headers=csrf(visitor))
    assert answer.status_code == 201


async def test_csrf_token_of_another_session_does_not_fit(visitor, site):
    await register(visitor)
    async with site.visitor() as other:
        await register(other, "Bob")
        stolen = csrf(other)
    assert (
        await visitor.post("/api/workflows", json={"name": "x"}, headers=stolen)
    ).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": ORIGIN}, 201),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:4000"}, 403),
        ({"Origin": "http://localhost:3000.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_write_with_a_cookie_comes_from_our_own_pages_only(visitor, headers, status):
    await register(visitor)
    answer = await visitor.post(
        "/api/workflows", json={"name": "x"}, headers={**csrf(visitor), **headers}
    )
    assert answer.status_code == status


async def test_public_address_is_our_own_too(visitor, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_PUBLIC_URL", "http://loom.example.com")
    settings.cache_clear()
    await register(visitor)
    headers = {**csrf(visitor), "Origin": "http://loom.example.com"}
    assert (await visitor.post("/api/workflows", json={"name": "x"}, headers=headers)).is_success


async def test_foreign_page_cannot_sign_anybody_in(visitor):
    await register(visitor)
    for path in ("/api/auth/login", "/api/auth/register"):
        answer = await visitor.post(path, json=LOGIN, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403


async def test_bearer_needs_neither_csrf_nor_origin(ada):
    answer = await ada.post(
        "/api/workflows", json={"name": "x"}, headers={"Origin": "https://tool.example"}
    )
    assert answer.status_code == 201


async def test_reading_with_a_cookie_needs_no_csrf_token(visitor):
    await register(visitor)
    assert (await visitor.get("/api/workflows")).status_code == 200


async def test_too_many_attempts_say_when_to_come_back(visitor):
    await register(visitor)
    wrong = {**LOGIN, "password": "wrong password"}
    for _ in range(throttle.SIGN_IN_PAIR.count):
        assert (await visitor.post("/api/auth/login", json=wrong)).status_code == 401
    answer = await visitor.post("/api/auth/login", json=LOGIN)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= throttle.SIGN_IN_PAIR.window_s


async def test_workspace_header_chooses_only_among_ones_own(ada, bob):
    mine = (await ada.get("/api/workspaces")).json()["items"][0]["id"]
    his = (await bob.get("/api/workspaces")).json()["items"][0]["id"]
    answers = {}
    for workspace_id in (mine, his, "wsp_none"):
        answer = await ada.get("/api/me", headers={"X-Workspace-Id": workspace_id})
        answers[workspace_id] = answer.status_code
    assert list(answers.values()) == [200, 404, 404]
