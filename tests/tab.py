"""A tab as the server sees it: a socket that speaks to the pages' state, without a browser."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import socketio
from reflex_base.constants import Reflex

from tests.conftest import free_port
from tests.e2e.product import Product

NAMESPACE = "/_event"
_STATE = "reflex___state____state"
HYDRATE = f"{_STATE}.hydrate_and_load"
ARRIVE = f"{_STATE}.reflex___state____on_load_internal_state.on_load_internal"


@contextmanager
def beside_silent_models() -> Iterator[Product]:
    """The product as it starts by default, beside model servers that take connections and never answer: a page that
    asks them is slow to load.
    """
    data = Path(tempfile.mkdtemp(prefix="al-"))
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        silent = f"http://127.0.0.1:{server.getsockname()[1]}"
        env = {"OLLAMA_HOST": silent, "AGENTLOOM_COMPATIBLE_URL": f"{silent}/v1",
               "AGENTLOOM_FIRST_MODEL": "none", "AGENTLOOM_WORKERS": "0"}  # fmt: skip
        started = Product(data, free_port(), env)
        started.start()
        yield started
        started.stop()
    shutil.rmtree(data, ignore_errors=True)


def handler(state: type, name: str) -> str:
    """The name under which a page calls a handler."""
    return f"{state.get_full_name()}.{name}"


class Tab:
    """An open socket, and all that it was sent."""

    def __init__(self, path: str) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.path = path
        self.token = ""
        self.updates: list[dict[str, Any]] = []
        self.closed = asyncio.Event()
        self.client.on("event", self.updates.append, namespace=NAMESPACE)
        self.client.on("new_token", self._renamed, namespace=NAMESPACE)
        self.client.on("disconnect", self._left, namespace=NAMESPACE)

    async def _renamed(self, token: str) -> None:
        self.token = token

    async def _left(self, *_: object) -> None:
        self.closed.set()

    async def fire(self, name: str, path: str = "", **payload: Any) -> None:
        """Send an event as a page does."""
        await self.client.emit("event", self.event(name, path, payload), namespace=NAMESPACE)

    def event(self, name: str, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """An event of this tab's page, or of the page at the path."""
        where = path or self.path
        return {"name": name, "payload": payload,
                "router_data": {"pathname": where.partition("?")[0], "asPath": where}}  # fmt: skip

    @property
    def deltas(self) -> dict[str, Any]:
        """The last value of each var that was sent, by state and name."""
        found: dict[str, Any] = {}
        for update in tuple(self.updates):
            for state, changes in (update.get("delta") or {}).items():
                found |= {f"{state}.{name}": value for name, value in changes.items()}
        return found

    @property
    def said(self) -> str:
        """All that was sent, as one text."""
        return repr(self.updates)

    async def until(self, is_true: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until something was sent."""
        async with asyncio.timeout(seconds):
            while not is_true():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def tab(
    url: str, path: str = "/", cookie: str = "", token: str | None = None, *, hydrate: bool = True,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Tab]:  # fmt: skip
    """Open a page at the product's address; its cookie is the session's token."""
    opened = Tab(path)
    opened.token = str(uuid4()) if token is None else token
    sent = {"Sec-WebSocket-Protocol": Reflex.VERSION, **(headers or {})}
    if cookie:
        sent["Cookie"] = f"other=secret-of-another-program; agentloom_session={cookie}"
    auth = {"event": opened.event(HYDRATE, path, {})} if hydrate else {"event": None}
    try:
        await opened.client.connect(
            f"{url}?token={opened.token}", headers=sent, transports=["websocket"],
            socketio_path=NAMESPACE, namespaces=[NAMESPACE], auth=auth, wait_timeout=5,
        )  # fmt: skip
        yield opened
    finally:
        await opened.client.disconnect()
