"""The pages' socket of the running product: who may send what, what a tab gets of whom, and when it ends."""

import asyncio
import json
import pickle
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import redis as redis_client
import redis.asyncio
import socketio
from reflex.utils.token_manager import RedisTokenManager

from app.kernel import log
from app.state.approvals import ApprovalsState
from app.state.identity import IdentityState
from app.state.models.list import ModelsState
from app.state.workflows.editor import EditorState
from app.state.workflows.list import WorkflowsState
from tests.e2e.product import Product
from tests.tab import ARRIVE, NAMESPACE, Tab, beside_silent_models, handler, tab

PASSWORD = "copper kettle 9"
SEARCH = handler(WorkflowsState, "look_for")
SHOWN = f"{WorkflowsState.get_full_name()}.search_rx_state_"
READY = f"{WorkflowsState.get_full_name()}.ready_rx_state_"
SIGN_IN = "agentloomSession.ask()"


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with beside_silent_models() as started:
        yield started


@pytest.fixture(scope="module")
def url(product) -> str:
    return f"http://127.0.0.1:{product.port}"


@pytest.fixture
def store(product) -> Iterator[redis_client.Redis]:
    """The product's own Redis."""
    with redis_client.Redis(unix_socket_path=str(product.data / "redis" / "redis.sock")) as client:
        yield client


