"""The edge of state handlers: whatever they raise becomes a sentence for the person."""

import logging

import reflex as rx
from reflex.event import EventSpec

from app.kernel.errors import AppError, Defect, Unauthenticated
from app.kernel.ids import new_id

_log = logging.getLogger(__name__)


def notice(exception: Exception) -> EventSpec:
    """Turn an exception of a handler into an event: a toast, or the way to the sign-in page."""
    if isinstance(exception, Unauthenticated):
        return rx.call_script("window.agentloomSession.ask()")
    if isinstance(exception, AppError) and not isinstance(exception, Defect):
        return rx.toast.error(exception.message, id=exception.code)
    reference = new_id("request")
    _log.exception("state handler failed", exc_info=exception, extra={"request_id": reference})
    return rx.toast.error(
        "Something went wrong on our side.", description=f"Reference {reference}", id="defect"
    )
