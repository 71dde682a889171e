"""A process with real parts on SQLite, a signed-in person, and tabs that hold their states."""

import shutil
from http.cookies import SimpleCookie

import pytest
import reflex as rx
from reflex.istate.data import RouterData

from app.kernel.settings import Settings, settings
from app.services.composition import close_app, open_app
from app.services.identity.views import RegisterRequest
from app.services.templates.seed import seed_templates
from app.state.identity import COOKIE
from tests.services import people


@pytest.fixture
async def app(_sqlite_template, tmp_path, clean_redis, monkeypatch):
    """The process's runtime, with the built-in templates."""
    monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / "data"))
    settings.cache_clear()
    path = tmp_path / "agentloom.db"
    shutil.copy(_sqlite_template, path)
    config = Settings(
        data_dir=tmp_path / "data", database_url=f"sqlite:///{path}", redis_url=clean_redis,
        ollama_url="http://127.0.0.1:9",
    )  # fmt: skip
    opened = await open_app(config)
    async with opened.database.work() as uow:
        await seed_templates(uow)
    yield opened
    await close_app()
    settings.cache_clear()


async def sign_up(app, name="Ada"):
    """Register somebody; return their session token."""
    request = RegisterRequest(
        name=name, email=f"{name.lower()}@example.com", password="copper kettle 9"
    )
    return (await people.sign_up(app.database, request)).access_token


@pytest.fixture
async def token(app):
    """The session of a signed-in person."""
    return await sign_up(app)


def open_tab(state_class, token="", path="/"):
    """Open a page in a new tab of a browser that holds this session; return one of its states."""
    cookie = SimpleCookie({COOKIE: token}).output(header="").strip() if token else ""
    root = rx.State(_reflex_internal_init=True)
    root.router = RouterData.from_router_data(
        {
            "headers": {"cookie": cookie, "origin": "http://localhost"}, "pathname": path,
            "asPath": path, "query": {}, "ip": "", "token": "t",
        }
    )  # fmt: skip
    return root.get_substate(state_class.get_full_name().split("."))


async def fire(state, name, *values):
    """Run a handler to its end; return the events it caused."""
    handler = type(state).event_handlers[name].fn
    result = handler(state, *values)
    if hasattr(result, "__aiter__"):
        return [event async for event in result if event is not None]
    event = await result
    return [] if event is None else [event]


def said(events):
    """The events as one text, to look for a sentence or an address in."""
    return " ".join(str(event) for event in events)
