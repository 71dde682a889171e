"""The decorator that makes a function a page: route, title, sign-in guard, shell, skeleton."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import reflex as rx

from app.components import shell
from app.state.identity import IdentityState

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
            if layout == "full":
                return _guarded(shell.full(render()), navigation=False)
            return _guarded(shell.frame(render(), section=section_of(route)), navigation=True)

        whole.__name__ = render.__name__
        guards = [] if layout == "bare" else [IdentityState.guard]
        rx.page(route=route, title=f"{title} · AgentLoom", on_load=[*guards, *on_load])(whole)
        return render

    return decorate


def _guarded(content: rx.Component, *, navigation: bool) -> rx.Component:
    return rx.cond(IdentityState.signed_in, content, shell.skeleton(navigation=navigation))


def section_of(route: str) -> str:
    """Name the entry of the navigation that a route belongs to, such as `runs`; the home page is ``."""
    return route.strip("/").partition("/")[0]
