"""Who is asking: a bearer token, or the session cookie with proof that our own page sent it."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from app.api.http.policy import host_of, is_own_origin
from app.engine.events import RunStatus
from app.kernel.errors import Denied, Unauthenticated
from app.services.access import Actor
from app.services.app_context import current_app
from app.services.identity import tokens
from app.services.identity.commands import actor_of_token

SESSION_COOKIE = "agentloom_session"
CSRF_COOKIE = "agentloom_csrf"
CSRF_HEADER = "X-CSRF-Token"
MAX_INT = 2**31 - 1
"""The largest number the database takes where numbers count."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="The access token that sign-in returns.")
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    description=f"Set by sign-in. Methods that change something also need {CSRF_HEADER}.",
)

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before.")
]
Search = Annotated[str | None, Query(max_length=200, description="Words to look for.")]
Of = Annotated[str | None, Query(max_length=100, description="Only what belongs to this id.")]
Status = Annotated[RunStatus | None, Query(description="Only runs in this status.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same body gives the same run.",
    ),
]
Id = Annotated[str, Path(max_length=100, description="Id, as lists and answers give it.")]


def require_own_origin(request: Request) -> None:
    """Refuse what a page of another site sends. Browsers always say where a write comes from.

    Raises:
        Denied: The request was made by another site's page.
    """
    if request.method in _SAFE:
        return
    origin = request.headers.get("origin")
    if origin is None:
        foreign = request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
    else:
        foreign = not is_own_origin(origin, host_of(request.scope))
    if foreign:
        raise Denied("This request comes from another site and was refused.")


async def signed_in(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
    workspace: Annotated[
        str | None,
        Header(alias="X-Workspace-Id", max_length=100, description="Act in this workspace."),
    ] = None,
) -> Actor:
    """Return who is asking.

    Raises:
        Unauthenticated: Nobody, or their session has ended.
        Denied: A write with a cookie, from another site or without the CSRF token.
        NotFound: They do not belong to the workspace they named.
    """
    token = bearer.credentials if bearer else cookie
    if not token:
        raise Unauthenticated(tokens.SESSION_ENDED)
    if bearer is None:
        require_own_origin(request)
    actor = await actor_of_token(current_app().database, token, workspace)
    if bearer is None and request.method not in _SAFE:
        given = request.headers.get(CSRF_HEADER, "")
        if not tokens.csrf_fits(actor.session_id, given):
            raise Denied(
                f"The header {CSRF_HEADER} is missing or wrong. Reload the page and try again."
            )
    return actor


Signed = Annotated[Actor, Depends(signed_in)]
