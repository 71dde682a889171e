"""Reflex's view of the app: name, plugins, and where it runs."""

import reflex as rx

from app.kernel.settings import settings

config = rx.Config(
    app_name="app",
    backend_port=settings().port,
    redis_url=settings().redis_url or None,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frontend_lazy_bundled_libraries=True,
    cors_allowed_origins=[settings().origin, f"http://127.0.0.1:{settings().port}"],
    plugins=[rx.plugins.TailwindV4Plugin({"darkMode": "class"}), rx.plugins.SitemapPlugin()],
)
