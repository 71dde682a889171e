"""Who sits at this tab: the session cookie of the socket's handshake, checked by every handler."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote

import reflex as rx

from app.kernel.errors import Unauthenticated
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.identity.commands import authenticate
from app.services.identity.queries import has_people, me
from app.services.identity.registration import why_not
from app.state.socket.said import Said

COOKIE = "agentloom_session"


def session_token(cookie_header: str) -> str:
    """Return the session token in a Cookie header, or an empty text."""
    try:
        found = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def safe_next(path: str) -> str:
    """Return where to go after signing in: the path if it lies on this site, else the home page."""
    fits = path.startswith("/") and not path.startswith("//") and not set(path) & set("\r\n\t\\")
    enters = path.partition("?")[0].rstrip("/") in ("/login", "/register")
    return path if fits and not enters else "/"


async def actor(state: rx.State) -> Actor:
    """Return who acts at this tab. Every handler that reads or changes data calls this first.

    Raises:
        Unauthenticated: Nobody is signed in, or the session has ended since the tab was opened.
    """
    token = session_token(state.router.headers.cookie)
    if not token:
        raise Unauthenticated("You are not signed in.")
    async with current_app().database.read() as uow:
        return await authenticate(uow, token)


class IdentityState(rx.State):
    """What the shell shows of the person; who may do what is looked up by `actor` each time.

    `closed` says why nobody may create an account; it is empty when people may.
    """

    signed_in: bool = False
    name: str = ""
    email: str = ""
    workspace: str = ""
    role: str = ""
    administers: bool = False
    since: str = ""
    closed: str = ""
    next_path: str = "/"
    next_query: str = ""

    @rx.event
    async def guard(self) -> Said:
        """Let signed-in people pass; send others to sign in and bring them back afterwards."""
        try:
            acting = await actor(self)
        except Unauthenticated:
            self.reset()  # type: ignore[no-untyped-call] # Reflex's
            url = self.router.url
            here = safe_next(f"{url.path}?{url.query}" if url.query else url.path)
            return rx.redirect(f"/login?next={quote(here, safe='')}")
        async with current_app().database.read() as uow:
            person = await me(uow, acting)
        self.name, self.email, self.role = person.name, person.email, person.role
        self.administers = person.is_installation_admin
        self.workspace, self.since = person.workspace_name, f"{person.created_at:%-d %B %Y}"
        self.signed_in = True
        return None

    @rx.event
    async def welcome(self) -> Said:
        """Remember where to go after signing in; who is signed in already goes there at once.

        The first visitor of a fresh installation has nothing to sign in with, and signs up.
        """
        self.next_path = safe_next(parse_qs(self.router.url.query).get("next", ["/"])[0])
        try:
            await actor(self)
        except Unauthenticated:
            self.signed_in = False
            onwards = f"?next={quote(self.next_path, safe='')}"
            self.next_query = "" if self.next_path == "/" else onwards
            async with current_app().database.read() as uow:
                known = await has_people(uow)
                self.closed = await why_not(uow)
            signs_in = known or not self.router.url.path.startswith("/login")
            return None if signs_in else rx.redirect(f"/register{self.next_query}")
        return rx.redirect(self.next_path)

    @rx.event
    async def sign_out(self) -> Said:
        """End the session, here and in every other tab of this browser."""
        return rx.call_script("window.agentloomSession.signOut()")
