"""Who may come to the pages' socket, how often, and with what."""

from types import SimpleNamespace

import pytest

from app.kernel.settings import settings
from app.services import throttle
from app.services.throttle import Rate
from app.state.socket import door
from app.state.socket.door import ANONYMOUS, SIGNED_IN, VISITOR, Allowance, Door
from tests.unit.state.conftest import sign_up


class Socket:
    """A connection as the server hands it over, with the messages a page sends."""

    def __init__(self, *texts, cookie="", peer="192.0.2.1", forwarded="", binary=False):
        headers = {
            "cookie": f"agentloom_session={cookie}" if cookie else "",
            "x-forwarded-for": forwarded,
        }
        self.scope = {
            "type": "websocket", "path": "/_event", "client": (peer, 1),
            "headers": [(k.encode(), v.encode()) for k, v in headers.items() if v],
        }  # fmt: skip
        kind = "bytes" if binary else "text"
        self.inbox = [{"type": "websocket.connect"}]
        self.inbox += [{"type": "websocket.receive", kind: text} for text in texts]
        self.sent = []

    async def receive(self):
        return self.inbox.pop(0) if self.inbox else {"type": "websocket.disconnect", "code": 1000}

    async def send(self, message):
        self.sent.append(message)

    async def through(self, entrance):
        """Come to the door; return what was closed, if anything was."""
        await entrance(self.scope, self.receive, self.send)
        return [message["code"] for message in self.sent if message["type"] == "websocket.close"]


class Inside:
    """The app behind the door: it reads until the socket ends, and notes what came."""

    def __init__(self):
        self.visitors, self.heard, self.during = [], [], None

    async def __call__(self, scope, receive, send):
        self.visitors.append(scope[VISITOR])
        while (message := await receive())["type"] != "websocket.disconnect":
            self.heard.append(message)
            if self.during:
                await self.during()


@pytest.fixture
def inside():
    return Inside()


@pytest.fixture
def entrance(inside, app):
    return Door(inside)


async def test_who_comes_is_told_from_the_cookie(entrance, inside, app):
    token = await sign_up(app)
    for cookie in ("", "made-up", token):
        assert await Socket(cookie=cookie).through(entrance) == []
    nobody, forger, ada = inside.visitors
    assert nobody.actor is forger.actor is None
    assert forger.token == ""
    assert ada.actor.name == "Ada"
    assert ada.session_id


async def test_an_address_counts_only_as_far_as_trusted_proxies_wrote_it(
    entrance, inside, monkeypatch
):
    await Socket(peer="192.0.2.1", forwarded="203.0.113.9").through(entrance)
    monkeypatch.setenv("AGENTLOOM_TRUSTED_PROXIES", "192.0.2.1")
    settings.cache_clear()
    await Socket(peer="192.0.2.1", forwarded="198.51.100.1, 203.0.113.9").through(entrance)
    assert [one.address for one in inside.visitors] == ["192.0.2.1", "203.0.113.9"]


async def test_an_address_has_so_many_sockets_at_a_time(entrance, inside, app, monkeypatch):
    monkeypatch.setattr(door, "ANONYMOUS", Allowance(1, 100, Rate(100, 1)))
    closed = {}

    async def meanwhile():
        inside.during = None
        closed["same"] = await Socket().through(entrance)
        closed["other"] = await Socket(peer="192.0.2.7").through(entrance)
        closed["signed in"] = await Socket(cookie=token).through(entrance)

    token = await sign_up(app)
    inside.during = meanwhile
    await Socket().through(entrance)
    assert closed == {"same": [1013], "other": [], "signed in": []}
    assert await Socket().through(entrance) == []  # the first is gone


async def test_a_person_has_so_many_sockets_wherever_they_are(entrance, inside, app, monkeypatch):
    monkeypatch.setattr(door, "SIGNED_IN", Allowance(1, 100, Rate(100, 1)))
    ada, bob = await sign_up(app), await sign_up(app, "Bob")
    closed = {}

    async def meanwhile():
        inside.during = None
        closed["ada"] = await Socket(cookie=ada, peer="192.0.2.7").through(entrance)
        closed["bob"] = await Socket(cookie=bob).through(entrance)

    inside.during = meanwhile
    await Socket(cookie=ada).through(entrance)
    assert closed == {"ada": [1013], "bob": []}


@pytest.mark.parametrize(
    ("text", "goes_through"),
    [("40/_event,{}", True), ('42/_event,["event",{}]', True), ("3", True), ("1", True), ("b0011", False),
     ("451-/_event,[]", False), ("5", False), ("x", False), ("", False), ("42" + "x" * 16_000, False)],
)  # fmt: skip
async def test_only_what_pages_send_goes_through(entrance, inside, text, goes_through):
    closed = await Socket(text).through(entrance)
    heard = [message.get("text") for message in inside.heard if "text" in message]
    assert (heard, closed) == (([text], []) if goes_through else ([], [1008]))


async def test_bytes_do_not_go_through(entrance, inside):
    assert await Socket(b"4", binary=True).through(entrance) == [1008]


async def test_a_socket_is_one_tab(entrance, inside):
    assert await Socket("40/_event,", "42[]", "40/_event,").through(entrance) == [1008]
    assert len(inside.heard) == 3  # with the one that opened it


async def test_a_flood_closes_the_socket_and_a_person_has_more_to_spend(
    entrance, inside, app, monkeypatch
):
    monkeypatch.setattr(throttle, "time", SimpleNamespace(monotonic=lambda: 0.0))
    calm = int(ANONYMOUS.rate.burst)
    assert await Socket(*["3"] * (calm + 50)).through(entrance) == [1008]
    assert await Socket("3").through(entrance) == [1008]  # a new socket is no new budget
    assert await Socket("3", peer="192.0.2.7").through(entrance) == []
    assert await Socket(*["3"] * (calm + 50), cookie=await sign_up(app)).through(entrance) == []
    assert SIGNED_IN.rate.burst > calm + 50


async def test_requests_are_none_of_its_business(inside, app):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    await Door(app)({"type": "http"}, None, None)
    assert seen == ["http"]