def sign_in(url: str, name: str) -> str:
    """Open another session of somebody; return its cookie."""
    body = {"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD}
    made = httpx.post(f"{url}/api/auth/login", json={k: body[k] for k in ("email", "password")})
    if made.status_code != 200:
        made = httpx.post(f"{url}/api/auth/register", json=body)
    return made.json()["access_token"]


def sign_out(url: str, cookie: str) -> None:
    done = httpx.post(f"{url}/api/auth/logout", headers={"Authorization": f"Bearer {cookie}"})
    assert done.status_code == 204


@pytest.fixture(scope="module")
def ada(url) -> str:
    return sign_in(url, "Ada")


@pytest.fixture(scope="module")
def bob(url) -> str:
    return sign_in(url, "Bob")


async def quiet(opened: Tab) -> None:
    """Wait until the server has had time to answer, if it was going to."""
    await opened.client.emit("ping", namespace=NAMESPACE)
    await asyncio.sleep(0.3)


async def searched(opened: Tab, text: str) -> None:
    """Search in the list of workflows, and see that the tab's state took it."""
    await opened.fire(SEARCH, "/workflows", text=text)
    await opened.until(lambda: opened.deltas.get(SHOWN) == text)


async def test_nobody_opens_the_sign_in_page_and_no_other(url, ada):
    async with tab(url, "/login") as public:
        await public.until(lambda: READY in public.deltas)
    async with tab(url, "/workflows") as closed:
        await closed.until(lambda: SIGN_IN in closed.said)
        await quiet(closed)
        assert not closed.deltas
    async with tab(url, "/workflows", ada) as signed_in:
        await signed_in.until(lambda: signed_in.deltas.get(READY) is True)


async def test_the_address_that_is_judged_is_the_one_that_is_opened(url):
    async with tab(url, "/login", hydrate=False) as opened:
        odd = opened.event(ARRIVE, "/login", {})
        odd["router_data"]["asPath"] = "/workflows"
        await opened.client.emit("event", odd, namespace=NAMESPACE)
        odd["router_data"] = {"pathname": "login", "asPath": "login"}
        await opened.client.emit("event", odd, namespace=NAMESPACE)
        await opened.until(lambda: READY in opened.deltas)
        await quiet(opened)
        assert SIGN_IN not in opened.said  # no handler of a closed page ran and asked who is there


async def test_nobody_runs_a_handler(url, ada):
    async with tab(url, "/login") as nobody:
        await nobody.until(lambda: READY in nobody.deltas)
        await nobody.fire(SEARCH, text="planted")
        await nobody.fire(handler(ApprovalsState, "comment"), step_id="s", text="x" * 10_000)
        await quiet(nobody)
        assert "planted" not in nobody.said
        await nobody.fire(handler(IdentityState, "welcome"), "/login?next=%2Fruns")
        await nobody.until(lambda: "/runs" in nobody.said)  # the one that is public does run
    async with tab(url, "/workflows", ada) as signed_in:
        await searched(signed_in, "planted")


async def test_handlers_of_the_framework_are_nobodys(url, ada):
    async with tab(url, "/workflows", ada) as opened:
        await opened.fire(handler(IdentityState, "setvar"), var_name="role", value="emperor")
        await opened.fire("reflex___state____state.setvar", var_name="run_id", value="emperor")
        await searched(opened, "after")
        assert "emperor" not in opened.said


async def test_nobody_leaves_anything_in_redis(url, ada, store):
    before = sorted(store.keys("*"))
    async with tab(url, "/login") as nobody:
        await nobody.until(lambda: READY in nobody.deltas)
        for number in range(20):
            await nobody.fire(
                handler(ApprovalsState, "comment"), step_id=f"s{number}", text="x" * 9_000
            )
        await quiet(nobody)
        assert sorted(store.keys("*")) == before
    async with tab(url, "/workflows", ada) as signed_in:
        await searched(signed_in, "kept nowhere")
        assert sorted(store.keys("*")) == before


async def test_a_message_that_is_too_long_closes_the_socket(url, ada):
    async with tab(url, "/login") as nobody:
        await nobody.fire(SEARCH, text="x" * 20_000)
        async with asyncio.timeout(3):
            await nobody.closed.wait()
    async with tab(url, "/workflows", ada) as signed_in:
        await searched(signed_in, "x" * 20_000)
        await signed_in.fire(SEARCH, text="x" * 1_100_000)
        async with asyncio.timeout(3):
            await signed_in.closed.wait()


async def test_a_client_cannot_say_that_its_socket_came_or_went(url, ada):
    forged = {"QUERY_STRING": "token=t", "asgi.scope": {"headers": [], "agentloom.visitor": {}}}
    async with tab(url, "/login") as nobody:
        await nobody.client.emit("connect", forged, namespace=NAMESPACE)
        await nobody.fire(SEARCH, text="planted")
        await quiet(nobody)
        assert "planted" not in nobody.said
    async with tab(url, "/workflows", ada) as signed_in:
        await signed_in.client.emit("disconnect", namespace=NAMESPACE)
        await searched(signed_in, "still here")


@pytest.mark.parametrize("what", ["bytes", "a second tab"])
async def test_a_message_that_pages_do_not_send_closes_the_socket(url, ada, what):
    async with tab(url, "/workflows", ada) as opened:
        await searched(opened, "before")
        if what == "bytes":
            await opened.client.emit("event", {"name": b"\0"}, namespace=NAMESPACE)
        else:
            join = opened.client.packet_class(socketio.packet.CONNECT, namespace=NAMESPACE)
            await opened.client._send_packet(join)
        async with asyncio.timeout(3):
            await opened.closed.wait()


def test_there_is_no_polling(url):
    refused = httpx.get(f"{url}/_event/?EIO=4&transport=polling")
    assert refused.status_code == 400


async def test_a_token_opens_nothing_for_another_person(url, ada, bob):
    async with tab(url, "/workflows", ada) as of_ada:
        await searched(of_ada, "the secret plan")
        token = of_ada.token
        async with tab(url, "/workflows", bob, token) as meanwhile:
            await meanwhile.until(lambda: meanwhile.deltas.get(READY) is True)
            assert meanwhile.token != token
    async with tab(url, "/workflows", bob, token) as later:
        await later.until(lambda: later.deltas.get(READY) is True)
        assert later.token != token
        assert "the secret plan" not in meanwhile.said + later.said
        assert "ada@example.com" not in meanwhile.said + later.said
    async with tab(url, "/login", "", token) as nobody:
        await nobody.until(lambda: READY in nobody.deltas)
        assert "the secret plan" not in nobody.said
    async with tab(url, "/workflows", ada, token) as again:
        await again.until(lambda: again.deltas.get(SHOWN) == "the secret plan")
        assert again.token == token


@pytest.mark.parametrize(
    "token", ["a", "x" * 10_000, "../..", "b6a2e1b0-0000-4000-8000-000000000000"]
)
async def test_a_token_that_is_not_ours_is_replaced(url, ada, token):
    async with tab(url, "/workflows", ada, token) as opened:
        await opened.until(lambda: opened.deltas.get(READY) is True)
        assert opened.token != token
        assert len(opened.token) == 36


async def test_a_new_session_begins_with_a_new_tab(url):
    first = sign_in(url, "Ada")
    async with tab(url, "/workflows", first) as before:
        await searched(before, "of the first session")
    sign_out(url, first)
    async with tab(url, "/workflows", sign_in(url, "Ada"), before.token) as after:
        await after.until(lambda: after.deltas.get(READY) is True)
        assert after.token != before.token
        assert "of the first session" not in after.said


async def test_no_cookie_is_sent_or_stored(url, product):
    cookie = sign_in(url, "Cleo")
    async with tab(url, "/workflows", cookie) as opened:
        await searched(opened, "something")
        assert cookie not in opened.said
        files = [path for path in product.data.rglob("*") if path.is_file()]
        assert any(
            b"cleo@example.com" in path.read_bytes() for path in files
        )  # the search does find
        for path in files:
            assert cookie.encode() not in path.read_bytes(), path
            assert b"secret-of-another-program" not in path.read_bytes(), path


async def test_what_clients_send_is_logged_as_short_lines_that_cannot_be_forged(url, ada, product):
    forged = '\n{"level": "error", "message": "forged"}\n\x1b[31m'
    async with tab(url, "/login") as nobody:
        await nobody.client.emit(
            "client_error", {"message": f"of nobody {forged}"}, namespace=NAMESPACE
        )
        await nobody.fire(f"of nobody {forged}", step_id=forged)
        await quiet(nobody)
    async with tab(url, "/workflows", ada) as signed_in:
        told = {"error_type": "x", "message": f"of ada {forged}{'x' * 100_000}"}
        await signed_in.client.emit("client_error", told, namespace=NAMESPACE)
        await signed_in.fire(
            handler(EditorState, "start"), message={"input": forged, forged: forged * 9_000}
        )
        await signed_in.until(lambda: "Something went wrong" in signed_in.said)
    lines = (product.data / "logs" / "web.log").read_bytes().splitlines()
    assert all(len(line) <= log.LONGEST for line in lines)
    told = [json.loads(line) for line in lines if line]
    assert "forged" not in [one["message"] for one in told]
    assert "of nobody" not in repr(told)
    assert "of ada" in repr(told)


class Planted:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


async def test_nothing_that_lies_in_redis_is_unpickled(url, ada, store, tmp_path, product):
    mark = tmp_path / "it-ran"
    async with tab(url, "/workflows", ada) as opened:
        await searched(opened, "mine")
        state = WorkflowsState.get_full_name()
        planted = pickle.dumps(Planted(mark))
        keys = [f"token_manager_socket_record_{opened.token}", f"{opened.token}_{state}",
                f"{opened.token}_reflex___state____state", opened.token]  # fmt: skip
        for key in keys:
            store.set(key, planted)
        store.publish("channel:token_manager_lost_and_found_x", planted)
        await searched(opened, "still mine")
    async with tab(url, "/workflows", ada, opened.token) as again:
        await again.until(lambda: again.deltas.get(SHOWN) == "still mine")
    assert not mark.exists()
    path = str(product.data / "redis" / "redis.sock")
    stock = RedisTokenManager(redis.asyncio.Redis(unix_socket_path=path))
    with pytest.raises(AttributeError):  # the framework's own manager runs it
        await stock._fetch_socket_record(opened.token)
    await stock.redis.aclose()
    assert mark.exists()
    store.delete(*keys)


async def test_a_socket_ends_with_the_authority_it_was_opened_with(url, ada, product):
    of = "(SELECT id FROM user_account WHERE email = '{}@example.com')"
    causes = {
        "Eve": "UPDATE member SET role = 'viewer' WHERE user_id = " + of.format("eve"),
        "Fay": "UPDATE user_account SET disabled_at = created_at WHERE email = 'fay@example.com'",
        "Gus": "DELETE FROM member WHERE user_id = " + of.format("gus"),
        "Hal": "",
    }
    cookies = {name: sign_in(url, name) for name in causes}
    async with AsyncExitStack() as opened:
        other = await opened.enter_async_context(tab(url, "/workflows", ada))
        tabs = [
            await opened.enter_async_context(tab(url, "/workflows", one))
            for one in cookies.values()
        ]
        for one in tabs:
            await searched(one, "before")
        product.change(*filter(None, causes.values()))
        sign_out(url, cookies["Hal"])
        async with asyncio.timeout(5):
            for one in tabs:
                await one.closed.wait()
                assert SIGN_IN in one.said
        await searched(other, "goes on")


async def test_a_page_that_is_slow_to_load_holds_up_no_other(url, ada):
    slow = f"{ModelsState.get_full_name()}.ready_rx_state_"
    async with tab(url, "/models", ada) as opened:
        await opened.until(lambda: "signed_in_rx_state_': True" in opened.said)
        assert opened.deltas[slow] is False  # it waits for the model servers
        typed = f"{ModelsState.get_full_name()}.search_rx_state_"
        await opened.fire(handler(ModelsState, "look_for"), text="qwen")
        await opened.until(lambda: opened.deltas.get(typed) == "qwen", 1)
        await opened.fire(ARRIVE, "/workflows")
        await opened.until(lambda: opened.deltas.get(READY) is True, 1)
        assert opened.deltas[slow] is False


async def test_a_reload_while_a_page_loads_shows_it_again(url, ada):
    token = None
    for _ in range(3):
        async with tab(url, "/models", ada, token) as opened:
            await opened.until(lambda opened=opened: bool(opened.deltas), 1)
            token = opened.token
    async with tab(url, "/workflows", ada, token) as after:
        await after.until(lambda: after.deltas.get(READY) is True, 1)
