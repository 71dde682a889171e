"""The edge of state handlers: turns whatever they raise into a sentence for the person."""

import logging

import reflex as rx
from reflex.event import EventSpec

from app.kernel.errors import AppError, Defect, Unauthenticated
from app.kernel.ids import new_id

_log = logging.getLogger(__name__)

_LONGEST_REPORT = 1_000


def to_sign_in() -> EventSpec:
    """The redirect to the sign-in page, which sends back anyone who is signed in."""
    return rx.call_script("window.agentloomSession.ask()")


def notice(exception: Exception) -> EventSpec:
    """Turn an exception of a handler into an event: a toast, or the redirect to the sign-in page."""
    if isinstance(exception, Unauthenticated):
        return to_sign_in()
    if isinstance(exception, AppError) and not isinstance(exception, Defect):
        return _error(exception.message, id=exception.code)
    reference = new_id("request")
    _log.exception("state handler failed", exc_info=exception, extra={"request_id": reference})
    return _error(
        "Something went wrong on our side.", description=f"Reference {reference}", id="defect"
    )


def _error(words: str, **details: str) -> EventSpec:
    said: EventSpec = rx.toast.error(words, **details)
    return said


def broken_page(exception: Exception) -> None:
    """Log what broke in somebody's browser."""
    _log.warning("a page broke: %s", str(exception)[:_LONGEST_REPORT])
