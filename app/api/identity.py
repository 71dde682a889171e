"""Register, sign in and out; who am I."""

from fastapi import Depends, Request, Response
from pydantic import Field

from app.api.http.bodies import Body, router
from app.api.http.client import client_address
from app.api.http.deps import CSRF_COOKIE, SESSION_COOKIE, Signed, require_own_origin
from app.kernel.settings import settings
from app.services.app_context import current_app
from app.services.identity import commands, queries, registration
from app.services.identity.views import MeView, RegisterRequest, SignedIn, UserView

auth = router("/auth", "auth")
me = router("/me", "auth")


class LoginBody(Body):
    """E-mail address and password."""

    email: str = Field(max_length=1_000, description="As registered.", examples=["ada@example.com"])
    password: str = Field(
        max_length=10_000, repr=False, description="The account's.", examples=["copper kettle 9"]
    )


class TokenView(Body):
    """What a program sends as `Authorization: Bearer …`; browsers use the cookie beside it."""

    access_token: str = Field(repr=False)
    token_type: str = "bearer"  # noqa: S105 - the name of a scheme


class RegisteredView(TokenView):
    """A new account, signed in."""

    user: UserView
    workspace_id: str


def _set_cookies(response: Response, signed: SignedIn) -> None:
    life = int(commands.SESSION_LIFE.total_seconds())
    secure = settings().origin.startswith("https:")
    for name, value, hidden in (
        (SESSION_COOKIE, signed.access_token, True),
        (CSRF_COOKIE, signed.csrf_token, False),
    ):
        response.set_cookie(
            name, value, max_age=life, path="/", secure=secure, httponly=hidden, samesite="lax"
        )


@auth.post(
    "/register", status_code=201, responses={409: {}}, dependencies=[Depends(require_own_origin)]
)
async def register(body: RegisterRequest, request: Request, response: Response) -> RegisteredView:
    """Create an account with a workspace and a first project, and sign in."""
    app = current_app()
    account = await registration.prepare_account(
        app.database, app.throttle, body, client_address(request.scope)
    )
    async with app.database.work() as uow:
        signed = await registration.register(uow, account, request.headers.get("user-agent", ""))
    _set_cookies(response, signed)
    return RegisteredView(
        access_token=signed.access_token, user=signed.user, workspace_id=signed.workspace_id
    )


@auth.post("/login", responses={401: {}}, dependencies=[Depends(require_own_origin)])
async def login(body: LoginBody, request: Request, response: Response) -> TokenView:
    """Open a session: a token for programs, a cookie for browsers."""
    app, client = current_app(), client_address(request.scope)
    known = await commands.check_password(
        app.database, app.throttle, body.email, body.password, client
    )
    async with app.database.work() as uow:
        signed = await commands.login(uow, known, request.headers.get("user-agent", ""))
    _set_cookies(response, signed)
    return TokenView(access_token=signed.access_token)


@auth.post("/logout", status_code=204)
async def logout(who: Signed, response: Response) -> None:
    """End the session, in every tab and for its token."""
    async with current_app().database.work() as uow:
        await commands.logout(uow, who.session_id)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax")
    response.delete_cookie(CSRF_COOKIE, path="/", samesite="lax")


@me.get("")
async def who_am_i(who: Signed) -> MeView:
    """The signed-in person and the workspace they act in."""
    async with current_app().database.read() as uow:
        return await queries.me(uow, who)
