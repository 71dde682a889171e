"""What a page shows when its own script broke: a sentence and a way on, never a stack trace."""

import reflex as rx
from reflex_components_core.base.error_boundary import ErrorBoundary


def guarded() -> rx.Component:
    """The boundary around every page. What broke is reported to the server's log."""
    return ErrorBoundary.create(fallback_render=rx.Var.create(_broken()))


def _broken() -> rx.Component:
    return rx.el.main(
        rx.el.h1("This page broke"),
        rx.el.p(
            "Nothing was lost: edits are saved as they are made, and runs go on. "
            "Load the page again; if it breaks again, the server's log says why."
        ),
        rx.el.div(
            rx.el.a("Load again", href="", class_name="btn btn-primary", data_testid="load-again"),
            rx.el.a("Home", href="/", class_name="btn"),
            class_name="row",
        ),
        role="alert",
        class_name="broken",
        data_testid="broken",
    )
