import pytest

from app.kernel.errors import Unauthenticated
from app.kernel.settings import settings
from app.services.identity.commands import authenticate, logout
from app.services.identity.local import local_actor
from app.state.identity import IdentityState, actor, safe_next, session_token
from tests.unit.state.conftest import fire, open_tab, said, sign_up


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("agentloom_session=abc", "abc"),
        ("theme=dark; agentloom_session=abc; other=1", "abc"),
        ("theme=dark", ""),
        ("", ""),
        ("agentloom_session", ""),
    ],
)
def test_token_is_read_from_the_cookie_header(header, token):
    assert session_token(header) == token


@pytest.mark.parametrize("path", ["/", "/runs", "/workflows/wfl_1?node=a", "/runs/?x=1"])
def test_next_keeps_paths_of_this_site(path):
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "",
        "/login", "/login/?next=/x", "/register", "/a\r\nb", "\\\\evil",
    ],
)  # fmt: skip
def test_next_leads_home_instead_of_elsewhere(path):
    assert safe_next(path) == "/"


async def test_guard_lets_signed_in_people_pass(app, token):
    tab = open_tab(IdentityState, token, "/runs")
    assert await fire(tab, "guard") == []
    assert tab.signed_in
    assert (tab.name, tab.email, tab.role) == ("Ada", "ada@example.com", "owner")
    assert tab.workspace == "Ada's workspace"


async def test_guard_sends_others_to_sign_in_and_back(app):
    tab = open_tab(IdentityState, "", "/runs?status=failed")
    assert "/login?next=%2Fruns%3Fstatus%3Dfailed" in said(await fire(tab, "guard"))
    assert not tab.signed_in


async def test_guard_forgets_the_person_when_the_session_has_ended(app, token):
    tab = open_tab(IdentityState, token)
    await fire(tab, "guard")
    async with app.database.work() as uow:
        await logout(uow, (await authenticate(uow, token)).session_id)
    assert "/login" in said(await fire(tab, "guard"))
    assert not tab.signed_in
    assert tab.email == ""


async def test_an_open_tab_cannot_act_after_sign_out(app, token):
    tab = open_tab(IdentityState, token)
    assert (await actor(tab)).name == "Ada"
    async with app.database.work() as uow:
        await logout(uow, (await authenticate(uow, token)).session_id)
    with pytest.raises(Unauthenticated):
        await actor(tab)


async def test_a_forged_token_is_nobody(app):
    with pytest.raises(Unauthenticated):
        await actor(open_tab(IdentityState, "not.a.token"))


async def test_sign_in_page_sends_signed_in_people_on(app, token):
    tab = open_tab(IdentityState, token, "/login?next=%2Fruns")
    assert "/runs" in said(await fire(tab, "welcome"))


async def test_sign_in_page_remembers_where_to_go(app, token):
    tab = open_tab(IdentityState, "", "/login?next=%2Fruns%3Fa%3D1")
    assert await fire(tab, "welcome") == []
    assert tab.next_path == "/runs?a=1"
    assert tab.next_query == "?next=%2Fruns%3Fa%3D1"


async def test_sign_in_page_never_leads_to_another_site(app):
    tab = open_tab(IdentityState, "", "/login?next=%2F%2Fevil.example")
    await fire(tab, "welcome")
    assert tab.next_path == "/"


async def test_the_first_visitor_signs_up(app):
    tab = open_tab(IdentityState, "", "/login?next=%2Fruns")
    assert "/register?next=%2Fruns" in said(await fire(tab, "welcome"))
    async with app.database.work() as uow:
        await local_actor(uow)  # who cannot sign in
    assert "/register" in said(await fire(open_tab(IdentityState, "", "/login"), "welcome"))
    assert await fire(open_tab(IdentityState, "", "/register"), "welcome") == []


async def test_later_visitors_sign_in(app, token):
    assert await fire(open_tab(IdentityState, "", "/login"), "welcome") == []


async def test_where_nobody_may_register_the_pages_say_why(app, token, monkeypatch):
    for path in ("/login", "/register"):
        tab = open_tab(IdentityState, "", path)
        await fire(tab, "welcome")
        assert tab.closed == ""
    monkeypatch.setenv("AGENTLOOM_REGISTRATION", "closed")
    settings.cache_clear()
    for path in ("/login", "/register"):
        tab = open_tab(IdentityState, "", path)
        await fire(tab, "welcome")
        assert "Ask the person who runs this installation." in tab.closed
    settings.cache_clear()


async def test_the_shell_knows_who_administers_the_installation(app, token):
    first, second = (
        open_tab(IdentityState, token),
        open_tab(IdentityState, await sign_up(app, "Bob")),
    )
    for tab in (first, second):
        await fire(tab, "guard")
    assert (first.administers, second.administers) == (True, False)
