"""The decorator that makes a function a page: route, title, sign-in guard, shell, skeleton."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from app.components import shell
from app.state.identity import IdentityState
from app.state.shell import ShellState

Layout = Literal["shell", "full", "bare"]
Render = Callable[[], rx.Component]


def page(
    route: str, title: str, *, on_load: Sequence[Any] = (), layout: Layout = "shell"
) -> Callable[[Render], Render]:
    """Serve the decorated function at a route.

    Args:
        route: Such as `/runs/[run_id]`; its first part names the current entry of the navigation.
        title: Shown in the browser's tab before the product's name.
        on_load: Handlers that load data, after the guard. A redirect of the guard does not stop
            them: each looks up the actor itself.
        layout: `shell` is the page beside the navigation, `full` the whole window behind the guard,
            `bare` has no guard (sign-in pages).
    """

    def decorate(render: Render) -> Render:
        def whole() -> rx.Component:
            if layout == "bare":
                return shell.bare(render())
            around = surroundings()
            framed = (
                shell.full(render(), around=around)
                if layout == "full"
                else shell.frame(render(), section=section_of(route), around=around)
            )
            waiting = shell.skeleton(with_navigation=layout == "shell")
            return rx.cond(IdentityState.signed_in, framed, waiting)

        whole.__name__ = render.__name__
        before = {"bare": [], "full": [IdentityState.guard]}
        guards = before.get(layout, [IdentityState.guard, ShellState.watch])
        rx.page(route=route, title=f"{title} · AgentLoom", on_load=[*guards, *on_load])(whole)
        return render

    return decorate


def section_of(route: str) -> str:
    """Name the navigation entry of a route, such as `runs`; the home page's is empty."""
    return route.strip("/").partition("/")[0]


def surroundings() -> shell.Surroundings:
    """What the shell shows, bound to state."""
    return shell.Surroundings(
        workspace=IdentityState.workspace,
        name=IdentityState.name,
        email=IdentityState.email,
        live_runs=ShellState.live_runs,
        open_approvals=ShellState.open_approvals,
        workflow_count=ShellState.workflow_count,
        offline=has_connection_errors,
        on_sign_out=IdentityState.sign_out,
        on_action=ShellState.act,
    )
