"""Reflex's view of the app: name, plugins, and where it runs."""

import reflex as rx
from reflex.constants import StateManagerMode

from app.kernel.settings import settings

_SURFACES = ("bg", "panel", "panel-2", "line", "line-2", "text", "muted", "faint", "on-accent")
_SIGNALS = ("accent", "ok", "run", "err", "wait")
_CATEGORIES = (
    "trigger", "model", "agent", "tool", "logic", "memory", "data", "human", "flow",
)  # fmt: skip
_COLORS = (
    *_SURFACES,
    *_CATEGORIES,
    *(f"{name}{part}" for name in _SIGNALS for part in ("", "-2", "-ink")),
)

config = rx.Config(
    app_name="app",
    backend_port=settings().port,
    redis_url=None,  # the framework would keep pickles there
    state_manager_mode=StateManagerMode.MEMORY,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frontend_lazy_bundled_libraries=True,
    frontend_packages=[
        "@fontsource-variable/inter@5.3.0",
        "@fontsource-variable/jetbrains-mono@5.3.0",
    ],
    cors_allowed_origins=[settings().origin, f"http://127.0.0.1:{settings().port}"],
    plugins=[
        rx.plugins.RadixThemesPlugin(
            theme=rx.theme(accent_color="iris", gray_color="slate", radius="medium", scaling="95%")
        ),
        rx.plugins.TailwindV4Plugin(
            {
                "darkMode": "class",
                "theme": {"extend": {"colors": {name: f"var(--{name})" for name in _COLORS}}},
            }
        ),
        rx.plugins.SitemapPlugin(),
    ],
)
